"""The contract between rooms and whatever keeps them: lease, intents, revisioned save.

One process owns a room, by a lease with a fencing token. Before an API call its intent is stored under
that token; a store that has given the room to somebody else refuses, and a refused intent is no call.
The next owner finds the last saved document and every intent still open, and treats those as uncertain.
"""

from __future__ import annotations

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

    id: int
    session_id: str | None
    call: str
    """What kind of call it is; never SDP."""


@frozen
class Saved:
    """The last state an owner wrote."""

    revision: int
    document: bytes = field(repr=False)


class RoomStore(Protocol):
    """Where rooms are kept. Every method but `acquire` raises `LeaseLostError` under an old lease."""

    async def acquire(self, room_id: str, owner: str, ttl: float) -> Lease | None:
        """Take the room for `ttl` seconds; None while another owner holds it."""
        ...

    async def renew(self, lease: Lease, ttl: float) -> Lease:
        """Hold the room for `ttl` seconds from now, under the same token."""
        ...

    async def release(self, lease: Lease) -> None:
        """Give the room up and forget it: nothing of it is left to recover."""
        ...

    async def begin(self, lease: Lease, intent: Intent) -> None:
        """Write an intent before its call."""
        ...

    async def end(self, lease: Lease, intent_id: int) -> None:
        """The outcome of the call is part of the state now."""
        ...

    async def open_intents(self, lease: Lease) -> tuple[Intent, ...]:
        """Intents that were begun and never ended."""
        ...

    async def save(self, lease: Lease, saved: Saved) -> None:
        """Write the state. Raises `StoreError` unless its revision is above the stored one."""
        ...

    async def load(self, lease: Lease) -> Saved | None:
        """The last state written, by whichever owner."""
        ...
