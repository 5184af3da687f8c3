"""What sends the SDK's requests in a storm: straight into the emulator's service, with all of its faults."""

from __future__ import annotations

import asyncio
from typing import Any

from attrs import evolve

from cfrealtime import AsyncRealtime
from cfrealtime._core.exchange import Lost, Request, Response
from cfrealtime._core.headers import Headers
from cfrealtime._core.received import broken, refused, stamped, too_slow
from cfrealtime.emulator import Emulator
from cfrealtime.emulator.pages import JsonResponse
from cfrealtime.emulator.rules.faults import Garbage, Html, LoseAnswer, Refuse, Stall
from cfrealtime.emulator.service import Answer, Call
from cfrealtime.emulator.spoiling import spoiled

_OPERATIONS = {
    ("POST", "new"): "new_session",
    ("POST", "tracks/new"): "new_tracks",
    ("PUT", "renegotiate"): "renegotiate",
    ("PUT", "tracks/update"): "update_tracks",
    ("PUT", "tracks/close"): "close_tracks",
}


class Door:
    """An engine of the SDK without HTTP: a third of the work of one with it."""

    def __init__(self, emulator: Emulator) -> None:
        self.closed = False
        self.away = False
        """The service cannot be reached: no request leaves."""
        self._service = emulator._service

    async def send(self, request: Request[Any], headers: Headers, seconds: float) -> Response | Lost:
        """Send and read the answer within some seconds, whatever its status."""
        if self.away:
            return refused(OSError("nobody there"))
        first, _, rest = request.path.partition("/sessions/")[2].partition("/")
        operation = _OPERATIONS.get((request.method, rest or first), "get_session")
        session_id = None if operation == "new_session" else first
        body = request.body or b""
        call = Call(operation, "demo", session_id, secret="secret", body=body, query=request.query)
        try:
            async with asyncio.timeout(seconds):
                return await _arriving(await self._service.call(call))
        except TimeoutError:
            return too_slow(seconds, left=True)

    async def aclose(self) -> None:
        """No more calls."""
        self.closed = True


async def _arriving(answer: Answer) -> Response | Lost:
    """The answer as it comes through a network that does what the faults say."""
    match answer.spoiled_by:
        case Refuse() | LoseAnswer():
            return broken(ConnectionError())
        case Stall(seconds):
            await asyncio.sleep(86_400 if seconds is None else seconds)
        case _:
            pass
    whole: Any = JsonResponse(answer.body, answer.status, dict(answer.headers))
    if isinstance(answer.spoiled_by, Html | Garbage):
        whole = spoiled(whole, answer.spoiled_by)
    named = {name.decode(): value.decode() for name, value in whole.raw_headers}
    return stamped(whole.status_code, named, bytes(whole.body))


def client_through(door: Door) -> AsyncRealtime:
    """The SDK with this door in place of HTTP."""
    realtime = AsyncRealtime("demo", "secret", base_url="http://emulator/v1")
    realtime._caller = evolve(realtime._caller, engine=door)
    return realtime
