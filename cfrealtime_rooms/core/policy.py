"""Who should receive what, and who is told about whom. Permission is checked before and apart from both."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from attrs import frozen

from .settings import Settings
from .state import Participant, Room
from .tracks import Publication


@frozen
class Wanted:
    """A publication that a subscriber should receive, in a layer that the subscriber may overrule."""

    publication: str
    layer: str | None = None
    """`low`, `medium`, `high`, or a rid of the publisher's; None: the service decides."""


Policy = Callable[[Room, Participant], Iterable[str | Wanted]]
"""The publications that a subscriber should receive, as ids or `Wanted`, most wanted first.

It may name what the subscriber must not or cannot receive yet: that is filtered out before.
"""

Visible = Callable[[Room, Participant, Participant], bool]
"""Whether the second is told about the third. It goes by what is theirs, and by the room's attributes.

It is asked again about whoever changes, and about everyone when the room's attributes change.
"""


def everyone(room: Room, subscriber: Participant) -> Iterator[str]:
    """Everyone receives everyone: the default."""
    for participant in room.participants.values():
        if participant.id != subscriber.id:
            for publication in participant.publications.values():
                yield publication.id


def audio_only(room: Room, subscriber: Participant) -> Iterator[str]:
    """Everyone hears everyone and sees nobody."""
    for participant in room.participants.values():
        if participant.id != subscriber.id:
            for publication in participant.publications.values():
                if publication.kind == "audio":
                    yield publication.id


def selected(room: Room, subscriber: Participant) -> Iterator[str]:
    """Everyone receives what its client has chosen; nothing before it has."""
    yield from subscriber.selection.publications
    for chosen in subscriber.selection.participants:
        participant = room.participants.get(chosen)
        if participant is not None:
            for publication in participant.publications.values():
                yield publication.id


def everybody(room: Room, viewer: Participant, other: Participant) -> bool:
    """Everyone is told about everyone: the default."""
    del room, viewer, other
    return True


def may_see(viewer: Participant, other: Participant) -> bool:
    """Whether a participant is told about another, or about itself."""
    return other.id == viewer.id or (
        other.visible and (viewer.hears_of is None or other.id in viewer.hears_of)
    )


def may_receive(subscriber: Participant, publisher: Participant) -> bool:
    """Whether permission lets the one receive the other. No policy overrides it."""
    return (
        subscriber.permissions.subscribe and publisher.id != subscriber.id and may_see(subscriber, publisher)
    )


def ready_at(publication: Publication, settings: Settings) -> float | None:
    """From when the publication may be subscribed to; None while the SFU does not hold it."""
    if publication.state != "live" or publication.locator is None:
        return None
    return publication.published_at + (0.0 if publication.sending else settings.unproven)
