"""A room's lease and what is written under it: intents before calls, the state now and then."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable

from ..core.calls import NewSession
from ..core.inputs import AdoptDebt
from ..core.state import Operation, Room
from ..store import Intent, Lease, RoomStore, Saved, StoreError
from ..store.codec import dump, left_behind, load

log = logging.getLogger("cfrealtime_rooms")

LEASE = 60.0
"""Seconds a lease runs; it is renewed well before."""
SAVE_EVERY = 5.0
"""Seconds between two saves of a room that keeps changing."""


class Tenure:
    """One process's time as the owner of one room."""

    def __init__(self, store: RoomStore, room: Room, owner: str) -> None:
        self._store, self._room, self._owner = store, room, owner
        self._lease: Lease | None = None
        self._saved = 0
        self._taken = asyncio.Event()
        self._dirty = False
        self._ended: list[int] = []

    async def take(self) -> list[AdoptDebt]:
        """Become the owner. Returns what an earlier owner left behind at the SFU.

        Raises `StoreError` while another process owns the room; then no call is ever allowed.
        """
        try:
            lease = await self._store.acquire(self._room.id, self._owner, LEASE)
            if lease is None:
                raise StoreError(f"room {self._room.id} belongs to another process; one process owns a room")
            saved = await self._store.load(lease)
            intents = await self._store.open_intents(lease)
            before = load(saved.document) if saved is not None else None
            self._saved = saved.revision if saved is not None else 0
            # Numbers go on where the earlier owner stopped, so that none of its intents is overwritten.
            self._room.counter = max([self._room.counter, *(intent.id for intent in intents)])
            self._lease = lease
            return left_behind(before, intents)
        finally:
            self._taken.set()

    async def may_call(self, operation: Operation, deadline: float) -> bool:
        """Write the intent of a call. False: the room is not ours for long enough, so there is no call."""
        await self._taken.wait()
        lease = self._lease
        if lease is None or lease.expires_at < asyncio.get_running_loop().time() + deadline:
            return False
        session_id = None if isinstance(operation.call, NewSession) else operation.call.session_id
        try:
            await self._store.begin(lease, Intent(operation.id, session_id, type(operation.call).__name__))
        except StoreError as error:
            log.warning("room %s: a call was held back: %s", self._room.id, error)
            return False
        return True

    def called(self, operation: Operation) -> None:
        """The call has ended; its intent may go once the outcome is saved."""
        self._ended.append(operation.id)

    def changed(self) -> None:
        """The state is to be saved at the next opportunity."""
        self._dirty = True

    async def keep(self) -> None:
        """Renew the lease and save the state, until cancelled."""
        clock = asyncio.get_running_loop().time
        renewed = clock()
        while True:
            await asyncio.sleep(SAVE_EVERY)
            if self._lease is not None and clock() - renewed >= LEASE / 3:
                renewed = clock()
                await self._quietly(self._renew(self._lease))
            if self._lease is not None and self._dirty:
                self._dirty = False
                await self._quietly(self._save(self._lease))

    async def _save(self, lease: Lease) -> None:
        ended, self._ended = self._ended, []
        self._saved += 1
        await self._store.save(lease, Saved(self._saved, dump(self._room)))
        for operation_id in ended:
            await self._store.end(lease, operation_id)

    async def _renew(self, lease: Lease) -> None:
        self._lease = await self._store.renew(lease, LEASE)

    async def give_up(self) -> None:
        """The room is over and nothing is owed: forget it."""
        if self._lease is not None:
            await self._quietly(self._store.release(self._lease))
            self._lease = None

    async def _quietly(self, write: Awaitable[None]) -> None:
        """A store that fails costs no participant anything."""
        try:
            await write
        except StoreError as error:
            log.warning("room %s: the store refused a write: %s", self._room.id, error)
