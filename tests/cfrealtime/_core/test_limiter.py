"""No session makes more than fifty requests within any second, and none is kept waiting without need."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cfrealtime._core.limiter import SessionLimiter

patient = settings(deadline=None)  # a busy machine is no failure
gaps = st.lists(st.floats(0, 0.5) | st.just(0.0), min_size=1, max_size=300)


def leave(limiter, arrivals, patience=1000.0):
    """When requests that arrive at these times leave."""
    return [limiter.reserve("s1", at, patience) for at in arrivals]


def times(gaps):
    """Moments that far apart."""
    now, moments = 100.0, []
    for gap in gaps:
        now += gap
        moments.append(now)
    return moments


def crowded(moments, requests=50):
    """Whether more than so many of the moments are within a second."""
    moments = sorted(moments)
    return any(
        later - earlier < 1.0 - 1e-9 for earlier, later in zip(moments, moments[requests:], strict=False)
    )


@patient
@given(gaps)
def test_within_any_second_at_most_fifty_leave_and_in_order(gaps):
    arrivals = times(gaps)
    leaving = leave(SessionLimiter(), arrivals)
    assert not crowded(leaving)
    assert all(first <= second for first, second in pairwise(leaving))
    assert all(at >= arrival for at, arrival in zip(leaving, arrivals, strict=True))


@patient
@given(gaps)
def test_whoever_waits_has_fifty_in_the_second_before(gaps):
    arrivals = times(gaps)
    leaving = leave(SessionLimiter(), arrivals)
    for n, (arrival, at) in enumerate(zip(arrivals, leaving, strict=True)):
        if at > arrival:
            assert leaving[n - 50] == pytest.approx(at - 1.0)


@patient
@given(st.lists(st.tuples(st.floats(0, 0.1), st.floats(0, 2), st.booleans()), min_size=1, max_size=100))
def test_refused_and_returned_places_are_nobodys(arrivals):
    limiter, now, leaving = SessionLimiter(requests=5), 0.0, []
    for gap, patience, gives_back in arrivals:
        now += gap
        at = limiter.reserve("s1", now, patience)
        if at is None:
            assert limiter.reserve("s1", now, 1000.0) - now > patience
            break
        if gives_back and at > now:
            limiter.give_back("s1", at)
        else:
            leaving.append(at)
    assert not crowded(leaving, 5)


def test_a_refused_request_takes_no_place():
    limiter = SessionLimiter()
    leave(limiter, [0.0] * 50)
    assert [limiter.reserve("s1", 0.25, 0.5) for _ in range(100)] == [None] * 100
    assert limiter.reserve("s1", 0.25, 0.75) == 1.0


def test_places_that_were_given_back_shorten_the_queue():
    limiter = SessionLimiter(requests=2)
    assert leave(limiter, [0.0] * 7) == [0.0, 0.0, 1.0, 1.0, 2.0, 2.0, 3.0]
    for at in (1.0, 1.0, 2.0, 2.0):
        limiter.give_back("s1", at)
    assert leave(limiter, [0.5] * 3) == [1.0, 2.0, 3.0]


def test_giving_back_what_nobody_holds_changes_nothing():
    limiter = SessionLimiter(requests=1)
    leave(limiter, [0.0])
    limiter.give_back("s1", 7.0)
    limiter.give_back("s2", 0.0)
    assert leave(limiter, [0.0]) == [1.0]


def test_without_patience_only_a_free_place_will_do():
    limiter = SessionLimiter(requests=1)
    assert limiter.reserve("s1", 0.0, -3.0) == 0.0
    assert limiter.reserve("s1", 0.5, -3.0) is None


def test_sessions_do_not_wait_for_each_other():
    limiter = SessionLimiter()
    leave(limiter, [0.0] * 60)
    assert limiter.reserve("s2", 0.0, 0.0) == 0.0


def test_a_session_is_forgotten_a_second_after_its_last_request():
    limiter = SessionLimiter()
    for n in range(100):
        limiter.reserve(f"s{n}", n / 1000, 0.0)
    assert len(limiter) == 100
    limiter.reserve("new", 1.05, 0.0)
    assert len(limiter) == 50
    limiter.give_back("new", 1.05)
    assert len(limiter) == 49


def test_a_million_busy_sessions_take_no_more_room_than_four_thousand():
    limiter = SessionLimiter()
    for n in range(5000):
        limiter.reserve(f"s{n}", 0.0, 0.0)
    assert len(limiter) == 4096
    assert limiter.reserve("s4999", 0.0, 0.0) == 0.0


def test_of_a_session_only_the_last_second_is_remembered():
    limiter = SessionLimiter()
    leave(limiter, [n / 40 for n in range(4000)])
    assert len(limiter._moments["s1"]) <= 41


def test_threads_share_a_limiter():
    limiter = SessionLimiter()
    with ThreadPoolExecutor(8) as threads:
        leaving = list(threads.map(lambda _: limiter.reserve("s1", 0.0, 1000.0), range(400)))
    assert sorted(leaving) == sorted([float(n // 50) for n in range(400)])
