"""Raw JSON of the data channel operations to requests; fields and types: Contract, DataChannelObject."""

from __future__ import annotations

from typing import Any, cast

from attrs import frozen

from .data_channels import SERVER_EVENTS, ChannelLocator
from .fields import as_object, optional
from .limits import DELIVERY_LIMIT
from .media.plan import Delivery
from .refusals import RefusalError, decoding_error, invalid_params
from .wire import as_offer, named, read_description, read_location


@frozen
class EstablishRequest:
    """datachannels/establish: ours is the offer when there is none of the endpoint's."""

    offer: str | None


@frozen
class LocalChannel:
    """A channel on which the endpoint will speak."""

    name: str
    delivery: Delivery


@frozen
class RemoteChannel:
    """A publisher's channel that the endpoint wants to hear."""

    source: ChannelLocator
    delivery: Delivery
    wait_for_ack: bool
    can_reply: bool

    @property
    def name(self) -> str:
        """The channel's name."""
        return self.source.name


@frozen
class UpdateChannel:
    """A channel of this session, by its id or by what it carries, whose endpoint shall or shall not reply."""

    id: int | None
    name: str | None
    publisher: str | None
    """The publisher's session, of a subscription."""
    can_reply: bool | None
    """None changes nothing."""


ChannelEntry = LocalChannel | RemoteChannel


def read_establish(body: object) -> EstablishRequest:
    """datachannels/establish. Contract: whatever fails here is `decoding_error`."""
    fields = as_object(body, "The body")
    channel = fields.get("dataChannel")
    if channel is not None:
        name = optional(as_object(channel, "dataChannel"), "dataChannelName", str)
        if name not in (None, SERVER_EVENTS):
            raise decoding_error(f"The channel of the transport is named {SERVER_EVENTS}.")
    description = read_description(fields)
    if description is None:
        return EstablishRequest(None)
    try:
        return EstablishRequest(as_offer(description))
    except RefusalError as refusal:
        raise decoding_error(refusal.description) from refusal


def read_new_channels(body: object) -> tuple[ChannelEntry, ...]:
    """datachannels/new: all entries local, or all remote (docs, batch resource operations)."""
    items = _items(body)
    if len({read_location(item) for item in items}) > 1:
        raise invalid_params("All data channels of one call are local, or all are remote.")
    return tuple(_local(item) if read_location(item) == "local" else _remote(item) for item in items)


def read_update_channels(body: object) -> tuple[UpdateChannel, ...]:
    """datachannels/update: one entry for each subscription of this session."""
    return tuple(_update(item) for item in _items(body))


def read_close_channels(body: object) -> tuple[int, ...]:
    """datachannels/close: ids, and no description."""
    ids = [_whole(item, "id") for item in _items(body)]
    given = tuple(channel_id for channel_id in ids if channel_id is not None)
    if len(given) < len(ids):
        raise invalid_params("A data channel is closed by its id.")
    return given


def _items(body: object) -> list[dict[str, Any]]:
    value = as_object(body, "The body").get("dataChannels")
    if not isinstance(value, list | None):
        raise decoding_error("dataChannels has the wrong type.")
    if not value:
        raise invalid_params("dataChannels is missing or empty.")
    return [as_object(item, "A data channel") for item in cast("list[object]", value)]


def _local(item: dict[str, Any]) -> LocalChannel:
    # Docs: waitForAck and canReply are the subscriber's, and ignored here.
    return LocalChannel(named(item, "dataChannelName"), _delivery(item))


def _remote(item: dict[str, Any]) -> RemoteChannel:
    return RemoteChannel(
        ChannelLocator(named(item, "sessionId"), named(item, "dataChannelName")),
        _delivery(item),
        wait_for_ack=optional(item, "waitForAck", bool) or False,
        can_reply=optional(item, "canReply", bool) or False,
    )


def _update(item: dict[str, Any]) -> UpdateChannel:
    local = optional(item, "location", str) == "local"
    # Docs: canReply is the subscriber's, and ignored on a publisher's channel.
    can_reply = None if local else optional(item, "canReply", bool)
    channel_id = _whole(item, "id")
    if channel_id is not None:
        return UpdateChannel(channel_id, None, None, can_reply)
    publisher = None if local else named(item, "sessionId")
    return UpdateChannel(None, named(item, "dataChannelName"), publisher, can_reply)


def _delivery(item: dict[str, Any]) -> Delivery:
    ordered = optional(item, "ordered", bool)
    retransmits, life_time = _limit(item, "maxRetransmits"), _limit(item, "maxPacketLifeTime")
    if retransmits is not None and life_time is not None:
        raise invalid_params("A data channel has maxRetransmits or maxPacketLifeTime, not both.")
    return Delivery(ordered is not False, retransmits, life_time)


def _limit(item: dict[str, Any], name: str) -> int | None:
    value = _whole(item, name)
    if value is not None and not 0 <= value <= DELIVERY_LIMIT:
        raise invalid_params(f"{name} is not between 0 and {DELIVERY_LIMIT}.")
    return value


def _whole(item: dict[str, Any], name: str) -> int | None:
    """A whole number, which the published document allows to be written as any JSON number."""
    value = item.get(name)
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return optional(item, name, int)
