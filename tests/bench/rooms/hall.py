"""A room as values, whose service and clients answer at once: nothing runs here but the core."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from itertools import count, islice

from cfrealtime.models import (
    CloseItem,
    CloseResult,
    SessionDescription,
    TrackResult,
    TracksResult,
)
from cfrealtime_rooms.core.actions import Call, Send
from cfrealtime_rooms.core.calls import (
    ApiCall,
    CallValue,
    Close,
    NewSession,
    Publish,
    Renegotiate,
    Subscribe,
    Succeeded,
    Update,
)
from cfrealtime_rooms.core.commands import (
    Answer,
    Applied,
    Command,
    Join,
    Leave,
    Media,
    Mute,
    Negotiate,
    Offer,
    OfferedTrack,
)
from cfrealtime_rooms.core.inputs import Connected, Input, Received, Returned
from cfrealtime_rooms.core.machine import RoomMachine
from cfrealtime_rooms.core.notices import Grant, Notice, RoomAnswer, RoomOffer
from cfrealtime_rooms.core.permissions import Permissions
from cfrealtime_rooms.core.plan import Rules
from cfrealtime_rooms.core.policy import Policy, Visible, everybody
from cfrealtime_rooms.core.settings import Settings
from cfrealtime_rooms.core.state import Connection, Lane, Participant, Room
from cfrealtime_rooms.core.tracks import Locator, Publication, Subscription

MICROPHONE, CAMERA = OfferedTrack("0", "microphone", "audio"), OfferedTrack("1", "camera", "video")
SCREEN = OfferedTrack("2", "screen", "video")
SEATS = 9


def newest(room: Room, subscriber: Participant) -> Iterator[str]:
    """A policy that wants a bounded number: the newest nine of the others."""
    others = (one for one in reversed(room.participants.values()) if one.id != subscriber.id)
    for participant in islice(others, SEATS):
        for publication in participant.publications.values():
            yield publication.id


def on_stage(room: Room, viewer: Participant, other: Participant) -> bool:
    """Nobody is told about those who do not publish."""
    del room, viewer
    return bool(other.publications)


class Hall:
    """A room at rest: `size` people of whom `publishers` send a microphone and a camera each.

    Everybody receives what the policy wants. `spent` is the CPU time that the core has taken since. What it
    takes to count how often the host's functions are asked is left out unless `counted`.
    """

    def __init__(
        self,
        size: int,
        publishers: int,
        policy: Policy,
        visible: Visible = everybody,
        *,
        received: bool = True,
        counted: bool = True,
    ) -> None:
        self.now, self.spent = 100.0, 0.0
        self.policies = self.visibles = self.calls = self.messages = self.turns = 0
        self._numbers, self._waiting = count(1), deque[Input]()
        rules = Rules(
            self._counted(policy) if counted else policy,
            Settings(max_participants=2 * size),
            self._counted_visible(visible) if counted and visible is not everybody else visible,
        )
        room = Room("hall", participants={p.id: p for p in _people(size, publishers)})
        room.connections = {p: Connection(p, p, p, Permissions(), {}, p) for p in room.participants}
        self.machine = RoomMachine(room, rules, self._new_id)
        if visible is not everybody:
            for one in room.participants.values():
                one.hears_of = {
                    o for o, other in room.participants.items() if o != one.id and visible(room, one, other)
                }
        if received:
            _receive(room, policy)

    @property
    def room(self) -> Room:
        """The state."""
        return self.machine.room

    def forget(self) -> None:
        """Count from here."""
        self.spent = 0.0
        self.policies = self.visibles = self.calls = self.messages = self.turns = 0

    def plan_all(self) -> None:
        """One turn in which every lane is looked at, and nothing answers."""
        started = time.process_time()
        self.machine.stop_repointing(self.now)  # what touches all of them
        self.machine.flush(self.now)
        self.spent += time.process_time() - started

    # What happens in it: each until the room rests again.

    def join(self, name: str) -> None:
        """Somebody comes with microphone and camera."""
        self._waiting += [
            Connected(name, name, name),
            Received(name, Join(None, None, "v=0", (MICROPHONE, CAMERA))),
        ]
        self.rest()

    def publish(self, name: str) -> None:
        """Somebody shows a screen."""
        self._waiting.append(Received(name, Negotiate()))
        self.rest()

    def mute(self, name: str) -> None:
        """Somebody mutes itself."""
        self._waiting.append(Received(name, Mute("microphone", muted=True)))
        self.rest()

    def leave(self, name: str) -> None:
        """Somebody goes."""
        self._waiting.append(Received(name, Leave()))
        self.rest()

    def look(self) -> None:
        """Every lane is looked at, until nothing is left to do."""
        self._turn(lambda: self.machine.stop_repointing(self.now))
        self.rest()

    def rest(self) -> None:
        """Every answer comes in a turn of its own, until nothing is open and nothing is due."""
        while True:
            if self._waiting:
                given = self._waiting.popleft()
                self._turn(lambda given=given: self.machine.handle(given, self.now))
            elif (due := self.machine.next_deadline()) is not None:
                self.now = max(self.now, due)
                self._turn(lambda: None)
            else:
                return

    def _turn(self, take: Callable[[], None]) -> None:
        started = time.process_time()
        take()
        actions = self.machine.flush(self.now)
        self.machine.next_deadline()
        self.spent += time.process_time() - started
        self.turns += 1
        for action in actions:
            if isinstance(action, Call):
                self.calls += 1
                self._waiting.append(
                    Returned(action.operation.id, Succeeded(self._answer(action.operation.call)))
                )
            elif isinstance(action, Send):
                self.messages += 1
                self._waiting += [
                    Received(action.connection, c) for c in self._reply(action.connection, action.notice)
                ]

    def _reply(self, name: str, notice: Notice) -> list[Command]:
        if isinstance(notice, RoomAnswer):
            publications = self._member(name).publications
            return [Applied(notice.exchange), Media(notice.epoch, "connected", tuple(publications))]
        if isinstance(notice, RoomOffer):
            return [Answer(notice.exchange, "v=0")]
        if isinstance(notice, Grant):
            return [Offer(notice.grant, "v=0", (SCREEN,))]
        return []

    def _member(self, name: str) -> Participant:
        connection = self.room.connections[name]
        return self.room.participants[connection.participant or ""]

    def _answer(self, call: ApiCall) -> CallValue:
        match call:
            case NewSession():
                return self._new_id("session")
            case Publish(_, _, tracks):
                items = [TrackResult("local", t.mid, track_name=t.track_name) for t in tracks]
                return TracksResult(tuple(items), SessionDescription.answer("v=0"))
            case Subscribe(_, tracks):
                items = [TrackResult("remote", self._new_id("s"), t.session_id, t.track_name) for t in tracks]
                return TracksResult(
                    tuple(items), SessionDescription.offer("v=0"), requires_renegotiation=True
                )
            case Update(_, tracks):
                return TracksResult(tuple([TrackResult("remote", t.mid) for t in tracks]))
            case Close(_, mids):
                return CloseResult(tuple([CloseItem(mid) for mid in mids]))
            case Renegotiate():
                return None
            case _:
                raise AssertionError("the room was in doubt about a session")

    def _new_id(self, prefix: str) -> str:
        return f"{prefix}-{next(self._numbers)}"

    def _counted(self, policy: Policy) -> Policy:
        def choose(room: Room, subscriber: Participant) -> Iterable[str]:
            self.policies += 1
            return policy(room, subscriber)

        return choose

    def _counted_visible(self, visible: Visible) -> Visible:
        def decide(room: Room, viewer: Participant, other: Participant) -> bool:
            self.visibles += 1
            return visible(room, viewer, other)

        return decide


def _people(size: int, publishers: int) -> Iterator[Participant]:
    for number in range(size):
        name = f"p{number}"
        lane = Lane(1, f"session-of-{name}", negotiated_at=0.0, connected=True)
        one = Participant(name, name, name, Permissions(), {}, f"token-{name}", lane, name, 0.0, visible=True)
        if number < publishers:
            for track in (MICROPHONE, CAMERA):
                one.publications[track.source] = Publication(
                    f"{track.source}-of-{name}",
                    track.source,
                    track.kind,
                    muted=False,
                    state="live",
                    locator=Locator(f"session-of-{name}", f"{track.source}-of-{name}"),
                    mid=track.mid,
                    sending=True,
                )
            lane.sections = 2
        yield one


def _receive(room: Room, policy: Policy) -> None:
    """Give everyone what the policy wants."""
    publications = {p.id: p for one in room.participants.values() for p in one.publications.values()}
    for one in room.participants.values():
        for number, wanted in enumerate(policy(room, one)):
            publication = publications[str(wanted)]
            assert publication.locator is not None
            mid = f"m{number}"
            one.lane.subscriptions[mid] = Subscription(
                mid, publication.kind, publication.id, publication.locator, 0.0
            )
        one.lane.sections += len(one.lane.subscriptions)
