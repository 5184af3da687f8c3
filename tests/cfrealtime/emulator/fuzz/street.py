"""A served emulator on which two sessions live next door to whoever throws garbage, and the throwing."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import secrets
import socket
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager

import httpx
from attrs import field, frozen
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st

from cfrealtime.emulator import Emulator, UdpMediaPlane
from cfrealtime.emulator.media import rtp
from tests.cfrealtime.emulator import document
from tests.cfrealtime.emulator.media.light_peer import LightPeer
from tests.cfrealtime.emulator.peer import Peer, codes, local, remote
from tests.cfrealtime.emulator.sdp.endpoint import M, value
from tests.cfrealtime.emulator.talkers import listening, talking

SECRETS = {name: f"{name}-secret-{secrets.token_hex(8)}" for name in ("app", "turn")}
NEVER_LOGGED = ("v=0\r", "v=0\n", "a=ice", "a=candidate", "a=fingerprint", "Traceback", *SECRETS.values())
TIMES = int(os.environ.get("FUZZ_TIMES", "1"))
"""How many times as many examples as usual: for an hour when nobody waits."""


def some(examples: int) -> settings:
    """So many examples on one living street: it is not rebuilt for each, which is the point."""
    return settings(
        max_examples=examples * TIMES,
        deadline=None,
        phases=(Phase.explicit, Phase.reuse, Phase.generate),  # shrinking takes minutes where sockets are
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    )


@frozen
class Street:
    """What a test of garbage has."""

    emulator: Emulator
    client: httpx.AsyncClient
    alice: Peer
    """Publishes a microphone, all the time."""
    voice: LightPeer
    ears: LightPeer
    """Bob's, who hears Alice."""
    failures: list[str] = field(factory=list[str])
    """Of tasks and callbacks, as the loop was told of them."""

    async def undisturbed(self) -> None:
        """Alice is heard, without a gap, and nothing has failed that nobody waits for."""
        await self.voice.check()
        await self.ears.check()
        before = len(self.ears.rtp)
        await self.ears.until(lambda: len(self.ears.rtp) >= before + 1)
        numbers = [packet.sequence for data in self.ears.rtp if (packet := rtp.parse(data)) is not None]
        assert numbers == [(numbers[0] + more) % 2**16 for more in range(len(numbers))]
        del self.ears.rtp[:-1]  # from there the next look goes on
        assert self.failures == []

    @property
    def media(self) -> tuple[str, int]:
        """Where the emulator takes packets."""
        host, port = value(self.voice._block, "candidate").split()[4:6]
        return host, int(port)


@asynccontextmanager
async def living_street(logged: Callable[[], str]) -> AsyncGenerator[Street]:
    """The street; at its end nothing has failed, and no log has told anything."""
    emulator = Emulator({"demo": SECRETS["app"]}, UdpMediaPlane(), turn_keys={"demo-turn": SECRETS["turn"]})
    failures: list[str] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: failures.append(repr(context)))
    async with (
        emulator.serve() as base_url,
        httpx.AsyncClient(
            base_url=base_url.removesuffix("/v1"),
            headers={"Authorization": f"Bearer {SECRETS['app']}"},
            timeout=60,
            event_hooks={"response": [document.check]},
        ) as client,
        talking(client, 1000, b"alice") as (alice, voice),
        listening(client, remote(alice.id, "mic")) as (_, ears, _),
    ):
        street = Street(emulator, client, alice, voice, ears, failures)
        await street.undisturbed()
        yield street
        await street.undisturbed()
    gc.collect()  # a task that failed unseen says so when it goes
    assert failures == []
    text = logged()
    passwords = [value(peer._block, "ice-pwd") for peer in (voice, ears)]
    assert [secret for secret in (*NEVER_LOGGED, *passwords) if secret in text] == []
    logging.getLogger("aiortc").setLevel(logging.NOTSET)


@asynccontextmanager
async def intruder(street: Street, *sections: M) -> AsyncGenerator[tuple[Peer, LightPeer]]:
    """A session of the one who throws garbage, connected; it may be dead at the end."""
    peer, light = await Peer.join(street.client), LightPeer()
    published = [m for m in sections if m.kind != "application"]
    tracks = [local(m.mid, f"junk{m.mid}") for m in published]
    offer = {"type": "offer", "sdp": light.offer(*sections)}
    response = await peer.post_tracks(tracks, sessionDescription=offer)
    assert codes(response) == [None] * len(tracks)
    await light.connect(response.json()["sessionDescription"]["sdp"])
    try:
        yield peer, light
    finally:
        await light.close()


@asynccontextmanager
async def stranger(street: Street) -> AsyncGenerator[Callable[[bytes], None]]:
    """Sends datagrams from an address that nobody knows."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.setblocking(False)
        yield lambda data: void(sender.sendto(data, street.media))


def void(_: object) -> None:
    """Forget a result."""


def _change(base: bytes, edits: list[tuple[int, int]], end: int | None, tail: bytes) -> bytes:
    data = bytearray(base)
    for position, octet in edits:
        data[position % len(data)] = octet
    return bytes(data[:end]) + tail


def mutations(base: bytes) -> st.SearchStrategy[bytes]:
    """Packets that are nearly this one: some octets changed, cut short, or with a tail."""
    edits = st.lists(st.tuples(st.integers(0, max(0, len(base) - 1)), st.integers(0, 255)), max_size=6)
    return st.builds(
        _change,
        st.just(base),
        edits,
        st.none() | st.integers(1, len(base)),
        st.just(b"") | st.binary(max_size=24),
    )
