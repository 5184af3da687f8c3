"""Who may call when, as values."""

from __future__ import annotations

import pytest
from attrs import evolve

from cfrealtime.emulator.refusals import RefusalError
from cfrealtime.emulator.rules.order import MUTATIONS, InFlight, check_order, count_request
from cfrealtime.emulator.state import Session

IDLE = Session("s", "demo", touched_at=0.0)
OFFERED = evolve(IDLE, awaiting_answer=True)
BUSY, GIVEN_UP = InFlight(1, "new_tracks"), InFlight(1, "new_tracks", abandoned=True)


def breach(
    session: Session, operation: str, in_flight: InFlight | None, *, forced: bool = False
) -> str | None:
    try:
        check_order(session, operation, in_flight, forced=forced)
    except RefusalError as refusal:
        return refusal.breach.rule
    return None


@pytest.mark.parametrize("operation", sorted(MUTATIONS))
def test_a_mutation_waits_for_the_one_before(operation):
    assert breach(IDLE, operation, BUSY) == "overlapping_mutations"
    assert breach(IDLE, operation, GIVEN_UP) == "overlapping_mutations"


@pytest.mark.parametrize("operation", sorted(MUTATIONS - {"renegotiate"}))
def test_a_mutation_waits_for_the_answer(operation):
    assert breach(OFFERED, operation, None) == "exchange_open"
    assert breach(IDLE, operation, None) is None


def test_an_answer_comes_after_an_offer_only():
    assert breach(OFFERED, "renegotiate", None) is None
    assert breach(IDLE, "renegotiate", None) == "answer_without_offer"


def test_a_forced_close_waits_for_nothing_but_a_living_caller():
    assert breach(OFFERED, "close_tracks", None, forced=True) is None
    assert breach(IDLE, "close_tracks", GIVEN_UP, forced=True) is None
    assert breach(IDLE, "close_tracks", BUSY, forced=True) == "overlapping_mutations"


def test_looking_is_always_in_order():
    assert breach(OFFERED, "get_session", BUSY) is None


def test_a_refused_request_does_not_count():
    session = IDLE
    for _ in range(50):
        session = count_request(session, 10.0)
    with pytest.raises(RefusalError) as refused:
        count_request(session, 10.9)
    assert refused.value.status == 429
    assert count_request(session, 11.0).recent == (11.0,)
