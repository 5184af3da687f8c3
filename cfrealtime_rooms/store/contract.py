"""The contract between rooms and whatever keeps them: lease, intents, revisioned save.

One process owns a room, by a lease with a fencing token. Before an API call its intent is stored under
that token; a store that has given the room to somebody else refuses, and a refused intent is no call.
The next owner finds the last saved document and every intent still open, and treats those as uncertain.

A lease that ran out is still good for writing until another owner has taken the room: the token decides.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Protocol

from attrs import field, frozen


class StoreError(Exception):
    """A store could not do what it was asked."""


class LeaseLostError(StoreError):
    """The room belongs to another owner now; nothing was written."""


@frozen
class Lease:
    """The right to act for a room until `expires_at`, on the clock of the process that holds it."""

    room_id: str
    owner: str
    token: int
    """Higher for every new lease of the room: an older one is refused everywhere."""
    expires_at: float


@frozen
class Intent:
    """An API call that is about to be made."""

    id: str
    """Unique in the room, over all its owners."""
    session_id: str | None
    call: str
    """What kind of call it is; never SDP."""


@frozen
class Saved:
    """The last state an owner wrote."""

    revision: int
    document: bytes = field(repr=False)
    """A secret: it holds resume tokens, and SDP with the keys of open exchanges."""


class RoomStore(Protocol):
    """Where rooms are kept. Every method but `acquire` raises `LeaseLostError` once the lease is another's.

    `cfrealtime_rooms` treats whatever else a store raises, and one that does not answer, as a `StoreError`.
    """

    async def acquire(self, room_id: str, owner: str, ttl: float) -> Lease | None:
        """Take the room for `ttl` seconds; None while another owner holds it."""
        ...

    async def renew(self, lease: Lease, ttl: float) -> Lease:
        """Hold the room for `ttl` seconds from now, under the same token."""
        ...

    async def release(self, lease: Lease) -> None:
        """Let another owner have the room at once. What was written stays for it."""
        ...

    async def forget(self, lease: Lease) -> None:
        """End the lease and delete all that was written: nothing is left to recover."""
        ...

    async def begin(self, lease: Lease, intent: Intent) -> None:
        """Write an intent before its call."""
        ...

    async def end(self, lease: Lease, intent_ids: Collection[str]) -> None:
        """The outcomes of these calls are part of the saved state now. Unknown ids do not matter."""
        ...

    async def open_intents(self, lease: Lease) -> tuple[Intent, ...]:
        """Intents that were begun and never ended, by whichever owner, oldest first."""
        ...

    async def save(self, lease: Lease, saved: Saved) -> None:
        """Write the state. Raises `StoreError` unless its revision is above the stored one."""
        ...

    async def load(self, lease: Lease) -> Saved | None:
        """The last state written, by whichever owner."""
        ...
