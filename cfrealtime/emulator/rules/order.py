"""Who may call when: one mutation of a session at a time, its exchange of descriptions included.

Source: docs, sessions and tracks ("every mutation of one session is serialized"); 406 for overlap is what the
docs tie `invalid_session_description` to. Since HTTP does not show when an endpoint applied our answer, an
endpoint's offer counts as finished when its answer was sent.
"""

from __future__ import annotations

from attrs import evolve, frozen

from cfrealtime.emulator.limits import REQUESTS_PER_SECOND
from cfrealtime.emulator.refusals import Breach, bad_description, session_ended, too_many_requests
from cfrealtime.emulator.state import Session

MUTATIONS = frozenset(
    {
        "new_tracks",
        "renegotiate",
        "update_tracks",
        "close_tracks",
        "establish_datachannels",
        "new_datachannels",
        "update_datachannels",
        "close_datachannels",
    }
)
"""Docs, data channel operations: they act on the same negotiation state as the session's tracks."""


@frozen
class InFlight:
    """A mutation that is being handled: the n-th call of the journal."""

    n: int
    operation: str
    abandoned: bool = False
    """Its caller hung up, so it cannot be what the caller is waiting for."""


def count_request(session: Session, now: float) -> Session:
    """The session with one more request; refused above the limit of one second (docs, limits)."""
    recent = tuple(at for at in session.recent if at > now - 1.0)
    if len(recent) >= REQUESTS_PER_SECOND:
        raise too_many_requests(REQUESTS_PER_SECOND)
    return evolve(session, recent=(*recent, now))


def check_alive(session: Session) -> None:
    """Docs: 410 `session_error` once a session has expired or closed."""
    if session.ended_at is not None:
        raise session_ended(session.ended_because)


def check_order(session: Session, operation: str, in_flight: InFlight | None, *, forced: bool) -> None:
    """Refuse a mutation that comes while another one, or an exchange, is open.

    A forced close needs no exchange (docs, tracks/close: it "completes no pending exchange"), so it may come
    while our offer is unanswered, and after a call whose caller has given up: cleaning up needs both.
    """
    if operation not in MUTATIONS:
        return
    if in_flight is not None and not (forced and in_flight.abandoned):
        detail = f"{operation} came while {in_flight.operation} of the same session was being handled"
        raise bad_description(
            "Another request of this session is being handled.",
            breach=Breach("overlapping_mutations", detail),
        )
    if operation == "renegotiate":
        if not session.awaiting_answer:
            detail = "renegotiate came although no offer was waiting for an answer"
            raise bad_description(
                "No offer is waiting for an answer.", breach=Breach("answer_without_offer", detail)
            )
    elif session.awaiting_answer and not forced:
        detail = f"{operation} came before the answer to the last offer was accepted"
        raise bad_description(
            "An offer of this session is waiting for its answer.", breach=Breach("exchange_open", detail)
        )
