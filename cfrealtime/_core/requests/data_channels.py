"""Requests about data channels, and what their answers mean: establish, publish, subscribe, update, close."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from attrs import evolve

from cfrealtime._core.codec import structure
from cfrealtime._core.exchange import Batch, Document, Request, Safety, UnreadableError
from cfrealtime._core.requests.answers import Kind, description_in, expect, items_of
from cfrealtime._core.requests.build import description, entries_of, invalid, name, parts, request
from cfrealtime._generated.api.datachannels import close_datachannels as close_api
from cfrealtime._generated.api.datachannels import establish_datachannels as establish_api
from cfrealtime._generated.api.datachannels import new_datachannels as new_api
from cfrealtime._generated.api.datachannels import update_datachannels as update_api
from cfrealtime._generated.models.data_channel_request import DataChannelRequest
from cfrealtime._generated.models.data_channels_request import DataChannelsRequest
from cfrealtime._generated.models.establish_data_channels_request import EstablishDataChannelsRequest
from cfrealtime._generated.types import UNSET
from cfrealtime.models.data_channels import (
    CloseDataChannelsResult,
    DataChannelsResult,
    EstablishResult,
    LocalDataChannel,
    MaxLifetime,
    MaxRetransmits,
    Reliable,
    RemoteDataChannel,
)
from cfrealtime.models.shared import SessionDescription

# The channel that the service opens itself once the transport is up; the API wants it named.
SERVER_EVENTS: Final = "server-events"


def establish(
    app_id: str, session_id: str, offer: str | SessionDescription | None
) -> Request[EstablishResult]:
    """Bring up the transport, with the endpoint's offer or, without one, with the service's."""
    channel = DataChannelRequest(location="remote", data_channel_name=SERVER_EVENTS)
    wire = UNSET if offer is None else description("establish_data_channels", session_id, "offer", offer)
    body = EstablishDataChannelsRequest(session_description=wire, data_channel=channel)
    built = establish_api.build_kwargs(app_id, session_id, body=body)
    read = established if offer is None else established_with_offer
    return request("establish_datachannels", session_id, built, read, Safety.ONCE)


def publish(
    app_id: str, session_id: str, channels: Iterable[LocalDataChannel]
) -> Request[DataChannelsResult]:
    """Allocate channels that this session's endpoint writes to."""
    call = "publish_data_channels"
    entries = entries_of(call, session_id, channels, LocalDataChannel)
    return _new(app_id, session_id, [_local(call, session_id, channel) for channel in entries])


def subscribe(
    app_id: str, session_id: str, channels: Iterable[RemoteDataChannel]
) -> Request[DataChannelsResult]:
    """Allocate channels on which this session's endpoint receives what others publish."""
    call = "subscribe_data_channels"
    entries = entries_of(call, session_id, channels, RemoteDataChannel)
    return _new(app_id, session_id, [_remote(call, session_id, channel) for channel in entries])


def update(app_id: str, session_id: str, channels: Iterable[RemoteDataChannel]) -> Batch[DataChannelsResult]:
    """Give this session's endpoint the right to reply on channels it receives, or take it away."""
    call = "update_data_channels"
    entries = entries_of(call, session_id, channels, RemoteDataChannel)
    if any(channel.can_reply is None for channel in entries):
        raise invalid(
            call, session_id, "nothing of a channel can change but can_reply: pass True or False for each"
        )

    def part_request(part: list[RemoteDataChannel]) -> Request[DataChannelsResult]:
        body = DataChannelsRequest(data_channels=[_remote(call, session_id, channel) for channel in part])
        built = update_api.build_kwargs(app_id, session_id, body=body)
        return request("update_datachannels", session_id, built, allocated, Safety.ONCE)

    return Batch(tuple(part_request(part) for part in parts(entries)), _join_channels)


def close(app_id: str, session_id: str, ids: Iterable[int]) -> Batch[CloseDataChannelsResult]:
    """Close channels by this endpoint's ids for them, 64 at a time."""
    call = "close_data_channels"
    if isinstance(ids, (str, bytes)):
        raise invalid(call, session_id, "ids is a list of whole numbers, not text")
    entries: list[object] = entries_of(call, session_id, ids, object)
    numbers = [_whole(call, session_id, "an id", entry) for entry in entries]

    def part_request(part: list[int]) -> Request[CloseDataChannelsResult]:
        body = DataChannelsRequest(data_channels=[DataChannelRequest(id=number) for number in part])
        built = close_api.build_kwargs(app_id, session_id, body=body)
        return request("close_datachannels", session_id, built, closed, Safety.IDEMPOTENT)

    return Batch(tuple(part_request(part) for part in parts(numbers)), _join_closes)


def established(document: Document) -> EstablishResult:
    """The transport that the service offers."""
    return _established(document, "offer")


def established_with_offer(document: Document) -> EstablishResult:
    """The transport that the service has answered the endpoint's offer with."""
    return _established(document, "answer")


def allocated(document: Document) -> DataChannelsResult:
    """The results of a publish, subscribe or update, which have no exchange."""
    return structure(items_of(document, "dataChannels"), DataChannelsResult)


def closed(document: Document) -> CloseDataChannelsResult:
    """The results of a close, which has no exchange."""
    return structure(items_of(document, "dataChannels"), CloseDataChannelsResult)


def _established(document: Document, kind: Kind) -> EstablishResult:
    rest = {key: value for key, value in document.items() if key != "sessionDescription"}
    if "datachannel" in rest:
        # Seen in the field: the service spells it both ways.
        rest.setdefault("dataChannel", rest.pop("datachannel"))
    result = structure(rest, EstablishResult)
    try:
        result = evolve(result, description=description_in(document))
        expect(kind, result.description, required=not result.failed)
    except UnreadableError as error:
        raise UnreadableError(error.reason, partial=result) from None
    return result


def _new(app_id: str, session_id: str, channels: list[DataChannelRequest]) -> Request[DataChannelsResult]:
    body = DataChannelsRequest(data_channels=channels)
    built = new_api.build_kwargs(app_id, session_id, body=body)
    return request("new_datachannels", session_id, built, allocated, Safety.ONCE)


def _local(call: str, session_id: str, channel: LocalDataChannel) -> DataChannelRequest:
    wire = DataChannelRequest(
        location="local", data_channel_name=name(call, session_id, "name", channel.name)
    )
    return _deliver(call, session_id, channel.delivery, wire)


def _remote(call: str, session_id: str, channel: RemoteDataChannel) -> DataChannelRequest:
    wire = DataChannelRequest(
        location="remote",
        session_id=name(call, session_id, "session_id", channel.session_id),
        data_channel_name=name(call, session_id, "name", channel.name),
        wait_for_ack=_flag(call, session_id, "wait_for_ack", channel.wait_for_ack) or UNSET,
        can_reply=UNSET
        if channel.can_reply is None
        else _flag(call, session_id, "can_reply", channel.can_reply),
    )
    return _deliver(call, session_id, channel.delivery, wire)


def _deliver(call: str, session_id: str, delivery: object, wire: DataChannelRequest) -> DataChannelRequest:
    """Write how a channel delivers into its entry; what the service does by itself is left out."""
    match delivery:
        case Reliable():
            pass
        case MaxRetransmits(count=count):
            wire.max_retransmits = _whole(call, session_id, "count", count)
        case MaxLifetime(milliseconds=milliseconds):
            wire.max_packet_life_time = _whole(call, session_id, "milliseconds", milliseconds)
        case _:
            raise invalid(call, session_id, "delivery is a Reliable, a MaxRetransmits or a MaxLifetime")
    if not _flag(call, session_id, "ordered", delivery.ordered):
        wire.ordered = False
    return wire


def _flag(call: str, session_id: str, what: str, value: object) -> bool:
    if not isinstance(value, bool):
        raise invalid(call, session_id, f"{what} is True or False")
    return value


def _whole(call: str, session_id: str, what: str, value: object) -> int:
    # True is an int to Python, and would go out as true.
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise invalid(call, session_id, f"{what} is a whole number, 0 or more")
    return value


def _join_channels(first: DataChannelsResult, second: DataChannelsResult) -> DataChannelsResult:
    return DataChannelsResult((*first.channels, *second.channels), extra={**first.extra, **second.extra})


def _join_closes(first: CloseDataChannelsResult, second: CloseDataChannelsResult) -> CloseDataChannelsResult:
    return CloseDataChannelsResult((*first.items, *second.items), extra={**first.extra, **second.extra})
