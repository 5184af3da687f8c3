"""tracks/new without an offer: which publications can be received, and which are not there yet."""

from __future__ import annotations

from collections.abc import Sequence

from attrs import evolve, frozen

from cfrealtime.emulator.limits import SENDING_WINDOW
from cfrealtime.emulator.media.plan import Kind
from cfrealtime.emulator.refusals import ItemError, Json, invalid_params
from cfrealtime.emulator.state import (
    Heard,
    Locator,
    Publication,
    Session,
    Sessions,
    Simulcast,
    Subscription,
    find_publication,
)
from cfrealtime.emulator.wire import RemoteEntry

NOT_RECEIVING = ItemError("update_track_error", "The endpoint does not receive on this mid.")


@frozen
class NotYet:
    """Waiting may help; `error` is the verdict when the wait is over."""

    error: ItemError


def item(entry: RemoteEntry, outcome: Subscription | ItemError) -> Json:
    """The item of the answer; a failed one has an empty mid (seen in the field).

    Seen, too: items are passed on as entries of the next request, so they say all that an entry needs.
    """
    fields: Json = {
        "location": "remote",
        "sessionId": entry.source.session_id,
        "trackName": entry.source.track_name,
    }
    if isinstance(outcome, ItemError):
        return {**fields, "mid": "", **outcome.fields()}
    both_ways = {"bidirectionalMediaStream": True} if outcome.both_ways else {}
    return {**fields, "mid": outcome.mid, **both_ways}


def must_wait_for_connection(session: Session) -> bool:
    """Docs, 425: the first exchange of a fresh session makes the connection, every later one needs it."""
    return session.negotiated and not session.connected


def verdict(
    sessions: Sessions, app_id: str, source: Locator, heard: Heard, now: float
) -> Publication | ItemError | NotYet:
    """Docs: a publisher not connected is `not_found_track_error`, a silent one `empty_track_error`."""
    publication = find_publication(sessions, app_id, source)
    if publication is None:
        return ItemError("not_found_track_error", "No such track is published.")
    if not sessions[source.session_id].connected:
        return ItemError("not_found_track_error", "The publisher's session is not connected.")
    if not is_sending(source.session_id, publication, heard, now):
        return NotYet(ItemError("empty_track_error", "The publisher sends no media."))
    return publication


def is_sending(session_id: str, publication: Publication, heard: Heard, now: float) -> bool:
    """Whether packets of a publication have arrived lately. The window is our choice."""
    last = heard(session_id, publication.mid)
    return not publication.deaf and last is not None and now - last <= SENDING_WINDOW


def carrier(session: Session, entry: RemoteEntry) -> str | None:
    """The mid that an entry names by the track published there; None when it wants a section of its own.

    Contract: `mid: "#name"`. Seen in the field: no negotiation follows. That a name which no two-way section
    carries makes the whole call invalid is our choice.
    """
    if entry.carrier is None:
        return None
    for publication in session.publications.values():
        if publication.track_name == entry.carrier and publication.both_ways and publication.ended is None:
            return publication.mid
    raise invalid_params("No bidirectional track of this session has the name that a mid refers to.")


def unfit(kind: Kind, publication: Publication, lacking: str | None) -> ItemError | None:
    """Why an existing section cannot carry a publication; `lacking` is its codec, if not negotiated there.

    The code is our choice: that of `tracks/update`, which does the same to a section.
    """
    if publication.kind != kind:
        return ItemError("update_track_error", "A mid carries one kind of media only.")
    if lacking is not None:
        return ItemError("update_track_error", f"The codec of the track ({lacking}) is not negotiated there.")
    return None


def with_subscriptions(session: Session, subscriptions: Sequence[Subscription]) -> Session:
    """The session with these subscriptions, in place of what their mids carried."""
    added = {subscription.mid: subscription for subscription in subscriptions}
    return evolve(session, subscriptions={**session.subscriptions, **added})


def answered(session: Session, live_mids: frozenset[str], now: float) -> Session:
    """The session after `renegotiate`: sections that the endpoint rejected are closed."""
    subscriptions = {
        mid: subscription
        if subscription.answered_at is not None
        else evolve(subscription, answered_at=now, closed=subscription.closed or mid not in live_mids)
        for mid, subscription in session.subscriptions.items()
    }
    return evolve(
        session, subscriptions=subscriptions, awaiting_answer=False, negotiated=True, touched_at=now
    )


def wanted_rids(publication: Publication, simulcast: Simulcast | None) -> tuple[str, ...]:
    """The layers that may be forwarded, the most wanted first; none where any may.

    Docs, simulcast: without the preferred layer `asciibetical` takes the next one, "a" before "z", and `none`
    takes no other. Nothing here measures bandwidth, so `priorityOrdering` decides nothing.
    """
    if simulcast is None or simulcast.preferred_rid is None or not publication.rids:
        return ()
    preferred = simulcast.preferred_rid
    if simulcast.rid_not_available == "none":
        return (preferred,)
    return (preferred, *(rid for rid in sorted(publication.rids) if rid != preferred))
