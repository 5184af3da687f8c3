"""One function for each emulated operation: raw JSON is read by `wire`, decided by `rules`, done here."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any

from attrs import frozen

from . import handlers_data_channels, offering, wire, wire_data_channels
from .descriptions import inspect, live_mids
from .refusals import NOT_ELSEWHERE, ItemError, Json, bad_description
from .rules import closing, lifetime, naming, publishing, subscribing, updating, views
from .rules.naming import Item
from .sdp import OfferedSection, SdpError
from .state import Publication, Subscription
from .world import World, touched


@frozen
class Operation:
    """How one operation reads its body and what it does."""

    read: Callable[[object], Any]
    run: Callable[[World, str, Any], Awaitable[Json]]
    forced: Callable[[Any], bool] = lambda request: False
    """Whether a request needs no exchange, so that an open one does not stop it."""


async def get_session(world: World, session_id: str, request: None) -> Json:
    """GET a session's tracks."""
    return views.session_state(world.sessions, world.live(session_id))


async def new_tracks(
    world: World, session_id: str, request: wire.PublishRequest | wire.InviteRequest | wire.SubscribeRequest
) -> Json:
    """Publish with the endpoint's offer or with ours, or subscribe with ours."""
    if isinstance(request, wire.PublishRequest):
        return _publish(world, session_id, request)
    if isinstance(request, wire.InviteRequest):
        return await offering.invite(world, session_id, request)
    return await offering.subscribe(world, session_id, request)


async def renegotiate(world: World, session_id: str, answer: str) -> Json:
    """Take the endpoint's answer to our offer."""
    session = world.live(session_id)
    negotiation = world.negotiation(session_id)
    sections = inspect(answer)
    try:
        negotiation.accept_answer(answer)
    except SdpError as error:
        raise bad_description(f"The answer cannot be used: {error}.") from error
    session = subscribing.answered(session, live_mids(sections), world.now)
    session = publishing.answered(session, sections, world.now)
    world.put(touched(session, negotiation, world.now))
    return {}


async def update_tracks(world: World, session_id: str, request: tuple[wire.UpdateEntry, ...]) -> Json:
    """Change the layer or the publication that receiving mids carry."""
    session = world.live(session_id)
    wanted = [Item.of(e.source) if e.source else naming.track_on(session, e.mid) for e in request]
    faults = world.faults.item_errors("update_tracks", session_id, wanted)
    items = list[updating.UpdateItem]()
    for entry, item, error in zip(request, wanted, faults, strict=True):
        lacks = partial(world.lacks, session_id, entry.mid)
        outcome = updating.update(world.sessions, session, entry, world.heard, lacks, world.now)
        if error is not None:
            outcome = error
        elif updating.repoints(session, entry) and world.faults.forbids_repointing(session_id, item):
            outcome = ItemError("update_track_error", NOT_ELSEWHERE)
        if isinstance(outcome, Subscription):
            session = subscribing.with_subscriptions(session, [outcome])
        items.append(updating.UpdateItem(entry, outcome))
    world.put(session)
    return {"requiresImmediateRenegotiation": False, "tracks": [item.answer() for item in items]}


async def close_tracks(world: World, session_id: str, request: wire.CloseRequest) -> Json:
    """Close mids by force, or with the endpoint's offer, which is answered even when items failed (docs)."""
    session = world.live(session_id)
    answer: Json = {"requiresImmediateRenegotiation": False}
    sections: tuple[OfferedSection, ...] = ()
    if request.offer is not None:
        sections = inspect(request.offer)
        sdp = world.answer(session_id, request.offer, publish=())
        answer["sessionDescription"] = {"type": "answer", "sdp": sdp}
    tracks = {mid: naming.track_on(session, mid) for mid in request.mids}
    faults = world.faults.item_errors("close_tracks", session_id, list(tracks.values()))
    failing = {mid: error for mid, error in zip(tracks, faults, strict=True) if error is not None}
    session, items = closing.close(session, request.mids, failing, forced=request.force)
    negotiation = world.negotiation(session_id)
    negotiation.stop_sections([mid for mid, error in items if error is None])
    if request.offer is not None:
        session = touched(closing.stopped(session, live_mids(sections)), negotiation, world.now)
        if closing.ends_session(sections):
            session = lifetime.end(session, world.now, "its last media section was negotiated away")
    world.put(session)
    answer["tracks"] = [{"mid": mid, **(error.fields() if error else {})} for mid, error in items]
    return answer


OPERATIONS: Mapping[str, Operation] = {
    "get_session": Operation(lambda body: None, get_session),
    "new_tracks": Operation(wire.read_new_tracks, new_tracks),
    "renegotiate": Operation(wire.read_renegotiate, renegotiate),
    "update_tracks": Operation(wire.read_update_tracks, update_tracks),
    "close_tracks": Operation(wire.read_close_tracks, close_tracks, forced=lambda request: request.force),
    "establish_datachannels": Operation(wire_data_channels.read_establish, handlers_data_channels.establish),
    "new_datachannels": Operation(wire_data_channels.read_new_channels, handlers_data_channels.new_channels),
    "update_datachannels": Operation(
        wire_data_channels.read_update_channels, handlers_data_channels.update_channels
    ),
    "close_datachannels": Operation(
        wire_data_channels.read_close_channels,
        handlers_data_channels.close_channels,
        # No description, no exchange: as with a forced close, cleaning up must be possible at any time.
        forced=lambda request: True,
    ),
}
"""Every emulated operation on a session, by the contract's id."""


def _publish(world: World, session_id: str, request: wire.PublishRequest) -> Json:
    session = world.live(session_id)
    sections = inspect(request.offer)
    now = world.now
    session = closing.stopped(session, live_mids(sections))
    wanted = publishing.wanted(session, request, sections, now, world.new_id)
    named = [Item(entry.track_name, session_id) for entry, _ in wanted]
    items = publishing.plan(session, wanted, world.faults.item_errors("new_tracks", session_id, named))
    published = [item.outcome for item in items if isinstance(item.outcome, Publication)]
    tracks = [item.answer() for item in items]
    answer: Json = {"requiresImmediateRenegotiation": False, "tracks": tracks}
    if items and not published:
        # The offer is not answered, the endpoint takes it back, and its mids mean nothing.
        return {**answer, "tracks": [{**track, "mid": ""} for track in tracks]}
    both_ways = [publication.mid for publication in published if publication.both_ways]
    sdp = world.answer(session_id, request.offer, [p.mid for p in published], both_ways)
    for publication in published:
        session = publishing.with_publication(session, publication)
    world.put(touched(session, world.negotiation(session_id), now))
    return {**answer, "sessionDescription": {"type": "answer", "sdp": sdp}}
