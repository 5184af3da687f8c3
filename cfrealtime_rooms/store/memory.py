"""Rooms kept in this process: they end with it."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Callable, Collection

from attrs import Factory, define, evolve

from .contract import Intent, Lease, LeaseLostError, Saved, StoreError


def _loop_time() -> float:
    return asyncio.get_running_loop().time()


@define
class _Entry:
    lease: Lease
    intents: dict[str, Intent] = Factory(dict[str, Intent])
    saved: Saved | None = None


class MemoryStore:
    """A `RoomStore` in a dictionary. `clock` is the running loop's time unless given."""

    def __init__(self, clock: Callable[[], float] = _loop_time) -> None:
        self._clock = clock
        self._rooms: dict[str, _Entry] = {}
        self._tokens = 0

    async def acquire(self, room_id: str, owner: str, ttl: float) -> Lease | None:
        """Take the room for `ttl` seconds; None while another owner holds it."""
        entry = self._rooms.get(room_id)
        if entry is not None and entry.lease.owner != owner and entry.lease.expires_at > self._clock():
            return None
        self._tokens += 1
        lease = Lease(room_id, owner, self._tokens, self._clock() + ttl)
        if entry is None:
            self._rooms[room_id] = _Entry(lease)
        else:
            entry.lease = lease
        return lease

    async def renew(self, lease: Lease, ttl: float) -> Lease:
        """Hold the room for `ttl` seconds from now, under the same token."""
        entry = self._entry(lease)
        entry.lease = evolve(entry.lease, expires_at=self._clock() + ttl)
        return entry.lease

    async def release(self, lease: Lease) -> None:
        """Let another owner have the room at once. What was written stays for it."""
        entry = self._entry(lease)
        self._tokens += 1  # from here on the released lease is no longer the newest
        entry.lease = Lease(lease.room_id, "", self._tokens, expires_at=self._clock())

    async def forget(self, lease: Lease) -> None:
        """End the lease and delete all that was written."""
        self._entry(lease)
        del self._rooms[lease.room_id]

    async def begin(self, lease: Lease, intent: Intent) -> None:
        """Write an intent before its call."""
        self._entry(lease).intents[intent.id] = intent

    async def end(self, lease: Lease, intent_ids: Collection[str]) -> None:
        """The outcomes of these calls are part of the saved state now."""
        intents = self._entry(lease).intents
        for intent_id in intent_ids:
            intents.pop(intent_id, None)

    async def open_intents(self, lease: Lease) -> tuple[Intent, ...]:
        """Intents that were begun and never ended."""
        return tuple(self._entry(lease).intents.values())

    async def save(self, lease: Lease, saved: Saved) -> None:
        """Write the state."""
        entry = self._entry(lease)
        if entry.saved is not None and saved.revision <= entry.saved.revision:
            raise StoreError(f"room {lease.room_id}: revision {saved.revision} is not above the stored one")
        # A document says the same things over and over: so it takes a tenth of the memory, or less.
        entry.saved = evolve(saved, document=zlib.compress(saved.document, level=1))

    async def load(self, lease: Lease) -> Saved | None:
        """The last state written, by whichever owner."""
        saved = self._entry(lease).saved
        return None if saved is None else evolve(saved, document=zlib.decompress(saved.document))

    def _entry(self, lease: Lease) -> _Entry:
        entry = self._rooms.get(lease.room_id)
        if entry is None or entry.lease.token != lease.token:
            raise LeaseLostError(
                f"room {lease.room_id}: the lease {lease.token} is over; stop acting for the room"
            )
        return entry
