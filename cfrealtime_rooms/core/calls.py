"""API calls as values, and what became of them."""

from __future__ import annotations

from typing import Literal

from attrs import field, frozen

from cfrealtime.models import (
    CloseResult,
    LocalTrack,
    RemoteTrack,
    SessionDescription,
    SessionState,
    TracksResult,
)

from .secrecy import SECRET


@frozen
class NewSession:
    """Create a session. It expires by itself when never used."""

    @property
    def session_id(self) -> None:
        """Not known yet."""
        return None


@frozen
class Publish:
    """Hand the client's offer to the SFU, with the sections that become publications."""

    session_id: str
    offer: str = field(repr=False, metadata=SECRET)
    tracks: tuple[LocalTrack, ...]


@frozen
class Subscribe:
    """Ask the SFU for an offer that carries these publications."""

    session_id: str
    tracks: tuple[RemoteTrack, ...]


@frozen
class Renegotiate:
    """Hand the client's answer to the SFU."""

    session_id: str
    answer: str = field(repr=False, metadata=SECRET)


@frozen
class Update:
    """Point receiving mids at other publications."""

    session_id: str
    tracks: tuple[RemoteTrack, ...]


@frozen
class Close:
    """Close mids by force: no SDP, idempotent."""

    session_id: str
    mids: tuple[str, ...]


@frozen
class Look:
    """Read what the SFU holds for a session."""

    session_id: str


ApiCall = NewSession | Publish | Subscribe | Renegotiate | Update | Close | Look


CallValue = str | TracksResult | CloseResult | SessionState | SessionDescription | None
"""A session id for `NewSession`, a description or None for `Renegotiate`, else the result of the call."""


@frozen
class Succeeded:
    """The SFU answered; single items may have failed all the same."""

    value: CallValue = field(repr=False)


@frozen
class Failed:
    """The call as a whole came to nothing, or nobody knows."""

    outcome: Literal["not_sent", "refused", "unknown"]
    status: int | None = None
    code: str | None = None
    retry_after: float | None = None
    cf_ray: str | None = field(default=None, eq=False)
    """Cloudflare's id of the request, for its support."""

    @property
    def gone(self) -> bool:
        """The session is expired or closed (410), or the SFU does not know it (404)."""
        return self.outcome == "refused" and self.status in (404, 410)

    @property
    def uncertain(self) -> bool:
        """It may have happened at the SFU all the same: no answer, or a fault in the midst of it."""
        if self.outcome == "refused":
            return (self.status or 0) >= 500 and self.code != "retryable_transient_error"
        return self.outcome == "unknown"


CallOutcome = Succeeded | Failed
