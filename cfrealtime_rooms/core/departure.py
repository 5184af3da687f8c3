"""A participant goes: out of the room at once; what it held at the SFU goes to the ledger."""

from __future__ import annotations

from .events import ParticipantLeft, RoomClosed
from .ledger import owe_lane
from .notices import Closed, Departure
from .phases import Retired, Trigger
from .publishing import release
from .state import Participant
from .turn import Turn

REMOVED, CLOSED, BANNED = 4002, 4003, 4004
CLOSE_CODES = {"left": 1000, "replaced": 4001}
"""WebSocket close codes of reasons; others give 4000 unless told: the host words its reasons as it likes."""


def remove(
    turn: Turn, participant: Participant, reason: str, *, code: int | None = None, farewell: bool = True
) -> None:
    """Take a participant out of the room, whatever its lane is doing.

    Without `farewell` its client is not told, and its channel is left as it is.
    """
    turn.exchange_over(participant, "abandoned")
    owe_lane(turn, participant)
    participant.lane.follow(Trigger.END, Retired(reason))
    del turn.room.participants[participant.id]
    release(turn, participant.publications.values())
    turn.forget(participant)
    if participant.visible:
        turn.left.append(Departure(participant.id, reason))
    if participant.connection is not None and farewell:
        say_goodbye(turn, participant, reason, code)
    turn.emit(ParticipantLeft(turn.room.id, participant.id, participant.identity, reason))
    if not turn.room.participants:
        turn.emit(RoomClosed(turn.room.id, turn.closing or "empty"))


def say_goodbye(turn: Turn, participant: Participant, reason: str, code: int | None = None) -> None:
    """The last message, then the host closes the channel. What still arrives on it is ignored."""
    connection = participant.connection
    if connection is None:
        return
    dismiss(turn, connection, reason, code)
    participant.connection = None


def dismiss(turn: Turn, connection: str, reason: str, code: int | None = None) -> None:
    """End a channel for good, whether or not anyone has joined on it."""
    turn.send_to(connection, Closed(reason))
    turn.hang_up(connection, code or CLOSE_CODES.get(reason, 4000), reason)
    turn.room.connections.pop(connection, None)
