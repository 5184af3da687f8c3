"""Performs the core's API calls and says what became of them."""

from __future__ import annotations

import asyncio
import logging

from cfrealtime import AsyncRealtime
from cfrealtime._core.codes import printable_code
from cfrealtime.errors import ApiError, InvalidRequestError, NotSentError, RealtimeError
from cfrealtime.models import SessionDescription

from ..core.calls import (
    ApiCall,
    CallOutcome,
    CallValue,
    Close,
    Failed,
    Look,
    NewSession,
    Publish,
    Renegotiate,
    Subscribe,
    Succeeded,
    Update,
)

log = logging.getLogger("cfrealtime_rooms")


async def perform(realtime: AsyncRealtime, call: ApiCall, deadline: float) -> CallOutcome:
    """Make one call. Never raises but for cancellation: what cannot be told is an unknown outcome."""
    try:
        async with asyncio.timeout(deadline):
            return Succeeded(await _make(realtime, call))
    except TimeoutError:
        return Failed("unknown")
    except RealtimeError as error:
        return _classify(error)
    except Exception as error:
        # A fault of ours or of a plugged-in transport: no answer either. Its text may quote SDP.
        log.error("%s failed unexpectedly: %s", type(call).__name__, type(error).__name__)  # noqa: TRY400
        return Failed("unknown")


async def _make(realtime: AsyncRealtime, call: ApiCall) -> CallValue:
    if isinstance(call, NewSession):
        return (await realtime.new_session()).id
    session = realtime.session(call.session_id)
    match call:
        case Publish(_, offer, tracks):
            return await session.publish(SessionDescription.offer(offer), tracks)
        case Subscribe(_, tracks):
            return await session.subscribe(tracks)
        case Renegotiate(_, answer):
            return await session.renegotiate(SessionDescription.answer(answer))
        case Update(_, tracks):
            return await session.update_tracks(tracks)
        case Close(_, mids):
            return await session.close_tracks(mids, force=True)
        case Look():
            return await session.get_state()


def _classify(error: RealtimeError) -> Failed:
    """Not sent, refused, or nobody knows."""
    if isinstance(error, NotSentError):
        return Failed("not_sent")
    if isinstance(error, InvalidRequestError):
        # Refused before it left: what the client sent makes no valid request.
        return Failed("refused", 400, "invalid_request")
    if isinstance(error, ApiError):
        code = None if error.code is None else printable_code(error.code)
        return Failed("refused", error.status, code, error.retry_after, error.cf_ray)
    return Failed("unknown", cf_ray=error.cf_ray)
