"""Numbers that must not be taken for each other: to type checkers they are types of their own.

Each is made in one place: `Room.next_revision`, `Room.next_operation`, `Participant.next_exchange`, and
`Lane.next_epoch`. At run time they are plain integers and cost nothing.
"""

from __future__ import annotations

from typing import Final, NewType

RoomRevision = NewType("RoomRevision", int)
"""Counts what clients can see of a room to change. Never the revision under which a store keeps the room."""

UNSEEN: Final = RoomRevision(0)
"""Nothing could be seen yet."""

Epoch = NewType("Epoch", int)
"""One session of one participant: a replacement begins the next."""

OperationId = NewType("OperationId", int)
"""One API call of a room, from its intent to its outcome."""

Exchange = NewType("Exchange", int)
"""One grant or exchange of descriptions with one participant's client; never used twice."""
