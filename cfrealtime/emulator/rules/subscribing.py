"""tracks/new without an offer: which publications can be received, and which are not there yet."""

from __future__ import annotations

from attrs import evolve, frozen

from cfrealtime.emulator.limits import SENDING_WINDOW
from cfrealtime.emulator.refusals import ItemError, Json
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


@frozen
class NotYet:
    """Waiting may help; `error` is the verdict when the wait is over."""

    error: ItemError


@frozen
class SubscribeItem:
    """One entry and what became of it: a mid of our offer, or an error."""

    entry: RemoteEntry
    outcome: str | ItemError

    def answer(self) -> Json:
        """The item of the answer; a failed one has an empty mid (seen in the field)."""
        fields: Json = {"sessionId": self.entry.source.session_id, "trackName": self.entry.source.track_name}
        if isinstance(self.outcome, ItemError):
            return {**fields, "mid": "", **self.outcome.fields()}
        return {**fields, "mid": self.outcome}


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


def with_subscriptions(session: Session, subscriptions: tuple[Subscription, ...]) -> Session:
    """The session with new subscriptions, waiting for the answer to the offer that holds them."""
    added = {subscription.mid: subscription for subscription in subscriptions}
    return evolve(session, subscriptions={**session.subscriptions, **added}, awaiting_answer=True)


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
