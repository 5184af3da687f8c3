"""tracks/new without an offer of the endpoint: ours brings what it wants, or asks for what it shall send."""

from __future__ import annotations

from collections.abc import Sequence

from attrs import evolve

from .limits import CONNECTIVITY_WAIT, PACKETS_WAIT
from .refusals import ItemError, Json, bad_description, not_connected
from .rules import publishing, subscribing
from .rules.naming import Item
from .sdp import NewReceive, NewSend, SdpError
from .state import Publication, Session, Subscription
from .wire import InvitedEntry, InviteRequest, RemoteEntry, SubscribeRequest
from .world import World


async def subscribe(world: World, session_id: str, request: SubscribeRequest) -> Json:
    """Offer a section for each publication; one that names a carrier needs none, and no negotiation."""
    for entry in request.entries:
        subscribing.carrier(world.live(session_id), entry)
    await _connected(world, session_id)
    verdicts = await _verdicts(world, session_id, request)
    session, outcomes = world.live(session_id), list[Subscription | ItemError | None]()
    for entry, verdict in zip(request.entries, verdicts, strict=True):
        mid = subscribing.carrier(session, entry)
        if mid is not None and isinstance(verdict, Publication):
            outcomes.append(_carried(world, session, mid, entry, verdict))
        else:
            outcomes.append(verdict if isinstance(verdict, ItemError) else None)
    wanted = [
        (entry, verdict)
        for entry, verdict, outcome in zip(request.entries, verdicts, outcomes, strict=True)
        if outcome is None and isinstance(verdict, Publication)
    ]
    answer, mids = _offer(world, session_id, [_section(world, *one) for one in wanted])
    offered = iter(
        Subscription(mid, publication.kind, entry.source, entry.simulcast, both_ways=entry.both_ways)
        for mid, (entry, publication) in zip(mids, wanted, strict=True)
    )
    placed = [next(offered) if outcome is None else outcome for outcome in outcomes]
    session = subscribing.with_subscriptions(session, [s for s in placed if isinstance(s, Subscription)])
    _put(world, session, offered=bool(mids))
    items = zip(request.entries, placed, strict=True)
    return {**answer, "tracks": [subscribing.item(entry, outcome) for entry, outcome in items]}


async def invite(world: World, session_id: str, request: InviteRequest) -> Json:
    """Offer a section for each track that the endpoint shall publish."""
    await _connected(world, session_id)
    session = world.live(session_id)
    tracks = [Item(entry.track_name, session_id) for entry in request.entries]
    faults = world.faults.item_errors("new_tracks", session_id, tracks)
    verdicts = publishing.invite(session, request.entries, faults)
    wanted = [entry for entry in verdicts if isinstance(entry, InvitedEntry)]
    new = [publishing.section_for(entry) for entry in wanted]
    answer, mids = _offer(world, session_id, new)
    made = iter([publishing.invited(entry, mid) for entry, mid in zip(wanted, mids, strict=True)])
    items = [
        publishing.PublishItem(entry, verdict if isinstance(verdict, ItemError) else next(made))
        for entry, verdict in zip(request.entries, verdicts, strict=True)
    ]
    for item in items:
        if isinstance(item.outcome, Publication):
            session = publishing.with_publication(session, item.outcome)
    _put(world, session, offered=bool(mids))
    return {**answer, "tracks": [item.answer() for item in items]}


async def _connected(world: World, session_id: str) -> None:
    """Return once an offer can be made; 425 when the wait is over."""

    def ready() -> bool | None:
        return None if subscribing.must_wait_for_connection(world.live(session_id)) else True

    if not await world.wait(ready, CONNECTIVITY_WAIT):
        raise not_connected(CONNECTIVITY_WAIT)


async def _verdicts(
    world: World, session_id: str, request: SubscribeRequest
) -> list[Publication | ItemError]:
    """What each entry finds; a silent publisher is waited for, all of them at once."""
    app_id = world.live(session_id).app_id
    tracks = [Item.of(entry.source) for entry in request.entries]
    faults = world.faults.item_errors("new_tracks", session_id, tracks)

    def look() -> list[Publication | ItemError | subscribing.NotYet]:
        world.live(session_id)
        return [
            error or subscribing.verdict(world.sessions, app_id, entry.source, world.heard, world.now)
            for entry, error in zip(request.entries, faults, strict=True)
        ]

    def settled() -> bool | None:
        return None if any(isinstance(v, subscribing.NotYet) for v in look()) else True

    await world.wait(settled, PACKETS_WAIT)
    return [verdict.error if isinstance(verdict, subscribing.NotYet) else verdict for verdict in look()]


def _carried(
    world: World, session: Session, mid: str, entry: RemoteEntry, publication: Publication
) -> Subscription | ItemError:
    if not world.negotiation(session.session_id).send_codecs(mid):
        return subscribing.NOT_RECEIVING
    lacking = world.lacks(session.session_id, mid, entry.source.session_id, publication.mid)
    error = subscribing.unfit(session.publications[mid].kind, publication, lacking)
    return error or Subscription(
        mid, publication.kind, entry.source, entry.simulcast, answered_at=world.now, both_ways=True
    )


def _section(world: World, entry: RemoteEntry, publication: Publication) -> NewSend:
    codecs = world.negotiation(entry.source.session_id).receive_codecs(publication.mid)
    return NewSend(publication.kind, codecs, entry.both_ways)


def _offer(
    world: World, session_id: str, new: Sequence[NewSend | NewReceive]
) -> tuple[Json, tuple[str, ...]]:
    """What a call answers beside its items, and the mids of the new sections; no offer without any."""
    if not new:
        return {"requiresImmediateRenegotiation": False}, ()
    try:
        sdp, mids = world.negotiation(session_id).make_offer(new)
    except SdpError as error:
        raise bad_description(f"No offer can be made: {error}.") from error
    description = {"type": "offer", "sdp": sdp}
    return {"requiresImmediateRenegotiation": True, "sessionDescription": description}, mids


def _put(world: World, session: Session, *, offered: bool) -> None:
    """Take the session as it is now; with an offer of ours it waits for the endpoint."""
    world.put(evolve(session, awaiting_answer=True, touched_at=world.now) if offered else session)
