"""One function for each emulated operation: raw JSON is read by `wire`, decided by `rules`, done here."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping
from typing import Any

from attrs import evolve, frozen

from . import wire
from .descriptions import inspect, live_mids
from .limits import CONNECTIVITY_WAIT, PACKETS_WAIT
from .refusals import ItemError, Json, bad_description, not_connected
from .rules import closing, lifetime, publishing, subscribing, updating, views
from .sdp import NewSend, OfferedSection, SdpError
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
    world: World, session_id: str, request: wire.PublishRequest | wire.SubscribeRequest
) -> Json:
    """Publish with the endpoint's offer, or subscribe with ours."""
    if isinstance(request, wire.PublishRequest):
        return _publish(world, session_id, request)
    return await _subscribe(world, session_id, request)


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
    world.put(touched(session, negotiation, world.now))
    return {}


async def update_tracks(world: World, session_id: str, request: tuple[wire.UpdateEntry, ...]) -> Json:
    """Change the layer or the publication that receiving mids carry."""
    session = world.live(session_id)
    faults = world.faults.item_errors(entry.source.track_name for entry in request if entry.source)
    items = list[updating.UpdateItem]()
    for entry in request:
        outcome = updating.update(world.sessions, session, entry, world.heard, world.now)
        if entry.source is not None and entry.source.track_name in faults:
            outcome = faults[entry.source.track_name]
        elif not world.faults.repointing and updating.repoints(session, entry):
            outcome = ItemError("update_track_error", "A mid cannot be pointed at another track.")
        if isinstance(outcome, Subscription):
            session = updating.with_subscription(session, outcome)
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
    session, items = closing.close(session, request.mids)
    negotiation = world.negotiation(session_id)
    negotiation.stop_sections([mid for mid, error in items if error is None])
    if request.offer is not None:
        session = touched(closing.stopped(session, live_mids(sections)), negotiation, world.now)
        if all(section.stopped for section in sections):
            # Seen in the field: without a live section there is no transport left.
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
}
"""Every emulated operation on a session, by the contract's id."""


def _publish(world: World, session_id: str, request: wire.PublishRequest) -> Json:
    session = world.live(session_id)
    sections = inspect(request.offer)
    now = world.now
    faults = world.faults.item_errors(entry.track_name for entry in request.entries)
    session = closing.stopped(session, live_mids(sections))
    items = publishing.plan(session, request, sections, now, world.new_id, faults)
    published = [item.outcome for item in items if isinstance(item.outcome, Publication)]
    tracks = [item.answer() for item in items]
    answer: Json = {"requiresImmediateRenegotiation": False, "tracks": tracks}
    if not published:
        # The offer is not answered, the endpoint takes it back, and its mids mean nothing.
        return {**answer, "tracks": [{**track, "mid": ""} for track in tracks]}
    sdp = world.answer(session_id, request.offer, [publication.mid for publication in published])
    for publication in published:
        session = publishing.with_publication(session, publication)
    world.put(touched(session, world.negotiation(session_id), now))
    return {**answer, "sessionDescription": {"type": "answer", "sdp": sdp}}


async def _subscribe(world: World, session_id: str, request: wire.SubscribeRequest) -> Json:
    if not await world.wait(lambda: _ready(world, session_id), CONNECTIVITY_WAIT):
        raise not_connected(CONNECTIVITY_WAIT)
    verdicts = await _verdicts(world, session_id, request)
    found = [
        (entry, verdict)
        for entry, verdict in zip(request.entries, verdicts, strict=True)
        if isinstance(verdict, Publication)
    ]
    answer: Json = {"requiresImmediateRenegotiation": bool(found)}
    mids: Iterator[str] = iter(())
    if found:
        sdp, made = _offer(world, session_id, found)
        mids = iter(made)
        answer["sessionDescription"] = {"type": "offer", "sdp": sdp}
        subscriptions = tuple(
            Subscription(mid, publication.kind, entry.source, entry.simulcast)
            for mid, (entry, publication) in zip(made, found, strict=True)
        )
        session = subscribing.with_subscriptions(world.live(session_id), subscriptions)
        world.put(evolve(session, touched_at=world.now))
    items = [
        subscribing.SubscribeItem(entry, verdict if isinstance(verdict, ItemError) else next(mids))
        for entry, verdict in zip(request.entries, verdicts, strict=True)
    ]
    return {**answer, "tracks": [item.answer() for item in items]}


def _ready(world: World, session_id: str) -> bool | None:
    return None if subscribing.must_wait_for_connection(world.live(session_id)) else True


async def _verdicts(
    world: World, session_id: str, request: wire.SubscribeRequest
) -> list[Publication | ItemError]:
    """What each entry finds; a silent publisher is waited for, all of them at once."""
    app_id = world.live(session_id).app_id
    faults = world.faults.item_errors(entry.source.track_name for entry in request.entries)

    def look() -> list[Publication | ItemError | subscribing.NotYet]:
        world.live(session_id)
        return [
            faults.get(entry.source.track_name)
            or subscribing.verdict(world.sessions, app_id, entry.source, world.heard, world.now)
            for entry in request.entries
        ]

    def settled() -> bool | None:
        return None if any(isinstance(v, subscribing.NotYet) for v in look()) else True

    await world.wait(settled, PACKETS_WAIT)
    return [verdict.error if isinstance(verdict, subscribing.NotYet) else verdict for verdict in look()]


def _offer(
    world: World, session_id: str, found: list[tuple[wire.RemoteEntry, Publication]]
) -> tuple[str, tuple[str, ...]]:
    sends = [
        NewSend(publication.kind, world.negotiation(entry.source.session_id).receive_codecs(publication.mid))
        for entry, publication in found
    ]
    try:
        return world.negotiation(session_id).make_offer(sends)
    except SdpError as error:
        raise bad_description(f"No offer can be made: {error}.") from error
