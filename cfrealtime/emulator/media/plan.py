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

MAX_MESSAGE_SIZE = 262_144
"""Bytes of the longest message that a data channel carries, and what our descriptions say of it."""


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
    rids: tuple[str, ...] = ()
    """The layers that may be sent, the most wanted first; without any, whatever there is. A publication
    without layers is sent in any case."""


@frozen
class DataTransport:
    """What the endpoint wrote about its SCTP association (RFC 8841, whose defaults these are)."""

    port: int = 5000
    max_message_size: int = 65_536
    """The longest message it takes, in bytes; 0 when it takes any."""


@frozen
class Delivery:
    """How hard a data channel tries to deliver: at most one of the two limits is set."""

    ordered: bool = True
    max_retransmits: int | None = None
    max_packet_life_time: int | None = None
    """Milliseconds."""


@frozen
class ChannelRef:
    """One data channel of one session, by the id it has there."""

    session_id: str
    id: int


@frozen
class Channel:
    """A data channel between us and one endpoint."""

    id: int
    label: str
    delivery: Delivery = Delivery()
    announced: bool = False
    """We open it in-band (RFC 8832); any other is opened by both sides under an id they know."""
    source: ChannelRef | None = None
    """Whose messages it brings to the endpoint; None where the endpoint is the one who speaks."""
    gated: bool = False
    """Nothing is brought before the endpoint's first message, which goes no further."""
    replies: ChannelRef | None = None
    """On a publisher's channel: the one subscriber's channel whose messages come back on it."""
    silent: bool = False
    """What the endpoint says goes nowhere."""


@frozen
class SessionMedia:
    """Everything a media plane does for one session: the whole picture, not a change."""

    local: tuple[LocalTransport, ...]
    """The newest last; older credentials stay valid after an ICE restart."""
    remote: RemoteTransport | None = None
    """None until the endpoint's first description is known."""
    receives: tuple[Receive, ...] = ()
    sends: tuple[Send, ...] = ()
    data_channels: DataTransport | None = None
    """Set once a section m=application has been negotiated."""
    channels: tuple[Channel, ...] = ()
    """Those that are open or shall be; one that is missing is closed."""


@frozen
class Way:
    """What happens to packets on their way in one direction."""

    loss: float = 0.0
    """The share that is lost."""
    jitter: float = 0.0
    """Seconds by which a packet is late at most."""


@frozen
class Disturbance:
    """What a session's network does to it because somebody asked for it: the whole picture, not a change."""

    up: Way = Way()
    """From the endpoint to us."""
    down: Way = Way()
    cut: bool = False
    """Nothing arrives any more on either side."""
    seed: str = ""
    """Equal seeds lose the same packets."""


@frozen
class Carried:
    """What has been carried on a section or a data channel so far, repetitions aside."""

    packets: int
    """Of a data channel, messages."""
    bytes: int
    """Of payload."""


@frozen
class Traffic:
    """What a session's sections have carried, by mid, and its open data channels, by id."""

    received: Mapping[str, Carried] = Factory(dict[str, Carried])
    """From the endpoint."""
    sent: Mapping[str, Carried] = Factory(dict[str, Carried])
    channels: Mapping[int, Carried] = Factory(dict[int, Carried])
    """From its publisher to its subscribers, replies aside."""


class ChannelEvents(Protocol):
    """What a media plane reports of data channels. Called as `MediaEvents` is."""

    def channel_opened(self, session_id: str, channel_id: int) -> None:
        """Messages can be exchanged on the channel."""
        ...

    def channel_acknowledged(self, session_id: str, channel_id: int) -> None:
        """The first message of a gated channel has come, and was taken away."""
        ...

    def channel_closed(self, session_id: str, channel_id: int) -> None:
        """The channel is closed, and not because we were told to close it."""
        ...


class MediaEvents(ChannelEvents, Protocol):
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

    @property
    def has_network(self) -> bool:
        """Whether packets travel, so that they can be lost and be late."""
        ...

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

    def codec(self, session_id: str, mid: str) -> str | None:
        """The key of the codec (`Codec.key`) in which media last arrived on a receiving section."""
        ...

    def traffic(self, session_id: str) -> Traffic:
        """What has been carried on each section and data channel; of missing ones nothing is known."""
        ...

    def disturb(self, session_id: str, disturbance: Disturbance) -> None:
        """Make the session's network behave like this; without `has_network` it can only be cut."""
        ...

    # For what is neither sent by an endpoint nor to one.

    def inject(self, session_id: str, packet: bytes) -> None:
        """Take an RTP packet as if the session's endpoint had sent it."""
        ...

    def tap(self, tap_id: str, send: Send, take: Take) -> None:
        """Copy a publication to `take`, as to an endpoint that subscribes, until `untap`.

        `take` must not call the plane.
        """
        ...

    def untap(self, tap_id: str) -> None:
        """Copy no more."""
        ...

    def ask_key_frame(self, tap_id: str) -> None:
        """Whoever listens at a tap cannot go on without a key frame."""
        ...


Take = Callable[[bytes], None]
"""Takes an RTP packet, numbered as the `Send` of its tap says; one of any other payload type is not media."""

Clock = Callable[[], float]
"""Seconds, monotonic: the time of the running event loop unless a test passes its own."""
