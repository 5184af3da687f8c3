"""A room's lease and what is written under it: intents before calls, the state now and then."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import TypeVar

from ..core.calls import NewSession
from ..core.inputs import AdoptDebt
from ..core.state import Operation, Room
from ..store import Intent, Lease, LeaseLostError, RoomStore, Saved, StoreError
from ..store.codec import dump, left_behind, load

log = logging.getLogger("cfrealtime_rooms")

LEASE = 60.0
"""Seconds a lease runs; it is renewed well before."""
SAVE_EVERY = 5.0
"""Seconds between two saves of a room that keeps changing, at least."""
SAVE_SHARE = 0.01
"""Of the process's time, a room may take so much for saving."""
STORE_DEADLINE = 5.0
"""Seconds a store may take to answer."""

_T = TypeVar("_T")


class Tenure:
    """One process's time as the owner of one room. `lost` is called when another has become the owner."""

    def __init__(self, store: RoomStore, room: Room, owner: str, lost: Callable[[], None]) -> None:
        self._store, self._room, self._owner, self._lost = store, room, owner, lost
        self._lease: Lease | None = None
        self._revision = 0
        self._taken = asyncio.Event()
        self._dirty = False
        self._ended: set[str] = set()
        self._save_at = self._renew_at = 0.0
        self._clock = asyncio.get_running_loop().time

    async def take(self) -> list[AdoptDebt]:
        """Become the owner. Returns what an earlier owner left behind at the SFU.

        Raises `StoreError` while another process owns the room; then no call is ever allowed.
        """
        try:
            lease = await _answer(self._store.acquire(self._room.id, self._owner, LEASE))
            if lease is None:
                raise StoreError("it belongs to another process; one process owns a room")
            saved = await _answer(self._store.load(lease))
            intents = await _answer(self._store.open_intents(lease))
            self._revision = saved.revision if saved is not None else 0
            self._renew_at = self._clock() + LEASE / 3
            self._lease = lease
        finally:
            self._taken.set()
        # Once their sessions are debts of the saved state, the earlier owner's intents have done their duty.
        self._ended.update(intent.id for intent in intents)
        self._dirty |= bool(intents)
        return left_behind(self._read(saved), intents)

    def _read(self, saved: Saved | None) -> Room | None:
        try:
            return None if saved is None else load(saved.document)
        except StoreError as error:
            log.warning("room %s: what its last owner saved is lost: %s", self._room.id, error)
            return None

    async def may_call(self, operation: Operation, deadline: float) -> bool:
        """Write the intent of a call. False: the room is not ours for long enough, so there is no call."""
        await self._taken.wait()
        lease = self._lease
        if lease is None or lease.expires_at < self._clock() + deadline:
            return False
        session_id = None if isinstance(operation.call, NewSession) else operation.call.session_id
        intent = Intent(_intent_id(lease, operation), session_id, type(operation.call).__name__)
        return await self._written(self._store.begin(lease, intent))

    def called(self, operation: Operation) -> None:
        """The call has ended; its intent may go once the outcome is saved."""
        if self._lease is not None:
            self._ended.add(_intent_id(self._lease, operation))

    def changed(self) -> None:
        """The state is to be saved at the next opportunity."""
        self._dirty = True

    async def keep(self) -> None:
        """Renew the lease and save the state, until cancelled or lost."""
        while True:
            await asyncio.sleep(SAVE_EVERY)
            if self._lease is not None and self._clock() >= self._renew_at:
                await self._written(self._renew(self._lease))
            if self._lease is not None and self._dirty and self._clock() >= self._save_at:
                await self._written(self._save(self._lease))
            if self._lease is None:
                return

    async def end(self, *, settled: bool) -> bool:
        """Let go of the room. Settled: nothing is owed, so it is forgotten; else the next owner finds all.

        False: the store could not be told.
        """
        lease = self._lease
        if lease is None:
            return False
        if settled:
            written = await self._written(self._store.forget(lease))
        elif written := await self._written(self._save(lease)):
            await self._written(self._store.release(lease))
        self._lease = None
        return written

    async def _save(self, lease: Lease) -> None:
        began = self._clock()
        # Never twice the same revision: a save that seems to have failed may have landed.
        self._revision += 1
        saved, ended = Saved(self._revision, dump(self._room)), frozenset(self._ended)
        self._save_at = self._clock() + (self._clock() - began) / SAVE_SHARE
        self._dirty = False
        try:
            await self._store.save(lease, saved)
            await self._store.end(lease, ended)
        except BaseException:
            self._dirty = True
            raise
        self._ended -= ended

    async def _renew(self, lease: Lease) -> None:
        self._lease = await self._store.renew(lease, LEASE)
        self._renew_at = self._clock() + LEASE / 3

    async def _written(self, write: Awaitable[None]) -> bool:
        """Whether a write succeeded. A store that fails costs nobody more than the call that needed it."""
        try:
            await _answer(write)
        except LeaseLostError as error:
            log.warning("%s", error)
            if self._lease is not None:
                self._lease = None
                self._lost()
        except StoreError as error:
            log.warning("room %s: the store refused a write: %s", self._room.id, error)
        else:
            return True
        return False


def _intent_id(lease: Lease, operation: Operation) -> str:
    """Owners count their operations for themselves."""
    return f"{lease.token}-{operation.id}"


async def _answer(question: Awaitable[_T]) -> _T:
    """A store's answer, in time. Whatever else it does is a `StoreError`."""
    try:
        async with asyncio.timeout(STORE_DEADLINE):
            return await question
    except StoreError:
        raise
    except TimeoutError:
        raise StoreError(f"no answer within {STORE_DEADLINE:g} s") from None
    except Exception as error:
        raise StoreError(f"the store raised {type(error).__name__}") from error
