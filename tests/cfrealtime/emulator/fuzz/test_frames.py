"""What comes after a WebSocket's handshake is done as it should be, or nearly so: frames that are none."""

from __future__ import annotations

import asyncio
import re
from base64 import b64encode
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager, suppress
from hashlib import sha1

from hypothesis import given
from hypothesis import strategies as st

from cfrealtime.emulator.adapters import messages
from tests.cfrealtime.emulator.adapters.calls import close, egress, ingest, new
from tests.cfrealtime.emulator.fuzz.street import Street, mutations, some

ACCEPT = b"{accept}"
SWITCH = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
TAKEN = SWITCH + b"Sec-WebSocket-Accept: " + ACCEPT + b"\r\n\r\n"
HEADER = st.sampled_from(
    [
        b"Sec-WebSocket-Extensions: permessage-deflate",
        b"Sec-WebSocket-Extensions: \x80;=,",
        b"Sec-WebSocket-Protocol: chat",
        b"Sec-WebSocket-Accept: AAAA",
        b"Content-Length: 5",
        b"Upgrade: h2c, websocket",
        b"X: " + b"x" * 9000,
        b"no header",
    ]
)


def frame(first: int, payload: bytes, length: int | None, form: int, mask: bool) -> bytes:
    """A frame that begins with this octet; `form` is 0, 2 or 8, the octets of its length beside the first."""
    length = len(payload) if length is None else length
    second = {0: min(length, 125), 2: 126, 8: 127}[form] | mask << 7
    extended = (length % 256**form).to_bytes(form, "big") if form else b""
    return bytes((first, second)) + extended + (b"\1\2\3\4" if mask else b"") + payload


TEXT, BINARY, CLOSE, PING = 0x81, 0x82, 0x88, 0x89
SOUND = messages.encode(messages.Message(b"\1\2\3\4" * 240, 7, 480))
LONG = st.sampled_from([31_995, 32_001, 70_000]).map(bytes)
REASON = st.builds(
    lambda code, words: code.to_bytes(2, "big") + words, st.integers(0, 0xFFFF), st.binary(max_size=130)
)
FRAME = st.builds(
    frame,
    st.sampled_from([TEXT, BINARY, CLOSE, PING, 0x8A, 0x01, 0x02, 0x00, 0x80]) | st.integers(0, 255),
    st.binary(max_size=130) | st.just(SOUND) | LONG | REASON,
    st.none() | st.integers(0, 200) | st.integers(0, 2**64 - 1),
    st.sampled_from([0, 2, 8]),
    st.booleans(),
)
RIGHT_FRAMES = [
    frame(BINARY, SOUND, None, 2, mask=False),
    frame(TEXT, b"\xff\xfe\xed", None, 0, mask=False),
    frame(CLOSE, b"\x03\xe8bye", None, 0, mask=False),
    frame(CLOSE, b"\x03", None, 0, mask=False),
    frame(PING, b"there?", None, 0, mask=False),
    frame(0x02, b"", None, 0, mask=False) + frame(0x00, b"", None, 0, mask=False) * 300,
    frame(0x02, SOUND, None, 2, mask=False) + frame(0x00, SOUND, None, 2, mask=False) * 40,
]
RIGHT = st.sampled_from(range(len(RIGHT_FRAMES))).map(lambda number: RIGHT_FRAMES[number])


class Said:
    """Octets of which a failure shows the first."""

    def __init__(self, octets: bytes) -> None:
        self.octets = octets

    def __repr__(self) -> str:
        return f"Said({self.octets[:100]!r} and so on: {len(self.octets)})"


SAID = st.lists((st.binary(max_size=200) | FRAME | RIGHT | RIGHT.flatmap(mutations)).map(Said), max_size=5)


@asynccontextmanager
async def endpoint(answer: bytes, said: Sequence[Said], *, hangs_up: bool) -> AsyncGenerator[str]:
    """Answers handshakes with these octets, and says what it has to say; gives its URL."""
    open_lines: set[asyncio.StreamWriter] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        open_lines.add(writer)
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            request = await reader.readuntil(b"\r\n\r\n")
            key = re.search(rb"(?i)sec-websocket-key: *(\S+)", request)[1]
            accept = b64encode(
                sha1(key + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11", usedforsecurity=False).digest()
            )
            writer.write(answer.replace(ACCEPT, accept))
            for part in said:
                writer.write(part.octets)
                await writer.drain()
            while not hangs_up and await reader.read(65_536):
                pass
        writer.close()
        open_lines.discard(writer)

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
    finally:
        server.close()
        for writer in open_lines:
            writer.transport.abort()
        await server.wait_closed()


async def adapted(street: Street, url: str, wait: float) -> list[str | None]:
    """Both kinds of adapters to an endpoint, for so long; gives what became of them at first."""
    response = await new(street.client, ingest(endpoint=url), egress(street.alice.id, endpoint=url))
    items = response.json()["tracks"]
    await asyncio.sleep(wait)
    await street.undisturbed()
    ids = [item["adapterId"] for item in items if "adapterId" in item]
    if ids:
        closed = await close(street.client, *ids)
        assert [item.get("errorCode") for item in closed.json()["tracks"]] == [None] * len(ids)
    adapters = street.emulator.state()["adapters"]
    ours = [adapter for adapter in adapters if adapter["adapter_id"] in ids]
    assert {adapter["closed_because"] for adapter in ours} <= {"it was closed", "its WebSocket was closed"}
    await street.undisturbed()
    return [item.get("errorCode") for item in items]


@some(15)
@given(said=SAID, hangs_up=st.booleans(), wait=st.sampled_from([0, 0, 0.3]))
async def test_frames_that_are_none_end_their_own_connection(street: Street, said, hangs_up, wait):
    async with endpoint(TAKEN, said, hangs_up=hangs_up) as url:
        first, second = await adapted(street, url, wait)
        assert first is None
        assert second in (None, "empty_track_error")  # a busy machine may be late to hear Alice


@some(15)
@given(
    answer=mutations(TAKEN)
    | st.lists(HEADER, min_size=1, max_size=3).map(
        lambda lines: TAKEN[:-2] + b"\r\n".join((*lines, b"\r\n"))
    ),
    said=SAID,
)
async def test_a_handshake_that_is_nearly_right_is_taken_or_refused(street: Street, answer, said):
    async with endpoint(answer, said, hangs_up=True) as url:
        codes = await adapted(street, url, 0)
        assert set(codes) <= {None, "empty_track_error", "websocket_handshake_failed"}
