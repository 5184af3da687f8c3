"""Numbers a room goes by. Seconds, unless a name says otherwise."""

from __future__ import annotations

from typing import Literal

from attrs import Factory, frozen

from .notices import ClientLimits

Duplicates = Literal["replace", "reject", "allow"]

TRACKS_PER_CALL = 64
"""The SFU takes no more in one call."""


@frozen
class Settings:
    """Deadlines and bounds of a room; the defaults are meant to be right."""

    grace: float = 20.0
    """How long a participant whose channel dropped may take to resume."""
    join: float = 30.0
    """How long the first exchange may take before the participant is removed."""
    grant: float = 10.0
    """How long a client may take to send the offer it was granted."""
    applied: float = 15.0
    """How long a client may take to apply the SFU's answer."""
    answer: float = 15.0
    """How long a client may take to answer the SFU's offer."""
    enforce: float = 2.0
    """How long a client may take to finish what is open when the host wants something of it closed."""
    unproven: float = 10.0
    """After this long without a report, a client counts as connected and a publication as sending."""
    max_participants: int = 100
    max_tracks: int | None = None
    """Publications of a whole room; those of one participant are in `limits`. None: no bound of their own."""
    duplicates: Duplicates = "replace"
    """Who wins when an identity that is in the room joins again: the newer, the older, or both."""
    max_sections: int = 256
    """Where re-pointing is refused, a session with more sections is replaced at a quiet moment."""
    leak_after: float = 600.0
    """The age at which a debt of the ledger is reported as a leak and given up."""
    limits: ClientLimits = Factory(ClientLimits)
