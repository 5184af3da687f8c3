"""The negotiation of a lane: the table, and that the core goes by it for every pair of phase and trigger."""

from __future__ import annotations

import re
from itertools import product
from typing import get_args

import pytest

from cfrealtime.models import CloseItem, CloseResult, SessionDescription, TrackResult, TracksResult
from cfrealtime_rooms.core.calls import Close, Publish, Subscribe, Succeeded
from cfrealtime_rooms.core.commands import Answer, Applied, Offer
from cfrealtime_rooms.core.conduct import obey
from cfrealtime_rooms.core.deadlines import expire
from cfrealtime_rooms.core.inputs import MuteSource, RemoveParticipant
from cfrealtime_rooms.core.lane import begin, finish
from cfrealtime_rooms.core.membership import _repeat_open_exchange
from cfrealtime_rooms.core.moderation import decide
from cfrealtime_rooms.core.phases import (
    NEGOTIATION,
    OTHERWISE,
    AwaitingAnswer,
    AwaitingApplied,
    AwaitingOffer,
    Calling,
    Idle,
    IllegalTransitionError,
    Otherwise,
    Phase,
    Refusal,
    Retired,
    Trigger,
    follows,
    step_of,
)
from cfrealtime_rooms.core.plan import CloseMids, GrantOffer
from cfrealtime_rooms.core.state import Lane, Operation
from cfrealtime_rooms.core.tracks import ClientOffer, WaitingTrack
from cfrealtime_rooms.core.turn import Refused, Turn
from tests.cfrealtime_rooms.core.driver import CAMERA, MICROPHONE, Driver
from tests.docs.pages import ROOT

NUMBER = 7
"""Of the call or the exchange that is open."""
PHASES = (
    Idle(),
    Calling(NUMBER),
    AwaitingOffer(NUMBER, 1000.0),
    AwaitingApplied(NUMBER, 1000.0, "sdp"),
    AwaitingAnswer(NUMBER, 1000.0, "sdp"),
    Retired("over"),
)
PAIRS = list(product(PHASES, Trigger))
EVERY_PAIR = pytest.mark.parametrize(
    ("phase", "trigger"), PAIRS, ids=lambda one: one.name if isinstance(one, Trigger) else type(one).__name__
)


def test_the_table_has_every_phase_and_every_trigger():
    assert {type(phase) for phase in PHASES} == set(get_args(Phase)) == set(NEGOTIATION)
    assert set(OTHERWISE) == set(Trigger)
    assert not NEGOTIATION[Retired]
    assert {trigger for ways in NEGOTIATION.values() for trigger in ways} == set(Trigger)


@EVERY_PAIR
def test_a_lane_takes_the_steps_of_the_table_and_no_other(phase, trigger):
    for after in PHASES:
        lane = Lane(epoch=1, phase=phase)
        if NEGOTIATION[type(phase)].get(trigger) is type(after):
            lane.follow(trigger, after)
            assert lane.phase == after
        else:
            with pytest.raises(IllegalTransitionError, match=type(phase).__name__):
                lane.follow(trigger, after)
            assert lane.phase == phase


@EVERY_PAIR
def test_a_trigger_with_another_number_leads_nowhere(phase, trigger):
    assert step_of(phase, trigger, NUMBER + 1) is OTHERWISE[trigger]
    counted = isinstance(phase, Calling | AwaitingOffer | AwaitingApplied | AwaitingAnswer)
    assert step_of(phase, trigger, NUMBER) is (
        follows(type(phase), trigger) if counted else OTHERWISE[trigger]
    )


# The same pairs, for the core itself: what brings each trigger about, done to a lane that is in the phase.


class Scene:
    """Ann in a room whose lane is in the given phase, and one turn to do something in."""

    def __init__(self, phase: Phase) -> None:
        driver = Driver()
        self.ann = driver.enter("ann", MICROPHONE)
        self.lane = self.ann.lane
        self.lane.phase = phase
        self.lane.offer = ClientOffer(3, "v=0", (WaitingTrack("1", "camera", "video", False, "t1"),), False)
        self.room = driver.room
        self.turn = Turn(self.room, driver.machine.rules, driver.now, lambda prefix: f"{prefix}-new")

    def result(self, call, value):
        finish(self.turn, Operation(NUMBER, call, self.ann.id, self.lane.epoch), Succeeded(value))

    def command(self, command):
        obey(self.turn, self.room.connections["ann"], command)

    def lapse(self):
        self.turn.now = 2000.0
        self.ann.lost_at = None
        list(expire(self.turn, list(self.turn.room.participants)))


def call(scene):
    begin(scene.turn, scene.ann, CloseMids(("0",)))


def sfu_answers(scene):
    items = (TrackResult(mid="1", track_name="t1"),)
    result = TracksResult(items, SessionDescription.answer("v=0"))
    scene.result(Publish("session-4", "v=0", ()), result)


def sfu_offers(scene):
    result = TracksResult((), SessionDescription.offer("v=0"), requires_renegotiation=True)
    scene.result(Subscribe("session-4", ()), result)


DEEDS = {
    Trigger.CALL: call,
    Trigger.GRANT: lambda scene: begin(scene.turn, scene.ann, GrantOffer()),
    Trigger.RESULT: lambda scene: scene.result(Close("session-4", ("9",)), CloseResult((CloseItem("9"),))),
    Trigger.SFU_ANSWERS: sfu_answers,
    Trigger.SFU_OFFERS: sfu_offers,
    Trigger.OFFER: lambda scene: scene.command(Offer(NUMBER, "v=0", (CAMERA,))),
    Trigger.APPLIED: lambda scene: scene.command(Applied(NUMBER)),
    Trigger.ANSWER: lambda scene: scene.command(Answer(NUMBER, "v=0")),
    Trigger.LAPSE: lambda scene: scene.lapse(),
    Trigger.RESUME: lambda scene: _repeat_open_exchange(scene.turn, scene.ann),
    Trigger.HURRY: lambda scene: decide(scene.turn, MuteSource("ann", "microphone")),
    Trigger.END: lambda scene: decide(scene.turn, RemoveParticipant("ann")),
}


@EVERY_PAIR
def test_what_the_core_does_is_what_the_table_says(phase, trigger):
    scene = Scene(phase)
    way = follows(type(phase), trigger)
    if isinstance(way, Refusal):
        with pytest.raises(Refused) as refused:
            DEEDS[trigger](scene)
        assert (refused.value.code, refused.value.message) == (way.code, way.message)
        assert scene.lane.phase == phase
    elif way is Otherwise.FAULT:
        with pytest.raises(IllegalTransitionError):
            DEEDS[trigger](scene)
        assert scene.lane.phase == phase
    elif isinstance(way, Otherwise):
        told = len(scene.turn.actions)
        DEEDS[trigger](scene)
        assert scene.lane.phase == phase
        assert trigger is Trigger.HURRY or len(scene.turn.actions) == told
    else:
        DEEDS[trigger](scene)
        assert type(scene.lane.phase) is way
        if trigger is Trigger.LAPSE and way is Retired:
            assert scene.ann.lane is not scene.lane
        if trigger in (Trigger.RESUME, Trigger.HURRY):
            assert scene.lane.phase.exchange == NUMBER
            assert scene.lane.phase.deadline < phase.deadline


def test_nothing_changes_a_phase_but_the_step_that_asks_the_table():
    source = {
        path.name: path.read_text(encoding="utf-8") for path in (ROOT / "cfrealtime_rooms").rglob("*.py")
    }
    assigned = {name: len(re.findall(r"\.phase = ", text)) for name, text in source.items()}
    assert {name: count for name, count in assigned.items() if count} == {"state.py": 1}
