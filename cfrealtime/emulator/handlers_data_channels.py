"""One function for each data channel operation: `wire_data_channels` reads, `rules` decide, this does."""

from __future__ import annotations

from attrs import evolve

from .descriptions import inspect, live_mids
from .limits import CONNECTIVITY_WAIT
from .refusals import ItemError, Json, RefusalError, decoding_error, not_connected
from .rules import closing, data_channels, data_transport
from .rules.naming import Item, channel_under
from .rules.subscribing import must_wait_for_connection
from .sdp import SdpError
from .wire_data_channels import ChannelEntry, EstablishRequest, RemoteChannel, UpdateChannel
from .world import World, touched


async def establish(world: World, session_id: str, request: EstablishRequest) -> Json:
    """Bring up the session's transport for data, with our offer or the endpoint's."""
    data_transport.check_establish(world.live(session_id))
    if request.offer is not None:
        return _answered(world, session_id, request.offer)
    return await _offered(world, session_id)


async def new_channels(world: World, session_id: str, request: tuple[ChannelEntry, ...]) -> Json:
    """Allocate channels for the endpoint to speak on, or for it to hear others."""
    ready = await world.wait(lambda: data_channels.ready(world.live(session_id)) or None, CONNECTIVITY_WAIT)
    if not ready:
        raise not_connected(CONNECTIVITY_WAIT, "session's data channel transport")
    wanted = [Item(entry.name, _publisher(session_id, entry)) for entry in request]
    faults = world.faults.item_errors("new_datachannels", session_id, wanted)
    changed, items = data_channels.allocate(world.sessions, session_id, request, world.now, faults)
    for session in changed.values():
        world.put(session)
    return {"dataChannels": [item.answer() for item in items]}


async def update_channels(world: World, session_id: str, request: tuple[UpdateChannel, ...]) -> Json:
    """Say which subscriptions may reply."""
    session = world.live(session_id)
    meant = [
        Item(entry.name or "", entry.publisher or session_id)
        if entry.id is None
        else channel_under(session, entry.id)
        for entry in request
    ]
    faults = world.faults.item_errors("update_datachannels", session_id, meant)
    changed, items = data_channels.update(world.sessions, session_id, request, faults)
    for session in changed.values():
        world.put(session)
    return {"dataChannels": [item.answer() for item in items]}


async def close_channels(world: World, session_id: str, request: tuple[int, ...]) -> Json:
    """Close channels by id; may be repeated."""
    session = world.live(session_id)
    meant = {channel_id: channel_under(session, channel_id) for channel_id in request}
    faults = world.faults.item_errors("close_datachannels", session_id, list(meant.values()))
    failing = {
        channel_id: error for channel_id, error in zip(meant, faults, strict=True) if error is not None
    }
    session, items = data_channels.close(session, request, failing)
    world.put(session)
    return {"dataChannels": [_closed(channel_id, error) for channel_id, error in items]}


def _answered(world: World, session_id: str, offer: str) -> Json:
    session = world.live(session_id)
    try:
        sections = inspect(offer)
        if not any(section.kind == "application" and not section.stopped for section in sections):
            raise decoding_error("The offer has no section for data channels.")
        sdp = world.answer(session_id, offer, publish=())
    except RefusalError as refusal:
        raise decoding_error(refusal.description) from refusal
    session = closing.stopped(session, live_mids(sections))
    session, channel = data_transport.established(session, world.now, by_endpoint=True)
    world.put(touched(session, world.negotiation(session_id), world.now))
    return {
        "requiresImmediateRenegotiation": False,
        "sessionDescription": {"type": "answer", "sdp": sdp},
        "dataChannel": data_channels.located(channel),
    }


async def _offered(world: World, session_id: str) -> Json:
    ready = await world.wait(
        lambda: None if must_wait_for_connection(world.live(session_id)) else True, CONNECTIVITY_WAIT
    )
    if not ready:
        raise not_connected(CONNECTIVITY_WAIT)
    try:
        sdp, _ = world.negotiation(session_id).make_offer((), data_channels=True)
    except SdpError as error:
        raise decoding_error(f"No offer can be made: {error}.") from error
    session, channel = data_transport.established(world.live(session_id), world.now, by_endpoint=False)
    world.put(evolve(session, awaiting_answer=True, touched_at=world.now))
    return {
        "requiresImmediateRenegotiation": True,
        "sessionDescription": {"type": "offer", "sdp": sdp},
        "dataChannel": data_channels.located(channel),
    }


def _publisher(session_id: str, entry: ChannelEntry) -> str:
    return entry.source.session_id if isinstance(entry, RemoteChannel) else session_id


def _closed(channel_id: int, error: ItemError | None) -> Json:
    return {"id": channel_id, **(error.fields() if error else {})}
