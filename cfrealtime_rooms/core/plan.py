"""What a lane should do next: wanted against actual, as a plain function.

One pass has a fixed order: read the session if in doubt, then closes, re-points, the client's offer, and
then grants and subscription batches in turn. It looks at the room as it is now, so whatever came and
went while the lane was busy costs nothing.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterable, Mapping

from attrs import Factory, define, field, frozen

from .calls import ApiCall
from .catalog import Catalog, catalog_of
from .layers import TRIES, other_rid, wanted_rid
from .phases import Idle
from .policy import Policy, Visible, Wanted, everybody, everyone, may_receive, ready_at
from .settings import TRACKS_PER_CALL, Settings
from .state import Lane, Participant, Room
from .tracks import Publication, Subscription

PAUSES = ((8, 0.0), (100, 0.25))
"""Below so many participants, so many seconds."""
LONGEST_PAUSE = 0.5
MOVES = 3
"""How often a mid is pointed at a publication in vain, before it is given up."""


@frozen
class LookAtSession:
    """Ask the SFU what it holds before touching the session again."""


@frozen
class RepeatCall:
    """Make a call again that the SFU did not accept: its exchange is still open."""

    call: ApiCall


@frozen
class CreateSession:
    """The first exchange is about to begin."""


@frozen
class CloseMids:
    """Close own sections that were unpublished, and received ones nobody wants."""

    mids: tuple[str, ...]


@frozen
class Repoint:
    """One receiving mid, and the publication and layer it should carry."""

    mid: str
    publication: Publication
    rid: str | None = None


@frozen
class RepointMids:
    """Point existing mids at other layers or other publications: no SDP, one call."""

    moves: tuple[Repoint, ...]


@frozen
class PublishOffer:
    """Hand the client's waiting offer to the SFU."""


@frozen
class GrantOffer:
    """Let the client make an offer."""


@frozen
class SubscribeTo:
    """Have the SFU offer these publications."""

    publications: tuple[Publication, ...]
    rids: Mapping[str, str | None] = Factory(dict[str, str | None])
    """Simulcast layers, by publication."""


@frozen
class ReplaceSession:
    """The session has grown too many sections; nothing else is going on."""


Step = (
    LookAtSession
    | CreateSession
    | CloseMids
    | RepointMids
    | PublishOffer
    | GrantOffer
    | SubscribeTo
    | ReplaceSession
    | RepeatCall
)


@frozen
class Plan:
    """The next step, if one can be taken now, and when to look again by itself."""

    step: Step | None
    wake_at: float | None = None


@define
class Difference:
    """Wanted against actual, for one lane."""

    missing: list[Publication] = Factory(list[Publication])
    moved: list[Repoint] = Factory(list[Repoint])
    """Receiving mids whose publication lives in another session now."""
    layers: list[Repoint] = Factory(list[Repoint])
    """Receiving mids that should carry another layer of what they carry."""
    rids: dict[str, str | None] = Factory(dict[str, str | None])
    """Layers that are wanted, by publication."""
    unwanted: list[Subscription] = Factory(list[Subscription])
    spares: list[Subscription] = Factory(list[Subscription])
    wake_at: float | None = None

    def wake(self, at: float) -> None:
        """Something becomes possible at this time."""
        self.wake_at = at if self.wake_at is None else min(self.wake_at, at)


@frozen
class Rules:
    """What a plan goes by besides the state."""

    policy: Policy
    settings: Settings = field(factory=Settings)
    visible: Visible = everybody
    repointing: bool = True
    """False once the service has refused to point a live mid at another publication."""


def wanted_by(room: Room, subscriber: Participant, policy: Policy) -> dict[str, Publication]:
    """What the policy wants of what permission allows, in the policy's order."""
    chosen = _chosen(room, subscriber, policy, catalog_of(room))
    return {wanted: publication for wanted, (publication, _) in chosen.items()}


def _chosen(
    room: Room, subscriber: Participant, policy: Policy, catalog: Catalog
) -> dict[str, tuple[Publication, str | None]]:
    """The same, each with the layer that the policy wants of it."""
    found: dict[str, tuple[Publication, str | None]] = {}
    last, allowed = None, False
    # What everyone is to receive is the catalog: those who do not publish need not be gone through.
    for one in catalog.published if policy is everyone else policy(room, subscriber):
        wanted, layer = (one.publication, one.layer) if isinstance(one, Wanted) else (one, None)
        entry = catalog.published.get(wanted)
        if entry is None or wanted in found:
            continue
        publisher, publication = entry
        if publisher is not last:  # most policies go from publisher to publisher
            last, allowed = publisher, may_receive(subscriber, publisher)
        if allowed:
            found[wanted] = publication, layer
    return found


def compare(room: Room, participant: Participant, rules: Rules, now: float, catalog: Catalog) -> Difference:
    """Wanted against actual; what has to wait only sets the time to look again."""
    difference = Difference()
    lane = participant.lane
    chosen = _chosen(room, participant, rules.policy, catalog)
    difference.rids = {p.id: wanted_rid(participant, p, layer) for p, layer in chosen.values() if p.rids}
    held: set[str] = set()
    for subscription in lane.subscriptions.values():
        if subscription.publication is None:
            difference.spares.append(subscription)
            continue
        held.add(subscription.publication)
        if subscription.publication not in chosen:
            difference.unwanted.append(subscription)
            continue
        publication, _ = chosen[subscription.publication]
        if publication.locator is subscription.locator or publication.locator == subscription.locator:
            if publication.rids:
                _compare_layers(subscription, publication, difference, now)
        elif _due(lane, publication, rules, now, difference):
            difference.moved.append(
                Repoint(subscription.mid, publication, difference.rids.get(publication.id))
            )
    for wanted, (publication, _) in chosen.items():
        if wanted not in held and _due(lane, publication, rules, now, difference):
            difference.missing.append(publication)
    difference.missing.sort(key=lambda publication: publication.kind)  # "audio" before "video"
    return difference


def _compare_layers(
    subscription: Subscription, publication: Publication, difference: Difference, now: float
) -> None:
    rid = other_rid(subscription, publication, difference.rids.get(publication.id))
    retry = subscription.layer_retry
    if rid is None or (retry is not None and retry.tries >= TRIES):
        return
    if retry is not None and retry.not_before > now:
        difference.wake(retry.not_before)
    else:
        difference.layers.append(Repoint(subscription.mid, publication, rid))


def _due(lane: Lane, publication: Publication, rules: Rules, now: float, difference: Difference) -> bool:
    """Whether the publication can be asked for now."""
    ready = ready_at(publication, rules.settings)
    if ready is None:
        return False
    retry = lane.retries.get(publication.id)
    at = max(ready, retry.not_before) if retry else ready
    if at > now:
        difference.wake(at)
    return at <= now


def next_step(
    room: Room, participant: Participant, rules: Rules, now: float, catalog: Catalog | None = None
) -> Plan:
    """What the participant's lane should do now. Only an idle lane does anything.

    `catalog`: of the room as it is, where somebody has it already.
    """
    lane = participant.lane
    if not isinstance(lane.phase, Idle):
        return Plan(None)
    if lane.call_retry is not None and lane.call_retry.not_before > now:
        return Plan(None, lane.call_retry.not_before)
    if lane.repeat is not None:
        return Plan(RepeatCall(lane.repeat))
    if lane.look and lane.session_id is not None:
        return Plan(LookAtSession())
    difference = compare(room, participant, rules, now, catalog or catalog_of(room))
    step = _without_sdp(lane, difference, rules, now)
    if step is None and participant.connection is not None:
        step = _with_sdp(room, participant, difference, rules, now)
    return Plan(step, difference.wake_at)


def _without_sdp(lane: Lane, difference: Difference, rules: Rules, now: float) -> Step | None:
    """Closes and re-points: they need neither the client nor its channel."""
    if lane.session_id is None:
        return None
    # Where one thing is chosen instead of another, its mid is used again rather than closed.
    free = difference.spares + (difference.unwanted if rules.repointing else [])
    moves = difference.moved + fill_spares(lane, free, difference.missing, difference.rids)
    used = {move.mid for move in moves}
    close = sorted(lane.closing)
    close += [subscription.mid for subscription in difference.unwanted if subscription.mid not in used]
    if not rules.repointing:
        close += [move.mid for move in difference.moved]
        close += [spare.mid for spare in difference.spares]
    else:
        close += [move.mid for move in difference.moved if _hopeless(lane, move)]
    if close and lane.close_retry is not None and lane.close_retry.not_before > now:
        difference.wake(lane.close_retry.not_before)
    elif close:
        return CloseMids(tuple(close[:TRACKS_PER_CALL]))
    moves = difference.layers + (moves if rules.repointing else [])
    if moves:
        return RepointMids(tuple(moves[:TRACKS_PER_CALL]))
    return None


def _hopeless(lane: Lane, move: Repoint) -> bool:
    """Pointed there in vain too often: the mid is closed, and the publication subscribed anew."""
    retry = lane.retries.get(move.publication.id)
    return retry is not None and retry.tries >= MOVES


def fill_spares(
    lane: Lane,
    spares: Iterable[Subscription],
    missing: Iterable[Publication],
    rids: Mapping[str, str | None] | None = None,
) -> list[Repoint]:
    """Give each missing publication a spare mid of its kind, as far as they go.

    One that was refused before gets a mid of its own, since it may have been the spare, unless the publisher
    was not ready.
    """
    free: dict[str, deque[Subscription]] = defaultdict(deque)
    for spare in spares:
        free[spare.kind].append(spare)
    moves: list[Repoint] = []
    for publication in missing if free else ():
        retry = lane.retries.get(publication.id)
        if free[publication.kind] and (retry is None or (retry.unready and retry.tries < MOVES)):
            spare = free[publication.kind].popleft()
            moves.append(Repoint(spare.mid, publication, (rids or {}).get(publication.id)))
    return moves


def _with_sdp(
    room: Room, participant: Participant, difference: Difference, rules: Rules, now: float
) -> Step | None:
    """Exchanges: the client's offer, a grant, or a batch of subscriptions."""
    lane = participant.lane
    if lane.offer is not None:
        return PublishOffer() if lane.session_id is not None else CreateSession()
    batch = _batch(room, lane, difference, rules, now)
    if lane.wants_grant and not (batch and lane.granted_last):
        return GrantOffer()
    if batch:
        rids = {one.id: difference.rids[one.id] for one in batch if one.id in difference.rids}
        return SubscribeTo(tuple(batch), rids) if lane.session_id is not None else CreateSession()
    # A replacement gets rid of sections that carry nothing; those in use it would only make anew.
    idle = lane.sections - len(lane.subscriptions) - len(participant.publications)
    if not rules.repointing and lane.sections > rules.settings.max_sections and 2 * idle > lane.sections:
        return ReplaceSession()
    return None


def _batch(room: Room, lane: Lane, difference: Difference, rules: Rules, now: float) -> list[Publication]:
    """What to ask for in one call. What was refused before goes apart: it may hold the call up."""
    if not difference.missing or not _may_subscribe(lane, difference, rules, now):
        return []
    fresh = [publication for publication in difference.missing if publication.id not in lane.retries]
    after = lane.subscribed_at + pause(len(room.participants)) if lane.subscribed_at is not None else now
    if len(fresh) < TRACKS_PER_CALL and after > now:
        difference.wake(after)
        return []
    return (fresh or difference.missing)[:TRACKS_PER_CALL]


def pause(participants: int) -> float:
    """Seconds between two batches of one lane. In a crowd more is about to come: it shares the next batch."""
    return next((seconds for below, seconds in PAUSES if participants < below), LONGEST_PAUSE)


def _may_subscribe(lane: Lane, difference: Difference, rules: Rules, now: float) -> bool:
    """The first exchange brings the connection up; every later subscription waits for it."""
    if lane.negotiated_at is None or lane.connected:
        return True
    opens = lane.negotiated_at + rules.settings.unproven
    if opens > now and difference.missing:
        difference.wake(opens)
    return opens <= now
