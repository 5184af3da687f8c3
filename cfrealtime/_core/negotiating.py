"""Where a session's offer/answer exchange stands, as far as its caller can know. Pure.

Source: the service's "negotiation" document: every mutation of a session is serialized, its exchange
included. An offer of the endpoint's ends when the endpoint has applied the answer; one of the service's, when
`renegotiate` has accepted the endpoint's answer.
"""

from __future__ import annotations

from enum import Enum
from typing import Any, Final

from cfrealtime._core.exchange import Request, Safety
from cfrealtime.errors import ExchangeOpenError, OutcomeUnknownError, RealtimeError
from cfrealtime.models.shared import SessionDescription
from cfrealtime.models.tracks import CloseResult, TracksResult

# The operations that begin or end an exchange. After any other one, lost or not, the session negotiates on.
_NEGOTIATING: Final = frozenset({"new_tracks", "renegotiate", "close_tracks", "establish_datachannels"})


class Exchange(Enum):
    """What is open between a session and its endpoint."""

    NONE = "nothing is open"
    ANSWERED = "the service's answer was not applied in good order"
    OFFERED = "the service's offer was not answered with renegotiate()"
    UNKNOWN = "nobody knows whether the last call took effect"


def after_call(before: Exchange, request: Request[Any], result: object) -> Exchange:
    """Where the exchange stands after a call that gave a value, or ended with an error."""
    # A forced close is one that begins nothing.
    if (
        before is Exchange.UNKNOWN
        or request.operation not in _NEGOTIATING
        or request.safety is not Safety.ONCE
    ):
        return before
    if isinstance(result, BaseException):
        return before if _refused_whole(result) else Exchange.UNKNOWN
    if request.operation == "renegotiate":
        return Exchange.NONE
    description: SessionDescription | None = getattr(result, "description", None)
    if getattr(result, "requires_renegotiation", False) or (description and description.type == "offer"):
        return Exchange.OFFERED
    return before if description is None else Exchange.ANSWERED


def _refused_whole(error: BaseException) -> bool:
    """Whether an error says that nothing was begun. Cancelled in mid-call is as unknown as a lost answer."""
    if not isinstance(error, RealtimeError) or isinstance(error, OutcomeUnknownError):
        return False
    match error.partial:
        case TracksResult() as part:
            return not part.ok
        case CloseResult() as part:
            return not part.closed_mids
        case _:
            return True


def after_block(before: Exchange, *, failed: bool) -> Exchange:
    """Where the exchange stands when its caller leaves the block: in good order an answer was applied."""
    return Exchange.NONE if before is Exchange.ANSWERED and not failed else before


def left_open(session_id: str, exchange: Exchange) -> ExchangeOpenError:
    """The error for an exchange that nobody will finish."""
    return ExchangeOpenError(
        f"The exchange of session {session_id} is unfinished: {exchange.value}. Replace the session.",
        session_id=session_id,
    )
