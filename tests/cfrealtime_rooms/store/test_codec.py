"""A room's state, written and read again."""

from __future__ import annotations

from typing import get_args

import attrs
import pytest

from cfrealtime.models import LocalTrack, RemoteTrack
from cfrealtime_rooms.core import calls, phases, state, tracks
from cfrealtime_rooms.core.inputs import AdoptDebt
from cfrealtime_rooms.core.permissions import Permissions
from cfrealtime_rooms.store import Intent, StoreError
from cfrealtime_rooms.store.codec import dump, left_behind, load

TRACKS = (RemoteTrack("s2", "t1", mid="3"), RemoteTrack("s2", "t2"))
CALLS = [
    calls.NewSession(),
    calls.Publish("s1", "an offer", (LocalTrack("0", "t0"),)),
    calls.Subscribe("s1", TRACKS),
    calls.Renegotiate("s1", "an answer"),
    calls.Update("s1", TRACKS),
    calls.Close("s1", ("0", "1")),
    calls.Look("s1"),
]
PHASES = [
    phases.Idle(),
    phases.Calling(7),
    phases.AwaitingOffer(3, 12.5),
    phases.AwaitingApplied(3, 12.5, "an answer"),
    phases.AwaitingAnswer(4, 12.5, "an offer"),
    phases.Retired("why"),
]


def participant(name: str = "p1", **lane: object) -> state.Participant:
    return state.Participant(
        id=name,
        identity=f"user of {name}",
        name="Zoë",
        permissions=Permissions(frozenset({"camera"})),
        attributes={"hand": "up"},
        token="secret",
        lane=state.Lane(epoch=2, session_id=f"s-{name}", **lane),
        connection=None,
        joined_at=1.5,
        publications={
            "camera": tracks.Publication(
                "pub1", "camera", "video", True, "live", tracks.Locator(f"s-{name}", "t0"), "0"
            )
        },
        replacements=[1.0, 2.0],
    )


def room(*participants: state.Participant) -> state.Room:
    return state.Room("hall", 7, {one.id: one for one in participants})


@pytest.mark.parametrize("phase", PHASES, ids=lambda phase: type(phase).__name__)
def test_a_lane_is_read_in_the_phase_it_was_written_in(phase):
    before = room(participant(phase=phase))
    assert load(dump(before)) == before


def test_every_phase_and_every_call_has_its_example():
    assert {type(phase) for phase in PHASES} == set(get_args(phases.Phase))
    assert {type(call) for call in CALLS} == set(get_args(calls.ApiCall))


@pytest.mark.parametrize("call", CALLS, ids=lambda call: type(call).__name__)
def test_calls_under_way_and_calls_to_repeat_are_kept(call):
    before = room(participant(repeat=call))
    before.operations[5] = state.Operation(5, call)
    assert load(dump(before)) == before


def test_everything_else_of_a_room_is_kept():
    one = participant(
        subscriptions={"4": tracks.Subscription("4", "audio", None, tracks.Locator("s9", "t9"), 2.0)},
        retries={"pub9": tracks.Retry(2, 3.5)},
        call_retry=tracks.Retry(1, 0.5),
        offer=tracks.ClientOffer(
            3, "an offer", (tracks.WaitingTrack("1", "screen", "video", False, "t"),), False
        ),
        closing={"8", "9"},
        wake_at=4.0,
    )
    before = room(one, participant("p2"))
    before.connections["c"] = state.Connection("c", "u", None, Permissions(), {"a": "b"}, "p1")
    before.debts = {"s8": state.Debt("s8", {"1"}, 0.5), "s9": state.Debt("s9", None, 0.5, again=True)}
    assert load(dump(before)) == before


def test_a_timeline_read_again_is_as_bounded_as_before():
    one = participant()
    for step in range(3 * state.TIMELINE_LENGTH):
        one.lane.note(step, "step")
    assert load(dump(room(one))).participants["p1"].lane.timeline.maxlen == state.TIMELINE_LENGTH


@pytest.mark.parametrize(
    "document",
    [
        b"",
        b"not JSON",
        b"[]",
        b"null",
        b"{}",
        b"\xff",
        b'{"version": 1}',
        b'{"version": "2.0"}',
        b'{"version": 1, "room": {"id": 5, "participants": "SECRET"}}',
        b'{"version": 1, "room": {"id": "hall", "participants": {"SECRET": {}}}}',
        b'{"version": "2.0", "room": {"id": "hall", "participants": "SECRET"}}',
        b'{"version": "SECRET", "room": {"id": "hall"}}',
        b"[" * 100_000,
    ],
)
def test_a_document_that_cannot_be_read_is_a_store_error_that_quotes_nothing(document):
    with pytest.raises(StoreError) as caught:
        load(document)
    assert "SECRET" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_a_next_owner_inherits_sessions_debts_and_open_calls():
    before = room(participant("p1", closing={"5"}), participant("p2"))
    before.debts = {"s8": state.Debt("s8", {"1"}, 0.5), "s9": state.Debt("s9", None, 0.5)}
    begun = (Intent("1", "s-p2", "Subscribe"), Intent("2", None, "NewSession"), Intent("3", "s7", "Publish"))

    assert left_behind(before, begun) == [
        AdoptDebt("s-p1", ("0", "5")),
        AdoptDebt("s-p2", None),
        AdoptDebt("s7", None),
        AdoptDebt("s8", ("1",)),
        AdoptDebt("s9", None),
    ]
    assert left_behind(None, begun) == [AdoptDebt("s-p2", None), AdoptDebt("s7", None)]
    assert left_behind(None, ()) == []


def test_state_shows_neither_descriptions_nor_tokens():
    one = participant(phase=phases.AwaitingAnswer(4, 12.5, "an offer"), repeat=CALLS[1])
    shown = repr(room(one)) + repr(attrs.evolve(one, token="secret"))
    assert "an offer" not in shown
    assert "secret" not in shown
