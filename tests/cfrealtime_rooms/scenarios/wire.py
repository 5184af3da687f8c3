"""What may happen to a call between the rooms and the emulator that the service itself would not do."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
from attrs import define

Change = Callable[[dict[str, Any]], dict[str, Any] | None]
"""Given an answer's JSON: what arrives instead; None when it arrives as it is."""

_OPERATIONS = {
    ("POST", "new"): "new_session",
    ("POST", "tracks/new"): "new_tracks",
    ("PUT", "renegotiate"): "renegotiate",
    ("PUT", "tracks/update"): "update_tracks",
    ("PUT", "tracks/close"): "close_tracks",
}


@define
class _Event:
    operation: str
    session_id: str | None
    left: int
    change: Change | None = None
    late: float = 0.0
    stalls: bool = False


class Wire(httpx.AsyncBaseTransport):
    """The emulator in this process, behind a network of which a test decides what it does."""

    def __init__(self, app: Any) -> None:
        self._inner = httpx.ASGITransport(app)
        self._events: list[_Event] = []

    def rewrite(
        self, operation: str, change: Change, *, session_id: str | None = None, times: int = 1
    ) -> None:
        """Let other JSON arrive than the service has sent."""
        self._events.append(_Event(operation, session_id, times, change))

    def hold(self, operation: str, seconds: float, *, session_id: str | None = None, times: int = 1) -> None:
        """Let the call land, and its answer arrive that much later."""
        self._events.append(_Event(operation, session_id, times, late=seconds))

    def stall(self, operation: str, *, session_id: str | None = None) -> None:
        """Let the call land, and its answer's body never end."""
        self._events.append(_Event(operation, session_id, 1, stalls=True))

    def clear(self) -> None:
        """Nothing happens to calls any more."""
        self._events.clear()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """One call."""
        event = self._taken(request)
        response = await self._inner.handle_async_request(request)
        if event is None:
            return response
        if event.stalls:
            return httpx.Response(response.status_code, headers=response.headers, stream=_Endless())
        await asyncio.sleep(event.late)
        body = await response.aread()
        changed = event.change(json.loads(body)) if event.change is not None else None
        if changed is not None:
            body = json.dumps(changed).encode()
        return httpx.Response(
            response.status_code, headers={"content-type": "application/json"}, content=body
        )

    def _taken(self, request: httpx.Request) -> _Event | None:
        _, _, path = request.url.path.partition("/sessions/")
        first, _, rest = path.partition("/")
        operation = _OPERATIONS.get((request.method, rest or first), "get_session")
        session_id = first if rest or operation == "get_session" else None
        for event in self._events:
            if event.left and event.operation == operation and event.session_id in (None, session_id):
                event.left -= 1
                return event
        return None


class _Endless(httpx.AsyncByteStream):
    """The first byte of a body, and then nothing."""

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield b"{"
        await asyncio.Event().wait()
