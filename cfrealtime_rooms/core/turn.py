"""One turn of a room: the state it works on and everything it has decided so far."""

from __future__ import annotations

from collections.abc import Callable

from attrs import Factory, define, evolve

from .actions import Action, Call, Emit, Exchanged, HangUp, Send, StopRepointing
from .calls import ApiCall, Close, Publish, Subscribe
from .catalog import Catalog, catalog_of
from .events import RoomEvent
from .history import End, Kind, OpenExchange
from .notices import Departure, Notice
from .phases import Calling, Trigger
from .plan import Rules
from .state import Operation, Participant, Room
from .tracks import Publication


class Refused(Exception):  # noqa: N818 - an outcome of a command, never seen outside the core
    """A command cannot be carried out; nothing has changed."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


@define
class Turn:
    """Scratch pad of one turn. Times are the shell's clock in seconds; ids come from the shell."""

    room: Room
    rules: Rules
    now: float
    new_id: Callable[[str], str]
    """A fresh unguessable id with the given prefix."""
    actions: list[Action] = Factory(list[Action])
    touched: set[str] = Factory(set[str])
    """Participants whose lanes are to be planned again."""
    moved: set[str] = Factory(set[str])
    """Those whose lane has come further by itself; of the others something new is asked."""
    changed: set[str] = Factory(set[str])
    """Participants whose view has changed."""
    stirred: set[str] = Factory(set[str])
    """Participants of whom it may have changed who is told about whom."""
    heard: dict[str, frozenset[str]] = Factory(dict[str, frozenset[str]])
    """Whom those were told about before this turn who are told about others now."""
    unsettled: set[str] = Factory(set[str])
    """Participants of whom something may be due at another time than before the turn."""
    attributes_changed: bool = False
    """The room's own."""
    left: list[Departure] = Factory(list[Departure])
    closing: str | None = None
    """Why everyone is being sent away, while they are."""
    known: Catalog | None = None
    """What is published, until that changes."""

    def send(self, participant: Participant, notice: Notice) -> None:
        """Tell a participant's client, if its channel is up."""
        if participant.connection is not None:
            self.actions.append(Send(participant.connection, notice))

    def send_to(self, connection: str, notice: Notice) -> None:
        """Tell a client over a connection that may not have joined."""
        self.actions.append(Send(connection, notice))

    def hang_up(self, connection: str, code: int, reason: str) -> None:
        """Close a channel after what was sent."""
        self.actions.append(HangUp(connection, code, reason))

    def emit(self, event: RoomEvent) -> None:
        """Tell the host."""
        self.actions.append(Emit(event))

    def call(self, participant: Participant, call: ApiCall, by: Trigger = Trigger.CALL) -> None:
        """Begin the one call a lane may have under way: the plan's next step, or what an answer leads to."""
        lane = participant.lane
        retry = lane.close_retry if isinstance(call, Close) else lane.call_retry
        operation = Operation(
            self.room.next_operation(),
            call,
            participant.id,
            lane.epoch,
            since=self.now,
            waited=self.now - lane.asked_at if lane.asked_at is not None and by is Trigger.CALL else 0.0,
            attempt=retry.tries + 1 if retry is not None else 1,
        )
        lane.follow(by, Calling(operation.id))
        if isinstance(call, Publish | Subscribe):
            kind: Kind = "publish" if isinstance(call, Publish) else "subscribe"
            lane.exchange = OpenExchange(kind, len(call.tracks), self.now)
        self._begin(operation)

    def call_for_debt(self, call: ApiCall) -> None:
        """Begin a call that pays a debt of its session."""
        debt = self.room.debts.get(call.session_id or "")
        attempt = debt.tries + 1 if debt is not None else 1
        self._begin(Operation(self.room.next_operation(), call, since=self.now, attempt=attempt))

    def _begin(self, operation: Operation) -> None:
        self.room.operations[operation.id] = operation
        self.actions.append(Call(operation))

    def exchange_over(self, participant: Participant, end: End) -> None:
        """The lane's open exchange has come to its end, if there is one."""
        lane, open_ = participant.lane, participant.lane.exchange
        if open_ is None:
            return
        lane.exchange = None
        seconds = self.now - open_.since
        who = participant.id, participant.identity, lane.epoch, lane.session_id
        over = Exchanged(*who, open_.kind, open_.tracks, end, seconds, open_.client_seconds)
        self.actions.append(over)

    def patience(self, participant: Participant, seconds: float) -> float:
        """Until when a client may do its part; less where the host waits to have something closed."""
        if participant.lane.enforcing:
            seconds = min(seconds, self.rules.settings.enforce)
        return self.now + seconds

    def touch(self, participant: Participant) -> None:
        """This lane may have something to do."""
        self.touched.add(participant.id)

    def touch_others(self, participant: Participant) -> None:
        """Everyone else's lane may have something to do."""
        self.touched.update(other for other in self.room.participants if other != participant.id)

    def change(self, participant: Participant) -> None:
        """Clients see this participant differently now."""
        self.changed.add(participant.id)
        self.stirred.add(participant.id)
        self.unsettled.add(participant.id)
        self.known = None

    def forget(self, participant: Participant) -> None:
        """It is out of the room: whatever it was part of, the others are planned without it."""
        self.changed.discard(participant.id)
        self.unsettled.add(participant.id)
        self.known = None
        self.touch_others(participant)

    @property
    def catalog(self) -> Catalog:
        """What is published now; made anew only after it has changed."""
        if self.known is None:
            self.known = catalog_of(self.room)
        return self.known

    def published(self, publication_id: str) -> tuple[Participant, Publication] | None:
        """A publication and its publisher."""
        return self.catalog.published.get(publication_id)

    def located(self, session_id: str, track_name: str) -> Publication | None:
        """The publication that the SFU knows under this locator, if it still is one."""
        return self.catalog.located.get((session_id, track_name))

    def stop_repointing(self) -> None:
        """The service refuses to re-point: from here on close and subscribe instead, in the whole app."""
        if self.rules.repointing:
            self.learn_no_repointing()
            self.actions.append(StopRepointing())

    def learn_no_repointing(self) -> None:
        """Another room has found out."""
        self.rules = evolve(self.rules, repointing=False)
        self.touched.update(self.room.participants)
