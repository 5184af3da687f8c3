"""A room that is saved and read again after every step goes on like one that never was."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from cfrealtime_rooms.core import commands, inputs
from cfrealtime_rooms.core.calls import Failed
from cfrealtime_rooms.core.machine import RoomMachine
from cfrealtime_rooms.core.permissions import Permissions
from cfrealtime_rooms.core.policy import selected
from cfrealtime_rooms.core.tracks import Publication
from cfrealtime_rooms.store.codec import dump, load
from tests.cfrealtime_rooms.core.driver import CAMERA, MICROPHONE, NOT_SENT, UNKNOWN, Driver

NAMES = st.sampled_from(("ann", "bob", "cy", "dee"))
SOURCES = st.sampled_from(("microphone", "camera"))
OUTCOMES = (
    None,
    None,
    NOT_SENT,
    UNKNOWN,
    Failed("refused", 410),
    Failed("refused", 429, retry_after=2.0),
    Failed("refused", 406),
    Failed("refused", 400, "empty_track_error"),
)


class Reloading(Driver):
    """A driver whose room is written down and read again after every turn."""

    def give(self, *given: inputs.Input, after: float = 0.0) -> None:
        super().give(*given, after=after)
        old = self.machine
        self.machine = RoomMachine(load(dump(old.room)), old.rules, old.new_id)


class SavedAndKept(RuleBasedStateMachine):
    """The same things happen to both rooms."""

    def __init__(self) -> None:
        super().__init__()
        self.kept, self.saved = Driver(selected), Reloading(selected)

    def both(self, *given: inputs.Input, after: float = 0.0) -> None:
        for driver in (self.kept, self.saved):
            driver.give(*given, after=after)

    def say(self, name: str, command: Any) -> None:
        self.both(inputs.Received(name, command))

    def connect(self, name: str) -> None:
        if name not in self.kept.room.connections:
            self.both(inputs.Connected(name, name, name, attributes={"seat": "1"}))

    def publications(self) -> list[Publication]:
        return [p for one in self.kept.room.participants.values() for p in one.publications.values()]

    @rule(name=NAMES, publishes=st.booleans())
    def enter(self, name: str, publishes: bool) -> None:
        tracks = (MICROPHONE, CAMERA) if publishes else ()
        self.connect(name)
        self.say(name, commands.Join(offer="v=0" if publishes else None, tracks=tracks))

    @rule(which=st.integers(0, 5), outcome=st.sampled_from(OUTCOMES))
    def a_call_ends(self, which: int, outcome: Any) -> None:
        if self.kept.calls:
            which %= len(self.kept.calls)
            for driver in (self.kept, self.saved):
                driver.end(outcome, driver.calls[which])

    @rule()
    def everything_settles(self) -> None:
        for driver in (self.kept, self.saved):
            driver.settle()

    @rule(name=NAMES)
    def the_client_does_its_part(self, name: str) -> None:
        for participant in list(self.kept.room.participants.values()):
            phase, epoch = participant.lane.phase, participant.lane.epoch
            if participant.identity == name and hasattr(phase, "exchange"):
                kind = type(phase).__name__
                if kind == "AwaitingOffer":
                    self.say(name, commands.Offer(phase.exchange, "v=0", (CAMERA,)))
                else:
                    sdp = ("v=0",) if kind == "AwaitingAnswer" else ()
                    part = commands.Answer if sdp else commands.Applied
                    self.say(name, part(phase.exchange, *sdp))
                    self.say(name, commands.Media(epoch, "connected", ("microphone", "camera")))

    @rule(name=NAMES, command=st.sampled_from((commands.Negotiate(), commands.Leave())))
    def asks(self, name: str, command: Any) -> None:
        self.say(name, command)

    @rule(name=NAMES, which=st.integers(0, 7), layer=st.sampled_from(("low", "high")))
    def chooses(self, name: str, which: int, layer: str) -> None:
        if published := self.publications():
            wanted = published[which % len(published)].id
            self.say(name, commands.Select((wanted,)))
            self.say(name, commands.PreferLayers({wanted: layer}))

    @rule(name=NAMES, source=SOURCES, muted=st.booleans())
    def mutes(self, name: str, source: str, muted: bool) -> None:
        self.say(name, commands.Mute(source, muted))

    @rule(name=NAMES)
    def drops(self, name: str) -> None:
        self.both(inputs.Disconnected(name))

    @rule(name=NAMES)
    def resumes(self, name: str) -> None:
        for participant in list(self.kept.room.participants.values()):
            if participant.identity == name and participant.connection is None:
                self.connect(name)
                self.say(name, commands.Resume(participant.token, participant.lane.epoch))

    @rule(name=NAMES, source=SOURCES, what=st.integers(0, 5))
    def the_host_decides(self, name: str, source: str, what: int) -> None:
        rights = Permissions(frozenset({source}), message=False)
        self.both(
            (
                inputs.MuteSource(name, source),
                inputs.AllowSource(name),
                inputs.SetPermissions(name, rights),
                inputs.BanIdentity(name, "spam", 30.0),
                inputs.RemoveParticipant(name),
                inputs.SetRoomAttributes({"topic": name}),
            )[what]
        )

    @rule(seconds=st.sampled_from((0.3, 2.0, 11.0, 25.0)))
    def time_passes(self, seconds: float) -> None:
        self.both(after=seconds)

    @invariant()
    def both_rooms_are_equal_and_have_done_the_same(self) -> None:
        kept, saved = self.kept, self.saved
        assert saved.room == kept.room
        assert (saved.made, saved.told, saved.events, saved.hung_up) == (
            kept.made,
            kept.told,
            kept.events,
            kept.hung_up,
        )
        assert dump(saved.room) == dump(kept.room)
        json.loads(dump(kept.room), parse_constant=lambda name: 1 / 0)


TestSavedAndKept = SavedAndKept.TestCase
TestSavedAndKept.settings = settings(max_examples=20, stateful_step_count=25, deadline=None)
