"""tracks/close, and what an endpoint's descriptions stop by themselves."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Literal

from attrs import evolve

from cfrealtime.emulator.refusals import ItemError
from cfrealtime.emulator.sdp import OfferedSection
from cfrealtime.emulator.state import Session

ABSENT = ItemError("close_track_error", "No open track has this mid.")


def close(
    session: Session, mids: Collection[str], failing: Mapping[str, ItemError] | None = None, *, forced: bool
) -> tuple[Session, tuple[tuple[str, ItemError | None], ...]]:
    """Close each mid but the `failing`; docs: `close_track_error` where one is absent or closed already.

    What was closed by force can be published on its mid again to no effect only (seen). That nothing is wrong
    with a mid closed by an offer which left its section is our choice.
    """
    items = list[tuple[str, ItemError | None]]()
    for mid in mids:
        if failing and mid in failing:
            items.append((mid, failing[mid]))
            continue
        after = _without(session, mid, "forced" if forced else "stopped")
        items.append((mid, ABSENT if after is session else None))
        session = after
    return session, tuple(items)


def stopped(session: Session, live_mids: Collection[str]) -> Session:
    """The session after an endpoint's offer: what stands on a section that it stopped is over."""
    publications = {
        mid: p if p.ended or mid in live_mids else evolve(p, ended="stopped")
        for mid, p in session.publications.items()
    }
    subscriptions = {
        mid: s if s.closed or mid in live_mids else evolve(s, closed=True)
        for mid, s in session.subscriptions.items()
    }
    return evolve(session, publications=publications, subscriptions=subscriptions)


def ends_session(sections: Collection[OfferedSection]) -> bool:
    """Whether a negotiated close with these sections leaves no transport (seen in the field).

    It takes a stop of every section, that for data channels included; one that is only inactive can be used
    again (our choice).
    """
    return all(section.stopped for section in sections)


def _without(session: Session, mid: str, how: Literal["forced", "stopped"]) -> Session:
    publication = session.publications.get(mid)
    subscription = session.subscriptions.get(mid)
    if publication is not None and publication.ended is None:
        ended = evolve(publication, ended=how)
        session = evolve(session, publications={**session.publications, mid: ended})
    if subscription is not None and not subscription.closed:
        # A section that carries both ways stops both ways (docs, bidirectional tracks).
        closed = evolve(subscription, closed=True)
        session = evolve(session, subscriptions={**session.subscriptions, mid: closed})
    return session
