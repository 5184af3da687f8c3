"""Drives a room with values: what clients do, and what becomes of the calls the room makes."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import count
from typing import Any

from cfrealtime.models import (
    CloseItem,
    CloseResult,
    ItemError,
    SessionDescription,
    SessionState,
    TrackResult,
    TracksResult,
)
from cfrealtime_rooms.core.actions import Action, Call, Emit, Exchanged, HangUp, Send
from cfrealtime_rooms.core.calls import (
    ApiCall,
    CallOutcome,
    Close,
    Failed,
    Look,
    NewSession,
    Publish,
    Renegotiate,
    Subscribe,
    Succeeded,
    Update,
)
from cfrealtime_rooms.core.catalog import catalog_of
from cfrealtime_rooms.core.commands import Answer, Applied, Command, Join, Media, OfferedTrack
from cfrealtime_rooms.core.deadlines import due_of
from cfrealtime_rooms.core.inputs import Connected, Disconnected, Input, Received, Returned
from cfrealtime_rooms.core.ledger import next_payment
from cfrealtime_rooms.core.machine import RoomMachine
from cfrealtime_rooms.core.notices import Notice
from cfrealtime_rooms.core.plan import Rules
from cfrealtime_rooms.core.policy import everyone
from cfrealtime_rooms.core.state import Lane, Operation, Participant, Room

MICROPHONE = OfferedTrack("0", "microphone", "audio")
CAMERA = OfferedTrack("1", "camera", "video")
SCREEN = OfferedTrack("2", "screen", "video")


UNKNOWN = Failed("unknown")
NOT_SENT = Failed("not_sent")


class Driver:
    """A room whose clock, ids, clients and SFU are the test."""

    def __init__(self, policy: Any = everyone, **rules: Any) -> None:
        self.now = 0.0
        self._numbers = count(1)
        self._mids = count()
        self.machine = RoomMachine(
            Room("hall"), Rules(policy, **rules), lambda prefix: f"{prefix}-{next(self._numbers)}"
        )
        self.told: dict[str, list[Notice]] = {}
        self.hung_up: dict[str, tuple[int, str]] = {}
        self.events: list[Any] = []
        self.exchanges: list[Exchanged] = []
        self.calls: list[Operation] = []
        """Under way, oldest first."""
        self.made: list[ApiCall] = []

    @property
    def room(self) -> Room:
        return self.machine.room

    def give(self, *inputs: Input, after: float = 0.0) -> None:
        """Time passes, then inputs come in one turn."""
        self.now += after
        for given in inputs:
            self.machine.handle(given, self.now)
        actions = self.machine.flush(self.now)
        self._check_what_the_machine_remembers()
        for action in actions:
            self._perform(action)

    def _check_what_the_machine_remembers(self) -> None:
        """What it keeps so as not to look at everyone in every turn is what a look at everyone gives."""
        due = (due_of(one, self.machine.rules.settings) for one in self.room.participants.values())
        times = [one for one in (*due, next_payment(self.room)) if one is not None]
        assert self.machine.next_deadline() == min(times, default=None)
        assert self.machine._catalog in (None, catalog_of(self.room))

    def _perform(self, action: Action) -> None:
        match action:
            case Send(connection, notice):
                self.told.setdefault(connection, []).append(notice)
            case HangUp(connection, code, reason):
                self.hung_up[connection] = code, reason
            case Call(operation):
                self.calls.append(operation)
                self.made.append(operation.call)
            case Emit(event):
                self.events.append(event)
            case Exchanged():
                self.exchanges.append(action)
            case _:
                self.events.append(action)

    # Clients. A connection is named like its identity, with a number from the second on.

    def connect(self, name: str, connection: str | None = None, **options: Any) -> None:
        self.give(Connected(connection or name, name, name, **options))

    def send(self, connection: str, command: Command, after: float = 0.0) -> None:
        self.give(Received(connection, command), after=after)

    def drop(self, connection: str) -> None:
        self.give(Disconnected(connection))

    def last(self, connection: str, kind: type[Any]) -> Any:
        return next(n for n in reversed(self.told[connection]) if isinstance(n, kind))

    def errors(self, connection: str) -> list[str]:
        return [n.code for n in self.told.get(connection, []) if type(n).__name__ == "Error"]

    def member(self, identity: str) -> Participant:
        return next(p for p in self.room.participants.values() if p.identity == identity)

    def lane(self, identity: str) -> Lane:
        return self.member(identity).lane

    # The SFU.

    def take(self) -> Operation:
        return self.calls.pop(0)

    def end(self, outcome: CallOutcome | None = None, operation: Operation | None = None) -> ApiCall:
        """End a call, the oldest unless told otherwise: as asked, or as a working SFU does."""
        operation = operation or self.take()
        if operation in self.calls:
            self.calls.remove(operation)
        self.give(Returned(operation.id, outcome or self.success(operation.call)))
        return operation.call

    def success(self, call: ApiCall) -> CallOutcome:
        match call:
            case NewSession():
                return Succeeded(f"session-{next(self._numbers)}")
            case Publish():
                items = [TrackResult(mid=t.mid, track_name=t.track_name) for t in call.tracks]
                return Succeeded(TracksResult(tuple(items), SessionDescription.answer("v=0 answer")))
            case Subscribe():
                return Succeeded(subscribed(call, [f"s{next(self._mids)}" for _ in call.tracks]))
            case Update():
                items = [TrackResult(mid=t.mid) for t in call.tracks]
                return Succeeded(TracksResult(tuple(items)))
            case Close(_, mids):
                return Succeeded(CloseResult(tuple(CloseItem(mid) for mid in mids)))
            case Look():
                return Succeeded(SessionState(()))
            case Renegotiate():
                return Succeeded(None)

    # Common stretches of a meeting.

    def enter(self, name: str, *tracks: OfferedTrack, **options: Any) -> Participant:
        """A participant joins; with tracks it publishes them, connects and reports them, and all settle."""
        self.connect(name, **options)
        self.send(name, Join(offer="v=0" if tracks else None, tracks=tracks))
        self.settle()
        if tracks:
            sending = tuple(track.source for track in tracks)
            self.send(name, Media(self.lane(name).epoch, "connected", sending))
        self.settle()
        return self.member(name)

    def settle(self) -> None:
        """Every call succeeds and every client does its part, until nothing is open."""
        while True:
            if self.calls:
                self.end()
            elif not any(self._do_its_part(p) for p in list(self.room.participants.values())):
                return

    def _do_its_part(self, participant: Participant) -> bool:
        phase, connection = participant.lane.phase, participant.connection
        match type(phase).__name__:
            case "AwaitingApplied" if connection:
                self.send(connection, Applied(phase.exchange))
            case "AwaitingAnswer" if connection:
                self.send(connection, Answer(phase.exchange, "v=0"))
                self.send(connection, Media(participant.lane.epoch, "connected", sending(participant)))
            case _:
                return False
        return True


def sending(participant: Participant) -> tuple[str, ...]:
    return tuple(p.source for p in participant.publications.values() if p.sending)


def subscribed(call: Subscribe, mids: Iterable[str | None]) -> TracksResult:
    """The SFU's offer: a mid for each track, None for one that it refuses."""
    items = [
        TrackResult(mid=mid, session_id=track.session_id, track_name=track.track_name)
        if mid is not None
        else TrackResult(
            mid="",
            session_id=track.session_id,
            track_name=track.track_name,
            error=ItemError("empty_track_error"),
        )
        for track, mid in zip(call.tracks, mids, strict=True)
    ]
    offer = SessionDescription.offer("v=0 offer") if any(item.error is None for item in items) else None
    return TracksResult(tuple(items), offer, requires_renegotiation=offer is not None)


def refused(status, code=None, **options):
    return Failed("refused", status, code, **options)


def pair():
    """Ann and Bob, who both send a microphone and receive each other."""
    driver = Driver()
    for name in ("ann", "bob"):
        driver.enter(name, MICROPHONE)
    driver.made.clear()
    return driver


def subscribing():
    """Cy, who joins without an offer, while its first subscription is under way."""
    driver = pair()
    driver.connect("cy")
    driver.send("cy", Join())
    driver.end()  # sessions/new
    assert isinstance(driver.calls[0].call, Subscribe)
    return driver
