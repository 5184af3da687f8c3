"""Which faults happen to what, as values."""

from __future__ import annotations

import pytest
from attrs import evolve

from cfrealtime.emulator.media.plan import Disturbance, Way
from cfrealtime.emulator.rules.fault_forms import read
from cfrealtime.emulator.rules.fault_matching import (
    Armed,
    Subject,
    Track,
    disturbance,
    judge,
    judge_item,
    settled,
    silenced,
    speed,
)
from cfrealtime.emulator.rules.faults import FailItem

MIC, CAMERA = Track("mic", frozenset({"s7", "#7"})), Track("camera", frozenset({"s8"}))
CALL = Subject("new_tracks", frozenset({"s1", "#1"}), (MIC, CAMERA))


def armed(*texts: str) -> list[Armed]:
    return [Armed(f"f{i}", read(text)) for i, text in enumerate(texts)]


def hits(text: str, *subjects: Subject, seed: int = 0) -> list[bool]:
    """Whether a fault happens to each of these in turn."""
    (fault,), found = armed(text), []
    for subject in subjects:
        changed, verdict = judge([fault], subject, seed)
        fault = changed.get(fault.id, fault)
        if verdict.ending:
            fault = settled(fault, happened=True)
        found.append(bool(verdict.kinds))
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
        ("refuse publisher=#7", True),
        ("refuse track=mic publisher=s7", True),
        ("refuse track=mic publisher=s8", False),
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
    assert [fault.seen for fault in changed.values()] == [1] * 5
    assert [(fault.hits, fault.pending) for fault in changed.values()] == [
        *((1, 0), (0, 1), (1, 0)),
        *((0, 0), (1, 0)),
    ]


def test_an_ending_that_was_not_the_first_waits_for_the_next_call():
    waiting = armed("lose_answer nth=1", "refuse nth=1")
    changed, first = judge(waiting, CALL, 0)
    changed, second = judge(changed.values(), CALL, 0)
    assert (first.ending.kind, second.ending.kind) == ("lose_answer", "refuse")


def test_an_ending_is_kept_for_its_call_until_it_is_known_whether_it_happened():
    changed, _ = judge(armed("html nth=1"), CALL, 0)
    changed, verdict = judge(changed.values(), CALL, 0)
    assert verdict.ending is None
    (fault,) = changed.values()
    assert settled(fault, happened=True).spent
    _, verdict = judge([settled(fault, happened=False)], CALL, 0)
    assert verdict.ending.kind == "html"


def test_a_session_that_is_none_ends_later():
    changed, verdict = judge(armed("kill_session operation=new_tracks nth=1"), evolve(CALL, alive=False), 0)
    assert not verdict.kills
    assert judge(changed.values(), CALL, 0)[1].kills


def test_a_call_whose_answer_never_has_a_field_is_not_counted_among_those_that_could_lack_it():
    other = Subject("update_tracks")
    assert hits("omit field=sessionDescription nth=2", CALL, other, CALL) == [False, False, True]


def test_what_is_left_out_is_the_first_item_concerned():
    assert judge(armed("omit field=item track=camera"), CALL, 0)[1].item == 1
    assert judge(armed("omit field=item"), CALL, 0)[1].item == 0


def test_every_fault_sees_every_item_and_the_first_happens():
    waiting, item = armed("item_error code=a times=1", "item_error code=b nth=2"), evolve(CALL, tracks=(MIC,))
    found = []
    for _ in range(3):
        changed, effect = judge_item(waiting, FailItem, item, 0)
        waiting = [fault for fault in (changed.get(f.id, f) for f in waiting) if not fault.spent]
        found.append(effect and effect.code)
    assert found == ["a", "b", None]


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
