"""Which simulcast layer somebody receives: by its own wish, else the policy's, else the service's."""

from __future__ import annotations

from typing import Final

from cfrealtime.models import RemoteTrack, Simulcast

from .state import Participant
from .tracks import Publication, Subscription

STEPS: Final = ("low", "medium", "high")
TRIES = 5
"""How often a layer is asked for in vain before it is left as it is."""


def rid_of(layer: str | None, rids: tuple[str, ...]) -> str | None:
    """The rid that a layer is among these (the lowest first); None where it is none of them."""
    if not rids or layer is None:
        return None
    if layer in rids:
        return layer
    if layer not in STEPS:
        return None
    return {"low": rids[0], "medium": rids[(len(rids) - 1) // 2], "high": rids[-1]}[layer]


def wanted_rid(subscriber: Participant, publication: Publication, by_policy: str | None) -> str | None:
    """The layer that a subscriber should get: its own wish first."""
    return rid_of(subscriber.layers.get(publication.id, by_policy), publication.rids)


def other_rid(subscription: Subscription, publication: Publication, wanted: str | None) -> str | None:
    """The layer to change to, where a mid has another one; back to no wish at all is to the best there is."""
    if not publication.rids or (subscription.rid is None and wanted is None):
        return None
    target = wanted or publication.rids[-1]
    return target if target != subscription.rid else None


def simulcast(rid: str | None) -> Simulcast | None:
    """How it is asked for. Where the layer is missing the service takes another rather than none."""
    return None if rid is None else Simulcast(rid, "asciibetical", "asciibetical")


def asked_rid(track: RemoteTrack) -> str | None:
    """The layer that a call has asked for."""
    return None if track.simulcast is None else track.simulcast.preferred_rid
