"""What the emulated service knows: plain values, changed only by being replaced."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Literal

from attrs import Factory, frozen

from .data_channels import DataChannel
from .media.plan import Kind

Fallback = Literal["none", "asciibetical"]


@frozen
class Locator:
    """Where a publication is found: its publisher's session and its name there."""

    session_id: str
    track_name: str


@frozen
class Simulcast:
    """Which layer a subscriber asked for, and what to do when it is missing."""

    preferred_rid: str | None = None
    priority_ordering: Fallback = "none"
    rid_not_available: Fallback = "none"


@frozen
class Publication:
    """One track that an endpoint sends to us."""

    mid: str
    kind: Kind
    track_name: str
    since: float
    """When it was agreed on; infinity while the endpoint's answer to our offer is outstanding."""
    rids: tuple[str, ...] = ()
    ended: Literal["forced", "stopped", "collected"] | None = None
    """Closed by force, closed or stopped with an offer of the endpoint, or garbage-collected for silence."""
    deaf: bool = False
    """Published again on a mid closed by force: accepted, and nothing arrives."""
    both_ways: bool = False
    """Its section can carry a subscription back."""


@frozen
class Subscription:
    """One copy of a publication that we send to an endpoint."""

    mid: str
    kind: Kind
    source: Locator
    simulcast: Simulcast | None = None
    answered_at: float | None = None
    """None while the endpoint's answer to our offer is outstanding."""
    closed: bool = False
    both_ways: bool = False
    """Its section can carry a publication of the endpoint."""


@frozen
class Session:
    """One PeerConnection to the service: what was negotiated on it, and how its connection stands."""

    session_id: str
    app_id: str
    touched_at: float
    """When it was made or last took part in an exchange."""
    third_party: bool = False
    correlation_id: str | None = None
    """Labels that its maker gave it: shown, and without effect."""
    publications: Mapping[str, Publication] = Factory(dict[str, Publication])
    subscriptions: Mapping[str, Subscription] = Factory(dict[str, Subscription])
    data_channels: bool = False
    """An m=application section has been negotiated."""
    channels: Mapping[int, DataChannel] = Factory(dict[int, DataChannel])
    awaiting_answer: bool = False
    """Our offer is out and `renegotiate` has not accepted an answer yet."""
    adapter_id: str | None = None
    """The adapter whose sound it publishes: such a session has no endpoint."""
    negotiated: bool = False
    """An exchange has been completed: the endpoint's description is known."""
    connected_at: float | None = None
    lost_at: float | None = None
    recovered_at: float | None = None
    """When the connection last came back after it was lost."""
    ended_at: float | None = None
    ended_because: str = ""
    recent: tuple[float, ...] = ()
    """When the requests of the last second came."""

    @property
    def connected(self) -> bool:
        """Media can flow now."""
        return self.connected_at is not None and self.lost_at is None and self.ended_at is None


Sessions = Mapping[str, Session]


Heard = Callable[[str, str], float | None]
"""Session id and mid to the time of the last packet that arrived there; None if there was none."""

Lacks = Callable[[str, str], str | None]
"""Session id and mid of a publication to its codec, if a certain receiver has not negotiated that."""

Status = Literal["active", "inactive"]


def find_publication(sessions: Sessions, app_id: str, source: Locator) -> Publication | None:
    """The live publication under a locator, if there is one in this app (docs: apps are isolated)."""
    session = sessions.get(source.session_id)
    if session is None or session.app_id != app_id or session.ended_at is not None:
        return None
    for publication in session.publications.values():
        if publication.track_name == source.track_name and publication.ended is None:
            return publication
    return None


def subscription_status(sessions: Sessions, session: Session, subscription: Subscription) -> Status:
    """Active while its own session and its publication live; docs: inactive is closed or unavailable."""
    if subscription.closed or session.ended_at is not None:
        return "inactive"
    publication = find_publication(sessions, session.app_id, subscription.source)
    return "inactive" if publication is None else "active"


def publication_status(session: Session, publication: Publication) -> Status:
    """Active until it was closed, collected, or its session ended."""
    return "inactive" if publication.ended or session.ended_at is not None else "active"
