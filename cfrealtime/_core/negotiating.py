"""Where a session's offer/answer exchange stands, as far as its caller can know. Pure.

Source: the service's "negotiation" document: every mutation of a session is serialized, its exchange
included. An offer of the endpoint's ends when the endpoint has applied the answer; one of the service's, when
`renegotiate` has accepted the endpoint's answer.
"""

from __future__ import annotations

from enum import Enum
from typing import Any

from cfrealtime._core.exchange import Request, Safety
from cfrealtime.errors import ExchangeOpenError, OutcomeUnknownError, RealtimeError


class Exchange(Enum):
    """What is open between a session and its endpoint."""

    NONE = "nothing is open"
    ANSWERED = "the service's answer was not applied in good order"
    OFFERED = "the service's offer was not answered with renegotiate()"
    UNKNOWN = "nobody knows whether the last call took effect"


def after_call(before: Exchange, request: Request[Any], result: object) -> Exchange:
    """Where the exchange stands after a call that gave a value, or ended with an error."""
    if before is Exchange.UNKNOWN:
        return before
    if isinstance(result, BaseException):
        # Cancelled in mid-call is as unknown as a lost answer.
        told = isinstance(result, RealtimeError) and not isinstance(result, OutcomeUnknownError)
        return before if told or request.safety is not Safety.ONCE else Exchange.UNKNOWN
    if request.operation == "renegotiate":
        return Exchange.NONE
    if getattr(result, "requires_renegotiation", False):
        return Exchange.OFFERED
    if getattr(result, "description", None) is not None:
        return Exchange.ANSWERED
    return before


def after_block(before: Exchange, *, failed: bool) -> Exchange:
    """Where the exchange stands when its caller leaves the block: in good order an answer was applied."""
    return Exchange.NONE if before is Exchange.ANSWERED and not failed else before


def left_open(session_id: str, exchange: Exchange) -> ExchangeOpenError:
    """The error for an exchange that nobody will finish."""
    return ExchangeOpenError(
        f"The exchange of session {session_id} is unfinished: {exchange.value}. Replace the session.",
        session_id=session_id,
    )
