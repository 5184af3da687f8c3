"""A media plane without sockets: connections and packets happen when the clock or a test says so."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from hashlib import sha256

from attrs import Factory, define

from .data_manual import ManualChannels
from .data_relay import Message
from .plan import (
    Address,
    ChannelRef,
    Clock,
    Disturbance,
    LocalTransport,
    MediaEvents,
    Send,
    SessionMedia,
    Source,
    Take,
    Traffic,
)
from .rtp import Packet, parse, write


@define
class _Session:
    media: SessionMedia
    timer: asyncio.TimerHandle | None = None
    connected: bool = False
    lost: bool = False
    closed: bool = False
    cut: bool = False
    """Its network is gone."""
    held: bool = False
    """It would be connected, were it not cut."""
    silent: set[str] = Factory(set[str])
    """Receiving mids on which nothing arrives."""
    flowing: set[str] = Factory(set[str])
    """Receiving mids on which a test let packets flow."""
    last: dict[str, float] = Factory(dict[str, float])
    """When the last packet arrived on a mid that is silent now."""
    codecs: dict[str, str] = Factory(dict[str, str])
    """The codec that a test chose for a receiving mid."""


class ManualMediaPlane:
    """Pretends packets for the rules: by itself after `connect_after` seconds, or as a test commands.

    Automatic, a session connects `connect_after` seconds after the exchange that told us its endpoint, and
    everything it publishes flows from then on. With `automatic=False` nothing happens before a test calls
    `connect` and `flow`.
    """

    has_network = False

    def __init__(
        self, *, connect_after: float = 0.05, automatic: bool = True, clock: Clock | None = None
    ) -> None:
        self.connect_after = connect_after
        self.automatic = automatic
        self._given_clock = clock
        self._clock = clock
        self._events: MediaEvents | None = None
        self._sessions: dict[str, _Session] = {}
        self._taps: dict[str, tuple[Send, Take]] = {}
        self._transports = 0
        self._channels = ManualChannels(self._reports)

    # What the emulator calls.

    async def start(self, events: MediaEvents) -> None:
        """Remember whom to report to; time is the running loop's unless a clock was given."""
        self._events = events
        self._clock = self._given_clock or asyncio.get_running_loop().time

    async def stop(self) -> None:
        """Forget everything; no timer is left behind."""
        for session_id in list(self._sessions):
            self.close(session_id)
        self._channels.forget()

    def transport(self, session_id: str) -> LocalTransport:
        """Credentials that look real and lead nowhere (a documentation address)."""
        self._transports += 1
        digest = sha256(f"{session_id}/{self._transports}".encode()).hexdigest()
        pairs = [digest[i : i + 2].upper() for i in range(0, 64, 2)]
        return LocalTransport(digest[:8], digest[8:32], ":".join(pairs), Address("192.0.2.1", 9))

    def apply(self, session_id: str, media: SessionMedia) -> None:
        """Take the new picture; the first with a remote description starts the way to a connection."""
        session = self._sessions.setdefault(session_id, _Session(media))
        now = self._now()
        heard = {mid: now for mid in _receiving(session.media) if self._flows(session, mid)}
        session.media = media
        for mid in heard.keys() - set(_receiving(media)):
            session.last[mid] = heard[mid]
        fresh = session.timer is None and not session.connected and not session.lost
        if self.automatic and fresh and media.remote is not None:
            loop = asyncio.get_running_loop()
            session.timer = loop.call_later(self.connect_after, self.connect, session_id)
        self._apply_channels(session_id, session)

    def close(self, session_id: str) -> None:
        """Forget the session."""
        session = self._sessions.pop(session_id, None)
        self._channels.apply(session_id, (), None)
        if session is not None and session.timer is not None:
            session.timer.cancel()

    def last_packet(self, session_id: str, mid: str) -> float | None:
        """Now for a mid on which packets flow, else when the last one arrived."""
        session = self._sessions.get(session_id)
        if session is None:
            return None
        if mid in _receiving(session.media) and self._flows(session, mid):
            return self._now()
        return session.last.get(mid)

    def codec(self, session_id: str, mid: str) -> str | None:
        """The codec a test chose for a mid on which packets flow, else the first that was agreed on."""
        session = self._sessions.get(session_id)
        if session is None or self.last_packet(session_id, mid) is None:
            return None
        agreed = (r.codecs[0].key for r in session.media.receives if r.mid == mid and r.codecs)
        return session.codecs.get(mid) or next(agreed, None)

    def traffic(self, session_id: str) -> Traffic:
        """No packets travel, but messages do."""
        return Traffic(channels=self._channels.carried(session_id))

    def disturb(self, session_id: str, disturbance: Disturbance) -> None:
        """Lose the connection of a session that is cut, and let it have one again afterwards."""
        session = self._sessions.get(session_id)
        if session is not None and session.cut != disturbance.cut:
            session.cut = disturbance.cut
            asyncio.get_running_loop().call_soon(self._cut_or_mend, session_id)

    # Adapters: there are no packets but those that adapters and tests make.

    def inject(self, session_id: str, packet: bytes) -> None:
        """Take an RTP packet as if the session's endpoint had sent it; a section is found by payload type."""
        session, parsed = self._sessions.get(session_id), parse(packet)
        if session is None or parsed is None:
            return
        for receive in session.media.receives:
            keys = {codec.payload_type: codec.key for codec in receive.codecs if receive.active}
            if parsed.payload_type in keys:
                session.last[receive.mid] = self._now()
                self._copy(Source(session_id, receive.mid), keys[parsed.payload_type], parsed)
                return

    def tap(self, tap_id: str, send: Send, take: Take) -> None:
        """Copy the packets injected into a publication to `take`."""
        self._taps[tap_id] = (send, take)

    def untap(self, tap_id: str) -> None:
        """Copy no more."""
        self._taps.pop(tap_id, None)

    def ask_key_frame(self, tap_id: str) -> None:
        """Nobody is there to hear it."""

    # What a test calls.

    def connect(self, session_id: str) -> None:
        """The session's transport comes up, or comes back after `lose`."""
        session = self._sessions.get(session_id)
        if session is None or session.connected or session.closed:
            return
        session.held = session.cut
        if session.cut:
            return
        session.connected = True
        self._apply_channels(session_id, session)
        if session.lost:
            self._reports().recovered(session_id)
        else:
            self._reports().connected(session_id)

    def lose(self, session_id: str) -> None:
        """Connectivity is lost without a close; `connect` brings it back."""
        self._disconnect(session_id, closed=False)

    def kill(self, session_id: str) -> None:
        """The endpoint closes the connection: there is no way back."""
        self._disconnect(session_id, closed=True)

    def silence(self, session_id: str, mid: str | None = None) -> None:
        """The publisher stops sending on one mid, or on all it has."""
        session = self._sessions[session_id]
        for mid_ in [mid] if mid is not None else _receiving(session.media):
            if self._flows(session, mid_):
                session.last[mid_] = self._now()
            session.flowing.discard(mid_)
            session.silent.add(mid_)

    def flow(self, session_id: str, mid: str | None = None) -> None:
        """Packets flow on one mid, or on all the session publishes, while it is connected."""
        session = self._sessions[session_id]
        for mid_ in [mid] if mid is not None else _receiving(session.media):
            session.silent.discard(mid_)
            session.flowing.add(mid_)

    def encode(self, session_id: str, mid: str, codec_key: str) -> None:
        """The publisher uses this codec (`plan.Codec.key`) on a mid from now on."""
        self._sessions[session_id].codecs[mid] = codec_key

    def say(self, session_id: str, channel_id: int, message: Message) -> None:
        """The endpoint sends a message on one of its open data channels."""
        self._channels.say(ChannelRef(session_id, channel_id), message)

    def messages(self, session_id: str, channel_id: int) -> tuple[Message, ...]:
        """What has been brought to the endpoint on a data channel so far."""
        return self._channels.messages(ChannelRef(session_id, channel_id))

    def open_channel(self, session_id: str, channel_id: int) -> None:
        """A data channel opens at both ends; by itself it does so `connect_after` seconds after it could."""
        self._channels.open(ChannelRef(session_id, channel_id))

    def hang_up(self, session_id: str, channel_id: int) -> None:
        """The endpoint closes a data channel on its own."""
        self._channels.hang_up(ChannelRef(session_id, channel_id))

    def media(self, session_id: str) -> SessionMedia:
        """What the rules last asked of this session."""
        return self._sessions[session_id].media

    def _copy(self, source: Source, codec_key: str, packet: Packet) -> None:
        for send, take in list(self._taps.values()):
            numbers = {codec.key: codec.payload_type for codec in send.codecs}
            if send.source == source and codec_key in numbers:
                copy = write(
                    marker=packet.marker,
                    payload_type=numbers[codec_key],
                    sequence=packet.sequence,
                    timestamp=packet.timestamp,
                    ssrc=send.ssrc,
                    extensions=b"",
                    payload=packet.payload,
                )
                take(copy)

    def _cut_or_mend(self, session_id: str) -> None:
        session = self._sessions.get(session_id)
        if session is None:
            return
        if session.cut and session.connected:
            self.lose(session_id)
            session.held = True
        elif session.held and not session.cut:
            self.connect(session_id)

    def _disconnect(self, session_id: str, *, closed: bool) -> None:
        session = self._sessions[session_id]
        for mid in _receiving(session.media):
            if self._flows(session, mid):
                session.last[mid] = self._now()
        session.connected, session.lost, session.closed = False, True, closed
        self._reports().lost(session_id, closed=closed)

    def _apply_channels(self, session_id: str, session: _Session) -> None:
        able = self.automatic and session.connected and session.media.data_channels is not None
        self._channels.apply(session_id, session.media.channels, self.connect_after if able else None)

    def _flows(self, session: _Session, mid: str) -> bool:
        wanted = self.automatic or mid in session.flowing
        return session.connected and wanted and mid not in session.silent

    def _now(self) -> float:
        if self._clock is None:
            raise RuntimeError("The media plane has not been started.")
        return self._clock()

    def _reports(self) -> MediaEvents:
        if self._events is None:
            raise RuntimeError("The media plane has not been started.")
        return self._events


def _receiving(media: SessionMedia) -> Iterable[str]:
    return [receive.mid for receive in media.receives if receive.active]
