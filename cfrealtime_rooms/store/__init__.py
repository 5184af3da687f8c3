"""What a room leaves behind for its next owner, and who owns it."""

from .contract import Intent, Lease, LeaseLostError, RoomStore, Saved, StoreError
from .memory import MemoryStore

__all__ = ["Intent", "Lease", "LeaseLostError", "MemoryStore", "RoomStore", "Saved", "StoreError"]
