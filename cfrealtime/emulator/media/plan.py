"""What the rules tell a media plane, and what it tells them: values only, no I/O.

The rules never drive packets. They state, per session, the whole picture as one `SessionMedia`; a media
plane compares it with what it does now and brings itself there. Two planes exist: `manual` (virtual time,
no sockets) and `udp` (real ICE, DTLS and SRTP).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Literal, Protocol

from attrs import Factory, field, frozen

Kind = Literal["audio", "video"]


@frozen
class Address:
    """Where a plane can be reached: one IPv4 address and one UDP port."""

    host: str
    port: int


@frozen
class LocalTransport:
    """What our side writes into every description of one session."""

    ufrag: str
    pwd: str = field(repr=False)
    fingerprint: str
    """SHA-256 fingerprint of the server's certificate, in colon-separated upper-case hexadecimal."""
    address: Address


@frozen
class RemoteTransport:
    """What the endpoint wrote into its description."""

    ufrag: str
    pwd: str = field(repr=False)
    fingerprints: tuple[tuple[str, str], ...]
    """Pairs of (hash function in lower case, value)."""
    setup: Literal["active", "passive", "actpass"]


@frozen
class Codec:
    """One payload type of one section, as this session numbers it."""

    payload_type: int
    key: str
    """Name, clock, channels and the parameters that make two codecs differ: equal keys are the same codec."""
    clock_rate: int
    rtx_payload_type: int | None = None


@frozen
class Receive:
    """A section on which the endpoint sends to us (it publishes)."""

    mid: str
    kind: Kind
    codecs: tuple[Codec, ...]
    extensions: Mapping[str, int]
    """Extension URI to its number in this session."""
    ssrcs: tuple[int, ...] = ()
    rtx_ssrcs: Mapping[int, int] = Factory(dict[int, int])
    """Media SSRC to the SSRC of its retransmissions."""
    rids: tuple[str, ...] = ()
    active: bool = True
    """False once closed by force: packets that still arrive are dropped."""


@frozen
class Source:
    """Which section of which session a subscription copies."""

    session_id: str
    mid: str


@frozen
class Send:
    """A section on which we send to the endpoint (it subscribes)."""

    mid: str
    kind: Kind
    ssrc: int
    rtx_ssrc: int | None
    codecs: tuple[Codec, ...]
    extensions: Mapping[str, int]
    source: Source | None
    """None while nothing is forwarded: closed by force, or the publisher has gone."""
    preferred_rid: str | None = None


@frozen
class SessionMedia:
    """Everything a media plane does for one session: the whole picture, not a change."""

    local: tuple[LocalTransport, ...]
    """The newest last; older credentials stay valid after an ICE restart."""
    remote: RemoteTransport | None = None
    """None until the endpoint's first description is known."""
    receives: tuple[Receive, ...] = ()
    sends: tuple[Send, ...] = ()
    data_channels: bool = False
    """True once a section m=application has been negotiated."""


class MediaEvents(Protocol):
    """What a media plane reports. Called on the event loop, never from inside a plane's own call."""

    def connected(self, session_id: str) -> None:
        """The DTLS handshake of the session's transport is complete."""
        ...

    def lost(self, session_id: str, *, closed: bool) -> None:
        """Connectivity is gone: by the peer's close (`closed`), or because consent expired."""
        ...

    def recovered(self, session_id: str) -> None:
        """Connectivity lost without a close is back."""
        ...


class MediaPlane(Protocol):
    """A carrier of packets for many sessions."""

    async def start(self, events: MediaEvents) -> None:
        """Open what the plane needs and remember whom to report to."""
        ...

    async def stop(self) -> None:
        """Close every transport and socket."""
        ...

    def transport(self, session_id: str) -> LocalTransport:
        """Fresh credentials under which `session_id` can be reached from now on."""
        ...

    def apply(self, session_id: str, media: SessionMedia) -> None:
        """Make the session's media look like `media`. Idempotent."""
        ...

    def close(self, session_id: str) -> None:
        """Forget the session and everything it carries."""
        ...

    def last_packet(self, session_id: str, mid: str) -> float | None:
        """When media last arrived on a receiving section, by the plane's clock; None if never."""
        ...


Clock = Callable[[], float]
"""Seconds, monotonic: the time of the running event loop unless a test passes its own."""
