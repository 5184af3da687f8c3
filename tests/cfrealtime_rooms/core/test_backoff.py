"""Waiting before another try."""

from __future__ import annotations

import pytest

from cfrealtime_rooms.core.backoff import FIRST, LONGEST, delay, later


@pytest.mark.parametrize(("tries", "whole"), [(1, 0.25), (2, 0.5), (3, 1.0), (5, 4.0), (6, 8.0), (60, 8.0)])
def test_the_wait_doubles_up_to_a_bound_and_is_spread_over_its_second_half(tries, whole):
    waits = {delay(tries, f"key {n}") for n in range(50)}
    assert len(waits) > 40
    assert all(whole / 2 <= wait <= whole for wait in waits)


def test_equal_histories_wait_equally():
    assert delay(3, "ann") == delay(3, "ann")


def test_what_the_service_asks_for_is_the_least():
    assert delay(1, "ann", retry_after=5.0) == 5.0
    assert delay(9, "ann", retry_after=0.1) >= LONGEST / 2


def test_each_failure_counts_and_moves_the_next_attempt():
    first = later(None, "ann", now=10.0)
    second = later(first, "ann", now=20.0)
    assert (first.tries, second.tries) == (1, 2)
    assert 10.0 + FIRST / 2 <= first.not_before <= 10.0 + FIRST
    assert second.not_before >= 20.0 + FIRST
