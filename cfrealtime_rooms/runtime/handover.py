"""What rooms still owe the SFU when they stop, and whether the store has it for their next owner."""

from __future__ import annotations

from attrs import frozen

from ..core.state import Room
from ..store import Intent
from ..store.codec import left_behind


@frozen
class Owed:
    """A session that could not be closed in time."""

    room_id: str
    session_id: str
    mids: tuple[str, ...] | None
    """What the SFU may still hold there; None where only a look at the session can tell."""
    handed_over: bool
    """The store has it, so the room's next owner sees to it. `MemoryStore` lasts as long as its process."""


def owed(room: Room, *, handed_over: bool) -> tuple[Owed, ...]:
    """Everything a room has not closed; what becomes of a call that is still under way nobody knows."""
    doubtful = tuple(
        Intent(str(operation.id), operation.call.session_id, type(operation.call).__name__)
        for operation in room.operations.values()
    )
    return tuple(
        Owed(room.id, debt.session_id, debt.mids, handed_over)
        for debt in left_behind(room, doubtful)
        if debt.mids != ()
    )
