"""Time that passes faster and slower."""

from __future__ import annotations

import pytest

from cfrealtime.emulator.clockwork import Clockwork


class Hand:
    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock():
    return Hand()


def test_without_a_wish_it_shows_what_the_clock_shows(clock):
    time = Clockwork(clock)
    assert (time.now, time.at(50), time.real(3)) == (100, 50, 3)


def test_a_change_of_speed_is_no_jump_and_the_past_stays_as_it_was(clock):
    time = Clockwork(clock)
    time.speed = 10
    clock.now = 101
    assert (time.now, time.real(3), time.speed) == (110, 0.3, 10)
    time.speed = 0.5
    clock.now = 103
    assert time.now == 111
    assert [time.at(moment) for moment in (50, 100, 100.5, 101, 102)] == [50, 100, 105, 110, 110.5]
