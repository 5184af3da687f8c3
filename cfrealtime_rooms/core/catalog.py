"""What is published in a room, found by id and by locator without going through everyone."""

from __future__ import annotations

from attrs import Factory, define

from .state import Participant, Room
from .tracks import Publication


@define
class Catalog:
    """Valid until somebody comes, goes, begins or ends to publish, or gets another session."""

    published: dict[str, tuple[Participant, Publication]] = Factory(
        dict[str, tuple[Participant, Publication]]
    )
    """By the publication's id."""
    located: dict[tuple[str, str], Publication] = Factory(dict[tuple[str, str], Publication])
    """By session and track name."""


def catalog_of(room: Room) -> Catalog:
    """Everything that is published now, or about to be."""
    catalog = Catalog()
    for participant in room.participants.values():
        for publication in participant.publications.values():
            catalog.published[publication.id] = participant, publication
            locator = publication.locator
            if locator is not None:
                catalog.located[locator.session_id, locator.track_name] = publication
    return catalog
