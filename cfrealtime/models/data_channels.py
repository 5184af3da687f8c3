"""Data channels of a session: what is published and received, how it is delivered, and what became of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

from attrs import field, frozen

from cfrealtime.models.shared import ItemError, ResultOfItems, SessionDescription, extra_field


@frozen
class Reliable:
    """Every message arrives, however late."""

    ordered: bool = True


@frozen
class MaxRetransmits:
    """A message that was lost is sent again at most `count` times; 0 is never."""

    count: int = field(metadata={"wire": "maxRetransmits"})
    ordered: bool = True


@frozen
class MaxLifetime:
    """A message that was lost is sent again for at most `milliseconds`."""

    milliseconds: int = field(metadata={"wire": "maxPacketLifeTime"})
    ordered: bool = True


# How hard the transport tries. The publisher of a channel chooses, and every subscriber repeats the choice.
Delivery: TypeAlias = Reliable | MaxRetransmits | MaxLifetime


@frozen
class LocalDataChannel:
    """A channel to publish, under a name of the application's choice."""

    name: str = field(metadata={"wire": "dataChannelName"})
    delivery: Delivery = field(factory=Reliable)


@frozen
class RemoteDataChannel:
    """A published channel to receive, located by its publisher's session and its name.

    `delivery` repeats the publisher's. With `can_reply` this subscriber may write back to the publisher, and
    whoever could before no longer may; None leaves that as it is. With `wait_for_ack` nothing is delivered
    before the subscriber's first message, which the service keeps and which must come within 30 seconds.
    """

    session_id: str
    name: str = field(metadata={"wire": "dataChannelName"})
    delivery: Delivery = field(factory=Reliable)
    can_reply: bool | None = None
    wait_for_ack: bool = False


@frozen
class DataChannelResult:
    """What became of one channel. The endpoint opens it with `negotiated: true` and this `id`."""

    location: str | None = None
    session_id: str | None = None
    name: str | None = field(default=None, metadata={"wire": "dataChannelName"})
    id: int | None = None
    error: ItemError | None = None
    ordered: bool | None = None
    max_retransmits: int | None = None
    max_packet_life_time: int | None = None
    can_reply: bool | None = None
    wait_for_ack: bool | None = None
    extra: Mapping[str, Any] = extra_field()


@frozen
class DataChannelsResult(ResultOfItems):
    """Every channel of a publish, subscribe or update, failed ones too. There is no exchange to finish."""

    channels: tuple[DataChannelResult, ...] = field(metadata={"wire": "dataChannels"})
    extra: Mapping[str, Any] = extra_field()

    @property
    def ok(self) -> tuple[DataChannelResult, ...]:
        """The channels that succeeded."""
        return tuple(channel for channel in self.channels if channel.error is None)

    @property
    def failed(self) -> tuple[DataChannelResult, ...]:
        """The channels that failed, each with its error."""
        return tuple(channel for channel in self.channels if channel.error is not None)

    @property
    def by_name(self) -> dict[str, DataChannelResult]:
        """The channels that are named, by name. Where publishers share a name, look in `channels`."""
        return {channel.name: channel for channel in self.channels if channel.name is not None}


@frozen
class EstablishResult(ResultOfItems):
    """The transport for data channels, and the SDP that brings it up.

    `channel` is the one named `server-events`, which the service opens and the endpoint keeps. `description`
    is the answer to the endpoint's offer, or else an offer of the service's; with `requires_renegotiation`
    the endpoint's answer to it must reach `renegotiate` before anything else is asked of the session.
    """

    channel: DataChannelResult | None = field(default=None, metadata={"wire": "dataChannel"})
    description: SessionDescription | None = field(default=None, metadata={"wire": "sessionDescription"})
    requires_renegotiation: bool = field(default=False, metadata={"wire": "requiresImmediateRenegotiation"})
    extra: Mapping[str, Any] = extra_field()

    @property
    def failed(self) -> tuple[DataChannelResult, ...]:
        """The channel, if it failed."""
        return () if self.channel is None or self.channel.error is None else (self.channel,)


@frozen
class CloseDataChannelItem:
    """What became of one id of a close."""

    id: int | None = None
    error: ItemError | None = None
    extra: Mapping[str, Any] = extra_field()

    @property
    def closed(self) -> bool:
        """Whether nothing is left to close: it was closed now, or had been before."""
        return self.error is None or self.error.satisfies_close


@frozen
class CloseDataChannelsResult(ResultOfItems):
    """Every item of a close. An id that is not in `closed_ids` stays on the caller's clean-up list."""

    items: tuple[CloseDataChannelItem, ...] = field(metadata={"wire": "dataChannels"})
    extra: Mapping[str, Any] = extra_field()

    @property
    def closed_ids(self) -> frozenset[int]:
        """The ids that are proven closed."""
        return frozenset(item.id for item in self.items if item.closed and item.id is not None)

    @property
    def failed(self) -> tuple[CloseDataChannelItem, ...]:
        """The items that are still to be closed."""
        return tuple(item for item in self.items if not item.closed)
