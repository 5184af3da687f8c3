"""What is known of one data channel of a session: a plain value, changed only by being replaced."""

from __future__ import annotations

from typing import Final, Literal

from attrs import frozen

from .media.plan import ChannelRef, Delivery

SERVER_EVENTS: Final = "server-events"
"""The channel that the service opens itself (contract, datachannels/establish)."""

ChannelStatus = Literal["active", "inactive", "initializing"]
Ended = Literal["closed", "unacknowledged", "hung_up", "no_transport"]


@frozen
class ChannelLocator:
    """Where a publisher's channel is found: its session and its name there."""

    session_id: str
    name: str


@frozen
class DataChannel:
    """One channel of one session, under the id it has there. It is one of three kinds.

    A publisher's has neither `source` nor `announced`; a subscriber's has a `source`; that of the service
    itself is `announced`.
    """

    id: int
    name: str
    delivery: Delivery
    since: float
    source: ChannelRef | None = None
    """The publisher's channel that a subscriber's one copies."""
    announced: bool = False
    """The service opens it in-band."""
    reply_from: ChannelRef | None = None
    """The subscriber who may write back. It stands with the publisher, so that there is one at most."""
    gated: bool = False
    """The subscriber asked to acknowledge first, and has not."""
    open: bool = False
    ended: Ended | None = None
    """Closed by a call, torn down for want of its acknowledgement, closed by the endpoint, or its transport
    is gone."""

    @property
    def allocated(self) -> bool:
        """Whether it stands in the way of another. Seen in the field: a channel that only the endpoint closed
        does, until a call closes it."""
        return self.ended in (None, "hung_up")

    @property
    def published(self) -> bool:
        """Whether it is a publisher's."""
        return self.source is None and not self.announced
