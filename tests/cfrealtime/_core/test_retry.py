"""What is sent again, and after how long."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cfrealtime._core.decode import interpret
from cfrealtime._core.retry import LEAST_TIME, leaves_something, may_repeat, pause_before_retry
from tests.cfrealtime._core.calls import CALLS, LOST, ONCE, REPEATABLE, UNSENT, answer, refusal

TRANSIENT = "retryable_transient_error"
MADE = {"errorCode": TRANSIENT, "tracks": [{"mid": "0"}], "dataChannels": [{"id": 1}]}


def repeated(outcome):
    """The calls that are sent again after an outcome."""
    return {name for name, request in CALLS.items() if may_repeat(request, interpret(request, outcome))}


@pytest.mark.parametrize(
    "outcome",
    [UNSENT, refusal(429), refusal(503, TRANSIENT), refusal(200, TRANSIENT)],
    ids=["nothing left", "too many requests", "transient", "transient under 200"],
)
def test_what_has_done_nothing_is_sent_again_whatever_it_is(outcome):
    assert repeated(outcome) == CALLS.keys()


@pytest.mark.parametrize(
    "outcome",
    [
        LOST,
        refusal(500, "internal_error"),
        refusal(503, "temporarily_unavailable_error"),
        refusal(503, "transport_unavailable_error"),
        refusal(500),
        answer(502),
        answer(520),
        answer(530, []),
    ],
    ids=lambda outcome: str(getattr(outcome, "status", "lost")),
)
def test_what_may_have_happened_is_sent_again_only_where_that_does_no_harm(outcome):
    assert repeated(outcome) == REPEATABLE.keys()


@pytest.mark.parametrize("status", [429, 500])
def test_a_refusal_that_names_items_has_done_something(status):
    # An answer to renegotiate() has no items.
    assert repeated(answer(status, MADE)) == {*REPEATABLE, "renegotiate"}


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (400, "decoding_error"),
        (401, None),
        (403, None),
        (404, "not_found"),
        (406, "invalid_session_description"),
        (410, "session_error"),
        (413, "payload_too_large"),
        (425, "session_error"),
        (302, None),
        (409, "a_code_of_tomorrow"),
        (200, "a_code_of_tomorrow"),
    ],
)
def test_what_repeating_cannot_help_is_never_sent_again(status, code):
    assert repeated(refusal(status, code)) == set()


def test_an_answer_that_cannot_be_read_is_asked_for_again_only_where_that_does_no_harm():
    silent = {"revoke", "renegotiate"}  # anything that is an object will do for these
    assert repeated(answer(200)) == REPEATABLE.keys()
    unreadable = answer(200, {"tracks": 7, "dataChannels": 7, "sessionId": 7, "iceServers": 7})
    errors = {name: interpret(request, unreadable) for name, request in CALLS.items() if name not in silent}
    again = {name for name, error in errors.items() if may_repeat(CALLS[name], error)}
    assert again == REPEATABLE.keys() - silent


@pytest.mark.parametrize(
    ("outcome", "left"),
    [
        (LOST, True),
        (answer(502), True),
        (refusal(500, "internal_error"), True),
        (UNSENT, False),
        (refusal(429), False),
    ],
    ids=["lost", "broken", "failed", "unsent", "too many"],
)
def test_only_sessions_and_credentials_can_be_left_behind(outcome, left):
    behind = {
        name for name, request in CALLS.items() if leaves_something(request, interpret(request, outcome))
    }
    assert behind == ({"new_session", "generate_ice_servers"} if left else set())


patient = settings(deadline=None)  # a busy machine is no failure
seconds = st.floats(0, 100)


@patient
@given(attempt=st.integers(1, 10_000), left=seconds, chance=st.floats(0, 1), wanted=st.none() | seconds)
def test_a_pause_is_drawn_from_a_bound_that_doubles_and_leaves_time_for_the_next_attempt(
    attempt, left, chance, wanted
):
    error = interpret(CALLS["publish"], refusal(429))
    error.retry_after = wanted
    pause = pause_before_retry(CALLS["publish"], error, attempt=attempt, left=left, chance=chance)
    if pause is None:
        assert (wanted or 0.0) > left - LEAST_TIME
    else:
        assert (wanted or 0.0) <= pause <= left - LEAST_TIME
        assert pause <= max(wanted or 0.0, min(4.0, 0.25 * 2.0 ** min(attempt - 1, 9)))


@pytest.mark.parametrize(
    ("attempt", "bound"), [(1, 0.25), (2, 0.5), (3, 1.0), (5, 4.0), (6, 4.0), (5000, 4.0)]
)
def test_the_bound_of_a_pause(attempt, bound):
    error = interpret(CALLS["get_state"], LOST)
    drawn = [
        pause_before_retry(CALLS["get_state"], error, attempt=attempt, left=60.0, chance=chance)
        for chance in (0.0, 0.5, 1.0)
    ]
    assert drawn == [0.0, bound / 2, bound]


def test_near_the_end_of_its_time_a_call_pauses_shorter_and_then_ends():
    error = interpret(CALLS["get_state"], LOST)
    drawn = [
        pause_before_retry(CALLS["get_state"], error, attempt=5, left=left, chance=1.0)
        for left in (1.25, 0.25, 0.2)
    ]
    assert drawn == [1.0, 0.0, None]


def test_the_table_names_every_operation():
    assert not REPEATABLE.keys() & ONCE.keys()
    assert len({request.operation for request in CALLS.values()}) == 14
