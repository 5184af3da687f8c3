"""tracks/update: another layer, or another publication, on a section that the endpoint receives already."""

from __future__ import annotations

from attrs import evolve, frozen

from cfrealtime.emulator.limits import MEDIA_FLOWS_AFTER
from cfrealtime.emulator.refusals import ItemError, Json
from cfrealtime.emulator.state import (
    Heard,
    Lacks,
    Publication,
    Session,
    Sessions,
    Subscription,
    find_publication,
)
from cfrealtime.emulator.wire import UpdateEntry

from .subscribing import NotYet, unfit, verdict


@frozen
class UpdateItem:
    """One entry and what became of it."""

    entry: UpdateEntry
    outcome: Subscription | ItemError

    def answer(self) -> Json:
        """The item of the answer."""
        if isinstance(self.outcome, ItemError):
            return {
                "location": "remote",
                "mid": self.entry.mid,
                **_located(self.entry),
                **self.outcome.fields(),
            }
        source = self.outcome.source
        located = {"sessionId": source.session_id, "trackName": source.track_name}
        return {"location": "remote", "mid": self.entry.mid, **located}


def update(
    sessions: Sessions, session: Session, entry: UpdateEntry, heard: Heard, lacks: Lacks, now: float
) -> Subscription | ItemError:
    """The subscription after the change, or why there is none. `lacks` speaks of the entry's mid.

    Docs give `update_track_error` without its causes; that it comes until media flows is seen in the field.
    """
    subscription = session.subscriptions.get(entry.mid)
    if subscription is None or subscription.closed:
        return ItemError("update_track_error", "No track is received on this mid.")
    if now < _flows_from(session, subscription):
        return ItemError("update_track_error", "No media flows on this mid yet.")
    if entry.source is None or entry.source == subscription.source:
        target = _current(sessions, session, subscription)
    else:
        target = verdict(sessions, session.app_id, entry.source, heard, now)
        if isinstance(target, Publication):
            lacking = lacks(entry.source.session_id, target.mid)
            target = unfit(subscription.kind, target, lacking) or target
    if isinstance(target, NotYet):
        return target.error
    if isinstance(target, ItemError):
        return target
    if not _has_layer(target, entry):
        return ItemError("update_track_error", "The track is not configured for this layer.")
    source = entry.source or subscription.source
    return evolve(subscription, source=source, simulcast=entry.simulcast)


def repoints(session: Session, entry: UpdateEntry) -> bool:
    """Whether an entry asks for another publication than the one its mid carries."""
    subscription = session.subscriptions.get(entry.mid)
    return subscription is not None and entry.source not in (None, subscription.source)


def _current(
    sessions: Sessions, session: Session, subscription: Subscription
) -> Publication | NotYet | ItemError:
    current = find_publication(sessions, session.app_id, subscription.source)
    return current or ItemError("not_found_track_error", "The track of this mid is not published any more.")


def _flows_from(session: Session, subscription: Subscription) -> float:
    if subscription.answered_at is None or session.connected_at is None:
        return float("inf")
    return max(subscription.answered_at, session.connected_at) + MEDIA_FLOWS_AFTER


def _has_layer(publication: Publication, entry: UpdateEntry) -> bool:
    simulcast = entry.simulcast
    if simulcast is None or simulcast.preferred_rid is None:
        return True
    if simulcast.preferred_rid in publication.rids:
        return True
    return bool(publication.rids) and simulcast.rid_not_available == "asciibetical"


def _located(entry: UpdateEntry) -> Json:
    if entry.source is None:
        return {}
    return {"sessionId": entry.source.session_id, "trackName": entry.source.track_name}
