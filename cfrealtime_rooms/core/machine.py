"""The room as one machine: inputs in, actions out. It knows no socket, clock, loop or log.

Two rules that every change here must keep. An input is taken in whole or refused whole. And nothing is
decided while inputs are still waiting: `handle` takes in, `flush` decides, so a burst costs one batch.
"""

from __future__ import annotations

from collections.abc import Callable

from attrs import define, field

from . import ledger
from .actions import Action
from .calls import CallOutcome
from .catalog import Catalog
from .commands import COMMAND_NAMES
from .conduct import obey, spread
from .deadlines import Deadlines, expire
from .departure import CLOSED, dismiss, remove
from .inputs import (
    AdoptDebt,
    CloseRoom,
    Connected,
    Disconnected,
    Input,
    Overflowed,
    Received,
    Returned,
    Say,
)
from .lane import begin, finish, remember
from .membership import connect, disconnect
from .moderation import Decision, decide
from .notices import Delta, Error
from .phases import Idle
from .plan import Rules, next_step
from .replacing import replace
from .sight import look_again
from .state import Operation, Room
from .turn import Refused, Turn
from .views import delta, snapshot, view

SERVICE_RESTART = 1012
"""The WebSocket close code that asks clients to come back."""


@define
class RoomMachine:
    """One room. `now` is the shell's clock in seconds; `new_id` gives fresh unguessable ids."""

    room: Room
    rules: Rules
    new_id: Callable[[str], str] = field(repr=False)
    _turn: Turn | None = field(default=None, init=False, repr=False)
    _catalog: Catalog | None = field(default=None, init=False, repr=False)
    _deadlines: Deadlines = field(factory=Deadlines, init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        self._deadlines.look_at(self.room, self.rules.settings, self.room.participants)

    def handle(self, given: Input, now: float) -> None:
        """Take one input in. What follows from it comes out of `flush`."""
        turn = self._current(now)
        match given:
            case Connected():
                connect(turn, given)
            case Disconnected(connection):
                disconnect(turn, connection)
            case Received():
                self._receive(turn, given)
            case Returned():
                self._return(turn, given)
            case Overflowed(connection):
                self._catch_up(turn, connection)
            case _:
                self._host(turn, given)

    def flush(self, now: float) -> list[Action]:
        """Let deadlines pass, plan every lane that something touched, tell everyone what changed."""
        turn = self._current(now)
        for participant in expire(turn, self._deadlines.passed(now)):
            turn.touch(participant)
        self._plan(turn)
        ledger.pay(turn)
        self._tell(turn)
        self._deadlines.look_at(self.room, turn.rules.settings, turn.unsettled)
        self._turn, self._catalog, self.rules = None, turn.known, turn.rules
        return turn.actions

    def next_deadline(self) -> float | None:
        """When to flush again although nothing has happened."""
        return self._deadlines.earliest(self.room)

    @property
    def finished(self) -> bool:
        """Nobody is in the room or on the way in, and nothing is owed or under way."""
        room = self.room
        return not (room.participants or room.connections or room.debts or room.operations)

    def stop_repointing(self, now: float) -> None:
        """Another room of the app has learned that the service refuses to re-point."""
        self._current(now).learn_no_repointing()

    def _current(self, now: float) -> Turn:
        if self._turn is None:
            self._turn = Turn(self.room, self.rules, now, self.new_id, known=self._catalog)
        self._turn.now = now
        return self._turn

    def _receive(self, turn: Turn, received: Received) -> None:
        connection = self.room.connections.get(received.connection)
        if connection is None:
            return
        try:
            obey(turn, connection, received.command)
        except Refused as refused:
            name = COMMAND_NAMES[type(received.command)]
            turn.send_to(connection.id, Error(refused.code, refused.message, name))

    def _return(self, turn: Turn, returned: Returned) -> None:
        operation, outcome = self.room.operations.pop(returned.operation, None), returned.outcome
        if operation is None:
            return
        if operation.participant is not None:
            remember(turn, operation, outcome, returned.seconds)
            self._finish(turn, operation, outcome)
        elif operation.call.session_id in self.room.debts:
            ledger.settle(turn, self.room.debts[operation.call.session_id], outcome)

    def _finish(self, turn: Turn, operation: Operation, outcome: CallOutcome) -> None:
        """A fault of ours in taking an outcome in must not leave the lane waiting for it for ever."""
        try:
            finish(turn, operation, outcome)
        except Exception:
            participant = self.room.participants.get(operation.participant or "")
            if participant is not None and participant.lane.epoch == operation.epoch:
                replace(turn, participant, "a fault in the room", uncertain=True)
            raise

    def _catch_up(self, turn: Turn, connection_id: str) -> None:
        connection = self.room.connections.get(connection_id)
        participant = self.room.participants.get(connection.participant or "") if connection else None
        if participant is not None:
            participant.told = self.room.revision
            turn.send(participant, snapshot(self.room, participant))

    def _host(self, turn: Turn, given: Say | CloseRoom | AdoptDebt | Decision) -> None:
        match given:
            case Say(text, data, to):
                spread(turn, None, text, data, to)
            case CloseRoom():
                self._close(turn, given)
            case AdoptDebt(session_id, mids):
                ledger.owe(turn, session_id, mids, uncertain=mids is None)
            case _:
                decide(turn, given)

    def _close(self, turn: Turn, closing: CloseRoom) -> None:
        turn.closing = closing.reason
        for participant in list(turn.room.participants.values()):
            remove(turn, participant, closing.reason, code=CLOSED, farewell=closing.final)
        for connection in list(turn.room.connections.values()):
            if closing.final:
                dismiss(turn, connection.id, closing.reason, CLOSED)
            else:
                turn.hang_up(connection.id, SERVICE_RESTART, closing.reason)
                del turn.room.connections[connection.id]
        turn.closing = None

    def _plan(self, turn: Turn) -> None:
        """Plan until nothing more can begin: a step may touch other lanes."""
        while turn.touched or turn.stirred:
            look_again(turn)
            touched, turn.touched = turn.touched, set()
            turn.unsettled |= touched
            for participant_id in sorted(touched):
                participant = turn.room.participants.get(participant_id)
                if participant is None:
                    continue
                lane = participant.lane
                plan = next_step(turn.room, participant, turn.rules, turn.now, turn.catalog)
                lane.wake_at = plan.wake_at
                if plan.step is not None:
                    begin(turn, participant, plan.step)
                    lane.asked_at = None
                elif isinstance(lane.phase, Idle):
                    lane.asked_at = None
                elif lane.asked_at is None and participant_id not in turn.moved:
                    lane.asked_at = turn.now

    def _tell(self, turn: Turn) -> None:
        """One revision and one delta for everything visible that changed in this turn."""
        room = turn.room
        seen = turn.left or turn.heard or turn.attributes_changed
        if not (seen or turn.changed):
            return
        changed = [room.participants[p] for p in room.participants if p in turn.changed]
        if not (seen or any(participant.visible for participant in changed)):
            return  # who is not visible yet is told of itself when it is
        room.next_revision()
        attributes = dict(room.attributes) if turn.attributes_changed else None
        views = {participant.id: view(participant) for participant in changed}
        alike = all(participant.visible for participant in changed)
        common: dict[int, Delta | None] = {}
        for participant in room.participants.values():
            same = alike and participant.hears_of is None  # as all others who are told about everyone
            if same and participant.told in common:
                news = common[participant.told]
            else:
                news = delta(room, participant, views, turn.left, turn.heard.get(participant.id), attributes)
            if same:
                common[participant.told] = news
            if participant.hears_of is not None:
                participant.hears_of.difference_update(one.id for one in turn.left)
            if news is not None:  # who is told nothing stays at the revision that its client has
                turn.send(participant, news)
                participant.told = room.revision
