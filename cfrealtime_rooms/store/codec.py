"""A room's state as a document with a version, and what a next owner reads out of it."""

from __future__ import annotations

from typing import Final

from ..core.inputs import AdoptDebt
from ..core.ledger import held_mids
from ..core.state import Room
from .contract import Intent
from .conversion import converter
from .upgrades import ROOM_UPGRADES
from .versions import DocumentError, Format, Version

ROOM: Final = Format("room", Version(2, 0), ROOM_UPGRADES)
"""Saved rooms. Their shape is in tests/cfrealtime_rooms/store/shapes; another one needs another version."""


def dump(room: Room) -> bytes:
    """The whole state. It holds resume tokens and the SDP of open exchanges: keep it like a secret."""
    return ROOM.write({"room": converter.unstructure(room)})


def load(document: bytes) -> Room:
    """The state that `dump` wrote, in this version or an older one. Raises `DocumentError`."""
    body = ROOM.read(document)
    try:
        return converter.structure(body["room"], Room)
    except Exception as error:
        # No chaining: the converter's errors quote what they could not read.
        raise DocumentError(f"a saved room cannot be read ({type(error).__name__})") from None


def left_behind(room: Room | None, intents: tuple[Intent, ...]) -> list[AdoptDebt]:
    """What an earlier owner may have left at the SFU: its sessions, its debts, its open calls."""
    uncertain = {intent.session_id for intent in intents if intent.session_id}
    known: dict[str, set[str] | None] = {}
    if room is not None:
        for participant in room.participants.values():
            if participant.lane.session_id is not None:
                known[participant.lane.session_id] = held_mids(participant)
        # Where a lost call may still land, what is known of a debt is not all of it.
        known |= {d.session_id: None if d.again or not d.mids else d.mids for d in room.debts.values()}
    sessions = sorted(known.keys() | uncertain)
    return [
        AdoptDebt(s, None if s in uncertain or (mids := known[s]) is None else tuple(sorted(mids)))
        for s in sessions
    ]
