"""A server that costs as little as a server can: one canned answer per kind of path, on a core of its own."""

from __future__ import annotations

import asyncio
import contextlib
import json
import subprocess
import sys
from collections.abc import Iterator
from typing import Final

from tests.bench.sdk.timing import use_core
from tests.bench.sdk.work import published

_JSON: Final = "application/json"
# The peers' answers hold what their own small call reads, and nothing else.
_ANSWERS: Final[dict[bytes, tuple[str, bytes]]] = {
    b"/tracks/new": (_JSON, json.dumps(published()).encode()),
    b"/calls/apps": (
        _JSON,
        json.dumps(
            {
                "success": True,
                "errors": [],
                "messages": [],
                "result": {"uid": "1", "secret": "2", "name": "demo"},
            }
        ).encode(),
    ),
    b"/chat/completions": (
        _JSON,
        json.dumps(
            {
                "id": "1",
                "object": "chat.completion",
                "created": 1,
                "model": "demo",
                "choices": [
                    {
                        "index": 0,
                        "finish_reason": "stop",
                        "message": {"role": "assistant", "content": "Hello"},
                    }
                ],
            }
        ).encode(),
    ),
    b"RoomService/CreateRoom": ("application/protobuf", b"\x0a\x04RM_1\x12\x04demo"),
}


def _response(kind: str, content: bytes) -> bytes:
    head = (
        "HTTP/1.1 200 OK\r\nDate: Tue, 10 Nov 2026 10:00:00 GMT\r\nServer: cloudflare\r\n"
        f"CF-RAY: 8f0a1b2c3d4e5f60-FRA\r\nContent-Type: {kind}\r\nContent-Length: {len(content)}\r\n\r\n"
    )
    return head.encode() + content


_RESPONSES: Final = {ending: _response(*answer) for ending, answer in _ANSWERS.items()}


class _Connection(asyncio.Protocol):
    """One request at a time, with a body of stated length or none."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._received = b""

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, end, content = self._received.partition(b"\r\n\r\n")
        if not end or len(content) < _length(head):
            return
        self._received = b""
        path = head.split(b" ", 2)[1]
        response = next(found for ending, found in _RESPONSES.items() if path.endswith(ending))
        self._transport.write(response)


def _length(head: bytes) -> int:
    _, found, rest = head.lower().partition(b"content-length:")
    return int(rest.partition(b"\r\n")[0]) if found else 0


@contextlib.contextmanager
def running() -> Iterator[str]:
    """The server in a process of its own, as long as the block lasts: its address."""
    process = subprocess.Popen(
        [sys.executable, "-m", __name__], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    with process:
        assert process.stdout is not None
        yield f"http://127.0.0.1:{int(process.stdout.readline())}"
        process.terminate()


async def _serve() -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(_Connection, "127.0.0.1", 0)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    # Who started it is gone when its input ends.
    await loop.run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    use_core(1)
    asyncio.run(_serve())
