"""How one call goes, attempt by attempt, without a loop, a clock or a network."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cfrealtime import NotSentError, OutcomeUnknownError, RateLimitError, ServerError, SessionState
from cfrealtime._core.conduct import BrokenOff, Pause, Send
from cfrealtime._core.limiter import SessionLimiter
from tests.cfrealtime._core.calls import CALLS, LOST, UNSENT, Play, answer, play, refusal

GET = CALLS["get_state"]
PUBLISH = CALLS["publish"]
STATE = answer(200, {})


def full(limiter, now=100.0):
    """A session that has no place left for a second."""
    for _ in range(50):
        limiter.reserve("s1", now, 0.0)
    return limiter


def test_a_call_that_succeeds_is_sent_once():
    call = Play(GET, STATE)
    finished = call.run()
    assert (finished.value, finished.response, finished.attempts) == (SessionState(), STATE, 1)
    assert (call.sends, call.pauses, finished.seconds) == ([(100.0, 10.0)], [], 0.5)


def test_a_call_that_succeeds_at_the_third_attempt_says_so():
    call = Play(GET, LOST, answer(502), STATE)
    finished = call.run()
    assert (finished.value, finished.attempts) == (SessionState(), 3)
    assert call.pauses == [0.125, 0.25]
    assert finished.seconds == 3 * 0.5 + sum(call.pauses)


@pytest.mark.parametrize(("max_retries", "attempts"), [(0, 1), (1, 2), (5, 6)])
def test_attempts_end_and_are_counted(max_retries, attempts):
    finished = play(GET, *[LOST] * 6, max_retries=max_retries)
    assert isinstance(finished.value, OutcomeUnknownError)
    assert finished.value.attempts == finished.attempts == attempts


def test_what_may_not_be_repeated_is_sent_once():
    assert play(PUBLISH, LOST, max_retries=9).value.attempts == 1


def test_every_attempt_gets_what_is_left_of_the_calls_time():
    call = Play(GET, LOST, LOST, STATE, took=2.0, chance=0.0)
    call.run()
    assert call.sends == [(100.0, 10.0), (102.0, 8.0), (104.0, 6.0)]


patient = settings(deadline=None)  # a busy machine is no failure
outcomes = st.sampled_from([LOST, UNSENT, answer(502), refusal(429), refusal(429, retry_after="3")])


@patient
@given(
    st.lists(outcomes, min_size=31, max_size=31),
    st.sampled_from(sorted(CALLS)),
    st.floats(0.1, 30),
    st.floats(0, 5),
    st.floats(0, 1),
    st.integers(0, 30),
)
def test_no_attempt_begins_and_no_pause_ends_after_the_calls_time(
    outcomes, name, timeout, took, chance, max_retries
):
    call = Play(CALLS[name], *outcomes, timeout=timeout, took=took, chance=chance, max_retries=max_retries)
    finished = call.run()
    deadline = 100.0 + timeout
    assert finished.attempts == len(call.sends) <= max_retries + 1
    for at, step in call.done:
        assert at < deadline
        if isinstance(step, Send):
            assert step.seconds == deadline - at
        else:
            assert 0.0 <= step.seconds < deadline - at


@pytest.mark.parametrize("name", CALLS)
def test_what_the_service_asks_to_wait_is_waited(name):
    call = Play(CALLS[name], refusal(429, retry_after="3"), refusal(400))
    call.run()
    assert call.pauses == [3.0]


@pytest.mark.parametrize("seconds", ["9.5", "3600"])
def test_a_wait_beyond_the_calls_time_is_handed_to_the_caller_at_once(seconds):
    call = Play(PUBLISH, refusal(429, retry_after=seconds))
    error = call.run().value
    assert isinstance(error, RateLimitError)
    assert (error.retry_after, error.attempts, call.pauses) == (float(seconds), 1, [])


def test_a_pause_that_took_too_long_is_followed_by_no_attempt():
    call = Play(PUBLISH, refusal(429), overslept=60.0)
    error = call.run().value
    assert isinstance(error, RateLimitError)
    assert (error.attempts, len(call.sends)) == (1, 1)


@pytest.mark.parametrize(
    ("outcomes", "kind"),
    [
        ([LOST, UNSENT, UNSENT], OutcomeUnknownError),
        ([UNSENT, LOST, UNSENT], OutcomeUnknownError),
        ([refusal(500, "internal_error"), UNSENT, UNSENT], ServerError),
        ([UNSENT, UNSENT, UNSENT], NotSentError),
        ([UNSENT, UNSENT, LOST], OutcomeUnknownError),
    ],
)
def test_that_something_may_have_happened_is_not_hidden_by_a_later_broken_connection(outcomes, kind):
    error = play(CALLS["close_tracks by force"], *outcomes).value
    assert type(error) is kind
    assert error.attempts == 3


def test_a_crowded_session_makes_its_call_wait():
    call = Play(GET, STATE, limiter=full(SessionLimiter(), 99.5))
    assert call.run().value == SessionState()
    assert call.done == [(100.0, Pause(0.5)), (100.5, Send(9.5))]


@pytest.mark.parametrize("timeout", [0.9, 1.1])
def test_a_call_that_finds_no_place_in_its_time_is_never_sent(timeout):
    call = Play(GET, timeout=timeout, limiter=full(SessionLimiter()))
    error = call.run().value
    assert isinstance(error, NotSentError)
    assert "50 requests within a second" in str(error)
    assert (call.done, error.attempts) == ([], 0)


def test_a_call_without_a_session_needs_no_place():
    limiter = SessionLimiter()
    play(CALLS["new_session"], answer(201, {"sessionId": "s1"}), limiter=limiter)
    assert len(limiter) == 0


def test_every_attempt_takes_a_place():
    limiter = SessionLimiter(requests=3)
    play(GET, LOST, LOST, STATE, limiter=limiter, took=0.0, chance=0.0)
    assert limiter.reserve("s1", 100.0, 0.0) is None


def test_an_attempt_that_finds_no_place_leaves_the_error_of_the_one_before():
    call = Play(GET, LOST, timeout=1.2, took=0.1, limiter=SessionLimiter(requests=1))
    error = call.run().value
    assert isinstance(error, OutcomeUnknownError)
    assert (error.attempts, len(call.sends)) == (1, 1)


def test_a_wait_that_is_broken_off_gives_its_place_back():
    limiter = full(SessionLimiter())
    call = Play(GET, limiter=limiter)
    assert isinstance(next(call.steps), Pause)
    with pytest.raises(BrokenOff):
        call.steps.throw(BrokenOff(KeyboardInterrupt(), 100.5))
    assert limiter.reserve("s1", 100.0, 1.0) == 101.0
    assert len(limiter._moments["s1"]) == 51
