"""What a store is tried with: two views of it, a way to let leases run out, and names of its own."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable

from attrs import Factory, field, frozen

from cfrealtime_rooms.store import Lease, LeaseLostError, RoomStore
from cfrealtime_rooms.testing.rules import RuleBrokenError, expect


@frozen
class StoreTrial:
    """A store that is tried. Its rooms get fresh names, but what they leave in it stays."""

    one: RoomStore
    two: RoomStore = Factory(lambda trial: trial.one, takes_self=True)
    """The same rooms as another process sees them; where it is left out, `one` itself."""
    lease: float = 10.0
    """Seconds that leases run: short where `pass_time` has to wait for a real clock."""
    pass_time: Callable[[float], Awaitable[object]] = asyncio.sleep
    """Lets seconds pass on the store's clock: waits, or moves a clock that was given to the store."""
    mark: str = field(factory=lambda: secrets.token_hex(4))

    def room(self, name: str = "hall") -> str:
        """The id of a room that is this trial's own."""
        return f"{self.mark}-{name}"

    async def take(self, store: RoomStore, owner: str = "one", room: str = "hall") -> Lease:
        """A lease of a room that nobody else holds."""
        lease = await store.acquire(self.room(room), owner, self.lease)
        if lease is None:
            raise RuleBrokenError(f"{room} is free, and {owner} did not get it")
        return lease

    async def outlast(self) -> None:
        """Let every lease run out."""
        await self.pass_time(self.lease * 1.1)

    async def held(self, room: str = "hall") -> bool:
        """Whether a stranger is refused the room."""
        return await self.two.acquire(self.room(room), "a stranger", self.lease) is None


async def refused(write: Awaitable[object], what: str) -> None:
    """Hold a store to refusing what an owner of the past asks for."""
    try:
        await write
    except LeaseLostError:
        return
    expect(holds=False, otherwise=f"{what} under a lease that is over was not refused with LeaseLostError")
