"""Who should receive what. A policy chooses; permission is checked before and apart from it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from .settings import Settings
from .state import Participant, Room
from .tracks import Publication

Policy = Callable[[Room, Participant], Iterable[str]]
"""The ids of the publications that a subscriber should receive, most wanted first.

It may name what the subscriber must not or cannot receive yet: that is filtered out before.
"""


def everyone(room: Room, subscriber: Participant) -> Iterator[str]:
    """Everyone receives everyone: the default."""
    for participant in room.participants.values():
        if participant.id != subscriber.id:
            for publication in participant.publications.values():
                yield publication.id


def may_see(viewer: Participant, other: Participant) -> bool:
    """Whether a participant is told about another, or about itself."""
    return other.visible or other.id == viewer.id


def may_receive(subscriber: Participant, publisher: Participant) -> bool:
    """Whether permission lets the one receive the other. No policy overrides it."""
    return subscriber.permissions.subscribe and publisher.visible and publisher.id != subscriber.id


def ready_at(publication: Publication, settings: Settings) -> float | None:
    """From when the publication may be subscribed to; None while the SFU does not hold it."""
    if publication.state != "live" or publication.locator is None:
        return None
    return publication.published_at + (0.0 if publication.sending else settings.unproven)
