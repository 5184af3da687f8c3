"""What a room leaves behind for its next owner, who owns it, and rooms and events as documents."""

from .contract import Intent, Lease, LeaseLostError, RoomStore, Saved, StoreError
from .events import UnknownEventError, dump_event, load_event
from .memory import MemoryStore
from .versions import DocumentError

__all__ = [
    "DocumentError",
    "Intent",
    "Lease",
    "LeaseLostError",
    "MemoryStore",
    "RoomStore",
    "Saved",
    "StoreError",
    "UnknownEventError",
    "dump_event",
    "load_event",
]
