"""Answers that a fault has spoiled, as they leave by an ASGI door."""

from __future__ import annotations

import asyncio
from typing import Final

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from .rules.faults import Ending, Garbage, Html, LoseAnswer, Refuse, Stall

ABORT: Final = "abort_connection"
"""Under this key of a scope's state a server puts what breaks the connection. Without it callers in the same
process see an exception."""
WITHOUT_BODY: Final = frozenset({204, 304})
"""Statuses of which HTTP allows no body."""
_PAGE: Final = """<!doctype html>
<html><head><title>{status}</title></head>
<body><h1>Error {status}</h1><p>A proxy on the way answers in HTML: a fault was asked for.</p></body></html>
"""
_BINARY: Final = bytes(range(128, 256))


class ConnectionDroppedError(ConnectionError):
    """What an in-process caller sees when a fault breaks the connection."""


class _BrokenConnection(Response):
    """No answer at all: not a byte of one leaves."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        abort = scope.get("state", {}).get(ABORT)
        if abort is None:
            raise ConnectionDroppedError("A fault broke the connection.")
        abort()
        while (await receive())["type"] != "http.disconnect":
            pass


class _StalledBody(Response):
    """Stops in the middle: for some seconds, or until the caller hangs up."""

    def __init__(self, answer: Response, seconds: float | None) -> None:
        super().__init__(answer.body, answer.status_code, dict(answer.headers))
        self._seconds = seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = bytes(self.body)
        half = len(body) // 2
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        await send({"type": "http.response.body", "body": body[:half], "more_body": True})
        try:
            async with asyncio.timeout(self._seconds):
                while (await receive())["type"] != "http.disconnect":
                    pass
        except TimeoutError:
            await send({"type": "http.response.body", "body": body[half:]})


def spoiled(answer: Response, ending: Ending | None) -> Response:
    """What is sent instead of an answer."""
    match ending:
        case Refuse() | LoseAnswer():
            return _BrokenConnection()
        case Stall(seconds):
            return _StalledBody(answer, seconds)
        case Html(status):
            return _with_body(_PAGE.format(status=status).encode(), status, "text/html")
        case Garbage(body, status):
            return _with_body(_garbled(bytes(answer.body), body), status, "application/json")
        case _:
            return answer


def _with_body(content: bytes, status: int, media_type: str) -> Response:
    if status in WITHOUT_BODY:
        return Response(status_code=status)
    return Response(content, status, media_type=media_type)


def _garbled(content: bytes, how: str) -> bytes:
    return {"binary": _BINARY, "cut": content[: len(content) // 2], "empty": b"", "null": b"null"}[how]
