"""tracks/new with local tracks: which sections of the endpoint's offer, or of ours, become publications."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import inf

from attrs import evolve, frozen

from cfrealtime.emulator.media.plan import Kind
from cfrealtime.emulator.refusals import ItemError, Json, invalid_params
from cfrealtime.emulator.sdp import NewReceive, OfferedSection
from cfrealtime.emulator.state import Publication, Session
from cfrealtime.emulator.wire import InvitedEntry, LocalEntry, PublishRequest

LAYERS = ("q", "h", "f")
"""The simulcast layers that our offer asks for, the least first. The names are those of the docs' examples;
in a-to-z order the best comes first."""
REPEATED = ItemError("repeated_local_track_error", "The mid or the track name is published already.")
"""The code is the contract's for an allocation that exists; that tracks use it so is our choice."""


@frozen
class PublishItem:
    """One entry and what became of it."""

    entry: LocalEntry | InvitedEntry
    outcome: Publication | ItemError

    def answer(self) -> Json:
        """The item of the answer. A failed one names the mid of the endpoint's offer, if there was one."""
        if isinstance(self.outcome, ItemError):
            mid = self.entry.mid if isinstance(self.entry, LocalEntry) else ""
            failed = {"location": "local", "mid": mid, "trackName": self.entry.track_name}
            return {**failed, **self.outcome.fields()}
        both_ways = {"bidirectionalMediaStream": True} if self.outcome.both_ways else {}
        track_name, kind = self.outcome.track_name, self.outcome.kind
        return {
            "location": "local",
            "mid": self.outcome.mid,
            "trackName": track_name,
            "kind": kind,
            **both_ways,
        }


def wanted(
    session: Session,
    request: PublishRequest,
    sections: Sequence[OfferedSection],
    now: float,
    new_name: Callable[[], str],
) -> tuple[tuple[LocalEntry, Publication], ...]:
    """Each entry with what it would publish; those that autoDiscover finds are the last.

    An entry without a section that sends makes the whole call invalid.
    """
    by_mid = {section.mid: section for section in sections}
    entries = list(request.entries)
    if request.auto_discover:
        entries += _discovered(session, entries, sections, new_name)
    return tuple((entry, _publication(session, entry, by_mid.get(entry.mid), now)) for entry in entries)


def plan(
    session: Session,
    wanted: Sequence[tuple[LocalEntry, Publication]],
    refused: Sequence[ItemError | None],
) -> tuple[PublishItem, ...]:
    """What becomes of each entry; `refused` has the errors of those that fail whatever they are."""
    items, live = list[PublishItem](), [p for p in session.publications.values() if p.ended is None]
    for (entry, publication), fault in zip(wanted, refused, strict=True):
        repeated = any(publication.mid == p.mid or publication.track_name == p.track_name for p in live)
        error = fault or (REPEATED if repeated else None)
        if error is None:
            live.append(publication)
        items.append(PublishItem(entry, error or publication))
    return tuple(items)


def invite(
    session: Session, entries: Sequence[InvitedEntry], refused: Sequence[ItemError | None]
) -> tuple[InvitedEntry | ItemError, ...]:
    """Which tracks our offer may ask for. A name that is published already fails alone."""
    taken = {p.track_name for p in session.publications.values() if p.ended is None}
    verdicts = list[InvitedEntry | ItemError]()
    for entry, fault in zip(entries, refused, strict=True):
        error = fault or (REPEATED if entry.track_name in taken else None)
        if error is None:
            taken.add(entry.track_name)
        verdicts.append(error or entry)
    return tuple(verdicts)


def section_for(entry: InvitedEntry) -> NewReceive:
    """The section of our offer that asks for a track."""
    return NewReceive(entry.kind, LAYERS if entry.layered else (), entry.both_ways)


def invited(entry: InvitedEntry, mid: str) -> Publication:
    """The publication that our offer asks for, until the endpoint has answered."""
    return Publication(mid, entry.kind, entry.track_name, since=inf, both_ways=entry.both_ways)


def answered(session: Session, sections: Sequence[OfferedSection], now: float) -> Session:
    """The session after `renegotiate`: what our offer asked for is agreed on, or over where it was rejected.

    A section that is answered without sending is not rejected: the endpoint may begin later.
    """
    live = {section.mid: section for section in sections if not section.stopped}
    agreed = dict[str, Publication]()
    for mid, publication in session.publications.items():
        if publication.since == inf:
            section = live.get(mid)
            ended = publication.ended or (None if section else "stopped")
            rids = section.rids if section else ()
            agreed[mid] = evolve(publication, since=now, rids=rids, ended=ended)
    return evolve(session, publications={**session.publications, **agreed}) if agreed else session


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
) -> Publication:
    kind = _media_kind(section)
    if section is None or kind is None:
        raise invalid_params(f"The offer has no media section with mid {entry.mid[:16]!r} that sends.")
    earlier = session.publications.get(entry.mid)
    # Seen in the field: publishing again on a mid closed by force is accepted and delivers nothing.
    deaf = earlier is not None and (earlier.ended == "forced" or earlier.deaf)
    both_ways = entry.both_ways and section.direction == "sendrecv"
    return Publication(entry.mid, kind, entry.track_name, now, section.rids, deaf=deaf, both_ways=both_ways)


def _media_kind(section: OfferedSection | None) -> Kind | None:
    """The kind of a section on which the endpoint sends media; None for any other."""
    if section is None or section.stopped or section.direction not in ("sendonly", "sendrecv"):
        return None
    return None if section.kind == "application" else section.kind
