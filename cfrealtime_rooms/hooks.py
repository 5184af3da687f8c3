"""What an application may learn of its rooms: plain functions that are told, and cannot change anything.

    rooms = Rooms(AsyncRealtime(), hooks=RoomHooks(outcome=count, replacement=warn))

Every API call is told with `call` and ends with exactly one `outcome`. Every `publish` and `subscribe` call
of a participant begins an exchange of descriptions, which ends with exactly one `exchange`. A call that the
end of the process cuts off ends with neither.

None of the values holds SDP, credentials, names, texts or the service's prose. Times are in seconds.

Hooks are told in order, on a thread of their own: one that blocks or raises holds no room up. What they touch
of an event loop they touch through `loop.call_soon_threadsafe`. While they are too slow for what happens,
they are not told everything: `Rooms.metrics()` says how often.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Literal

from attrs import frozen

from cfrealtime._core.chaining import chain

from .core.history import End, Kind, OperationName, Result

__all__ = [
    "BacklogInfo",
    "CallInfo",
    "ExchangeInfo",
    "LedgerInfo",
    "OutcomeInfo",
    "ReplacementInfo",
    "RoomHooks",
    "RoomInfo",
]

RoomChange = Literal["opened", "participants", "closed"]


@frozen
class CallInfo:
    """An API call is leaving. `call_id` is the call's in this process."""

    call_id: int
    room: str
    participant: str | None
    """None: it closes what a session that is over may still hold."""
    identity: str | None
    epoch: int | None
    """Of the participant's session: its first, its second …"""
    session_id: str | None
    """None for `new_session`."""
    operation: OperationName
    tracks: int
    attempt: int
    """2 and more: so many calls in a row, this one included, since something came of one."""
    waited: float
    """Since the participant's session was first asked for something while it was busy, and for the store."""


@frozen
class OutcomeInfo:
    """A call has ended, `seconds` after it left."""

    call: CallInfo
    seconds: float
    result: Result
    status: int | None
    """Of a refusal, like `code`."""
    code: str | None
    cf_ray: str | None
    """Cloudflare's id of a call that failed, where it gave one."""
    failed_items: Mapping[str, int]
    """How many of its tracks or mids failed, by code."""


@frozen
class ExchangeInfo:
    """An exchange of descriptions is over, `seconds` after its first call was decided on."""

    room: str
    participant: str
    identity: str
    epoch: int
    session_id: str | None
    kind: Kind
    tracks: int
    end: End
    seconds: float
    client_seconds: float | None
    """What the client took of it for its part; None if it did not come to that."""


@frozen
class ReplacementInfo:
    """A participant gets a new session, because of `reason`; `epoch` is the new one's."""

    room: str
    participant: str
    identity: str | None
    epoch: int
    reason: str


@frozen
class LedgerInfo:
    """What the SFU may still hold for sessions that are over: told whenever a room's ledger has changed."""

    room: str
    size: int
    """Sessions with something to close."""
    oldest: float | None
    """The age of the oldest debt."""
    leaked: int
    """Debts that were given up, as too old, since this was told last."""


@frozen
class BacklogInfo:
    """A client reads too slowly: deltas and messages were left out, and it gets a snapshot instead."""

    room: str
    participant: str | None
    identity: str | None
    dropped: int
    """Messages left out by now, since its channel was opened."""
    waiting: int
    """Messages that are still to be sent."""


@frozen
class RoomInfo:
    """A room was opened or closed, or the number of its participants has changed."""

    room: str
    change: RoomChange
    participants: int


@frozen
class RoomHooks:
    """Functions to be told; leave out what is of no interest."""

    call: Callable[[CallInfo], None] | None = None
    outcome: Callable[[OutcomeInfo], None] | None = None
    exchange: Callable[[ExchangeInfo], None] | None = None
    replacement: Callable[[ReplacementInfo], None] | None = None
    ledger: Callable[[LedgerInfo], None] | None = None
    backlog: Callable[[BacklogInfo], None] | None = None
    room: Callable[[RoomInfo], None] | None = None

    @classmethod
    def of(cls, *hooks: RoomHooks) -> RoomHooks:
        """Several sets of hooks as one; they are told in this order."""
        return cls(
            call=chain([one.call for one in hooks]),
            outcome=chain([one.outcome for one in hooks]),
            exchange=chain([one.exchange for one in hooks]),
            replacement=chain([one.replacement for one in hooks]),
            ledger=chain([one.ledger for one in hooks]),
            backlog=chain([one.backlog for one in hooks]),
            room=chain([one.room for one in hooks]),
        )
