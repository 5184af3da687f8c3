"""Which faults happen to what, as values."""

from __future__ import annotations

import pytest

from cfrealtime.emulator.media.plan import Disturbance, Way
from cfrealtime.emulator.rules.fault_forms import read
from cfrealtime.emulator.rules.fault_matching import (
    Armed,
    Subject,
    disturbance,
    judge,
    meet,
    silenced,
    speed,
)

CALL = Subject("new_tracks", frozenset({"s1", "#1"}), frozenset({"mic", "camera"}))


def armed(*texts: str) -> list[Armed]:
    return [Armed(f"f{i}", read(text)) for i, text in enumerate(texts)]


def hits(text: str, *subjects: Subject, seed: int = 0) -> list[bool]:
    """Whether a fault happens to each of these in turn."""
    (fault,), found = armed(text), []
    for subject in subjects:
        fault, hit = meet(fault, subject, seed)
        found.append(hit)
    return found


@pytest.mark.parametrize(
    ("text", "concerned"),
    [
        ("refuse", True),
        ("refuse operation=new_tracks session=s1 track=mic", True),
        ("refuse session=#1", True),
        ("refuse operation=renegotiate", False),
        ("refuse session=#2", False),
        ("refuse track=screen", False),
    ],
)
def test_a_fault_happens_where_all_of_its_conditions_hold(text, concerned):
    assert hits(text, CALL) == [concerned]


def test_without_a_count_it_happens_every_time():
    assert hits("refuse", *[CALL] * 3) == [True] * 3


def test_the_nth_is_counted_among_those_that_fulfil_the_rest():
    other = Subject("renegotiate")
    assert hits("refuse operation=new_tracks nth=2", CALL, other, CALL, CALL) == [False, False, True, False]


def test_it_can_happen_so_often_and_from_the_nth_on():
    assert hits("refuse times=2", *[CALL] * 4) == [True, True, False, False]
    assert hits("refuse nth=2 times=2", *[CALL] * 4) == [False, True, True, False]


def test_chance_is_the_seeds_and_nothing_elses():
    first, second = (hits("refuse probability=0.3", *[CALL] * 1000, seed=seed) for seed in (1, 2))
    assert first == hits("refuse probability=0.3", *[CALL] * 1000, seed=1)
    assert first != second
    assert 250 < sum(first) < 350
    assert hits("refuse probability=0", *[CALL] * 100) == [False] * 100


def test_of_several_faults_delays_add_up_and_the_first_ending_wins():
    waiting = armed(
        "delay seconds=1", "stall", "delay seconds=2", "refuse", "kill_session operation=new_tracks"
    )
    changed, verdict = judge(waiting, CALL, 0)
    assert (verdict.delay, verdict.ending.kind, verdict.kills) == (3, "stall", True)
    assert verdict.kinds == ("delay", "stall", "delay", "kill_session")
    assert [fault.hits for fault in changed.values()] == [1] * 5


def test_a_call_is_no_matter_of_faults_of_items_and_sessions():
    assert judge(armed("item_error", "no_repointing", "silence", "loss share=1"), CALL, 0)[0] == {}


def test_what_a_sessions_network_does_is_the_sum_of_its_faults():
    standing = armed(
        "loss share=0.5", "loss share=0.5 direction=up", "jitter seconds=1 direction=down", "cut"
    )
    assert disturbance(standing[:3], frozenset({"s1"}), "7") == Disturbance(Way(0.75), Way(0.5, 1), seed="7")
    assert disturbance(standing, frozenset(), "7").cut
    assert disturbance(armed("loss share=1 session=s2"), frozenset({"s1"}), "7") == Disturbance()


def test_silence_is_a_tracks_or_all_of_a_sessions():
    names = frozenset({"s1"})
    assert silenced(armed("silence session=s1"), names, "mic")
    assert silenced(armed("silence track=mic"), names, "mic")
    assert not silenced(armed("silence track=mic"), names, "camera")
    assert not silenced(armed("silence session=s2"), names, "mic")


def test_the_newest_wish_for_the_clock_holds():
    assert speed(armed("clock speed=2", "clock speed=10", "cut")) == 10
    assert speed([]) == 1
