"""tracks/new with the endpoint's offer: which sections become publications."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from attrs import evolve, frozen

from cfrealtime.emulator.media.plan import Kind
from cfrealtime.emulator.refusals import ItemError, Json, invalid_params
from cfrealtime.emulator.sdp import OfferedSection
from cfrealtime.emulator.state import Publication, Session
from cfrealtime.emulator.wire import LocalEntry, PublishRequest


@frozen
class PublishItem:
    """One entry and what became of it."""

    entry: LocalEntry
    outcome: Publication | ItemError

    def answer(self) -> Json:
        """The item of the answer."""
        fields: Json = {"mid": self.entry.mid, "trackName": self.entry.track_name}
        if isinstance(self.outcome, ItemError):
            return {**fields, **self.outcome.fields()}
        return {**fields, "kind": self.outcome.kind}


def plan(
    session: Session,
    request: PublishRequest,
    sections: Sequence[OfferedSection],
    now: float,
    new_name: Callable[[], str],
    refused: Mapping[str, ItemError],
) -> tuple[PublishItem, ...]:
    """Match the entries with the offer's sections; `refused` names tracks that fail whatever they are.

    An entry without a section that sends makes the whole call invalid.
    """
    by_mid = {section.mid: section for section in sections}
    entries = list(request.entries)
    if request.auto_discover:
        entries += _discovered(session, entries, sections, new_name)
    items = list[PublishItem]()
    seen = session
    for entry in entries:
        outcome = refused.get(entry.track_name) or _publication(seen, entry, by_mid.get(entry.mid), now)
        if isinstance(outcome, Publication):
            seen = with_publication(seen, outcome)
        items.append(PublishItem(entry, outcome))
    return tuple(items)


def with_publication(session: Session, publication: Publication) -> Session:
    """The session with one more publication."""
    return evolve(session, publications={**session.publications, publication.mid: publication})


def _discovered(
    session: Session,
    entries: Sequence[LocalEntry],
    sections: Sequence[OfferedSection],
    new_name: Callable[[], str],
) -> list[LocalEntry]:
    """Docs, autoDiscover: every new track of the offer gets a random name."""
    named = {entry.mid for entry in entries} | set(session.publications)
    return [
        LocalEntry(section.mid, new_name())
        for section in sections
        if section.mid not in named and _media_kind(section) is not None
    ]


def _publication(
    session: Session, entry: LocalEntry, section: OfferedSection | None, now: float
) -> Publication | ItemError:
    kind = _media_kind(section)
    if section is None or kind is None:
        raise invalid_params(f"The offer has no media section with mid {entry.mid[:16]!r} that sends.")
    live = [publication for publication in session.publications.values() if publication.ended is None]
    if any(entry.mid == p.mid or entry.track_name == p.track_name for p in live):
        # The code is the contract's for an allocation that exists; that tracks use it so is our choice.
        return ItemError("repeated_local_track_error", "The mid or the track name is published already.")
    earlier = session.publications.get(entry.mid)
    # Seen in the field: publishing again on a mid closed by force is accepted and delivers nothing.
    deaf = earlier is not None and (earlier.ended == "forced" or earlier.deaf)
    return Publication(entry.mid, kind, entry.track_name, now, section.rids, deaf=deaf)


def _media_kind(section: OfferedSection | None) -> Kind | None:
    """The kind of a section on which the endpoint sends media; None for any other."""
    if section is None or section.stopped or section.direction not in ("sendonly", "sendrecv"):
        return None
    return None if section.kind == "application" else section.kind
