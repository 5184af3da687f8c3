"""One turn of a room: the state it works on and everything it has decided so far."""

from __future__ import annotations

from collections.abc import Callable

from attrs import Factory, define, evolve

from .actions import Action, Call, Emit, HangUp, Send, StopRepointing
from .calls import ApiCall
from .events import RoomEvent
from .notices import Departure, Notice
from .phases import Calling, Trigger
from .plan import Rules
from .state import Operation, Participant, Room


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
    changed: set[str] = Factory(set[str])
    """Participants whose view has changed."""
    stirred: set[str] = Factory(set[str])
    """Participants of whom it may have changed who is told about whom."""
    heard: dict[str, frozenset[str]] = Factory(dict[str, frozenset[str]])
    """Whom those were told about before this turn who are told about others now."""
    attributes_changed: bool = False
    """The room's own."""
    left: list[Departure] = Factory(list[Departure])
    closing: str | None = None
    """Why everyone is being sent away, while they are."""

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
        operation = Operation(self.room.next_operation(), call, participant=participant.id, epoch=lane.epoch)
        lane.follow(by, Calling(operation.id))
        self._begin(operation)
        lane.note(self.now, f"call {type(call).__name__}")

    def call_for_debt(self, call: ApiCall) -> None:
        """Begin a call that pays a debt of its session."""
        self._begin(Operation(self.room.next_operation(), call))

    def _begin(self, operation: Operation) -> None:
        self.room.operations[operation.id] = operation
        self.actions.append(Call(operation))

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

    def stop_repointing(self) -> None:
        """The service refuses to re-point: from here on close and subscribe instead, in the whole app."""
        if self.rules.repointing:
            self.learn_no_repointing()
            self.actions.append(StopRepointing())

    def learn_no_repointing(self) -> None:
        """Another room has found out."""
        self.rules = evolve(self.rules, repointing=False)
        self.touched.update(self.room.participants)
