"""A peer that carries real packets: ICE, DTLS and SRTP without a codec in sight.

Needs the extra `emulator` (aiortc). A process holds a hundred of them: clips are packetised once, what
arrives is counted and not decoded.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import Any

from cfrealtime_rooms.core.commands import TrackKind
from cfrealtime_rooms.testing import rtp, sdp
from cfrealtime_rooms.testing.media import Media, synthetic
from cfrealtime_rooms.testing.negotiator import Negotiator, Outgoing, PeerError
from cfrealtime_rooms.testing.peer import PeerState, Received, Sent
from cfrealtime_rooms.testing.streams import ReceiveStream, SendStream

try:
    from aiortc.rtcdtlstransport import (
        RTCCertificate,
        RTCDtlsFingerprint,
        RTCDtlsParameters,
        RTCDtlsTransport,
    )

    from cfrealtime_rooms.testing.ice import IceClient
except ModuleNotFoundError as missing:
    raise ModuleNotFoundError("LightPeer needs aiortc: pip install 'cfrealtime[emulator]'") from missing

_REPORT_EVERY = 1.0
_ASK_EVERY = 0.05


class _Dtls(RTCDtlsTransport):
    """aiortc's DTLS-SRTP, its packets handed over as bytes. All private names of aiortc are in this class."""

    def __init__(
        self, transport: IceClient, rtp_data: Callable[[bytes], None], rtcp_data: Callable[[bytes], None]
    ) -> None:
        # aiortc names its own ICE transport, and uses three names of it: `role`, `_recv` and `_send`.
        ice: Any = transport
        super().__init__(ice, [RTCCertificate.generateCertificate()])
        self._rtp_data, self._rtcp_data = rtp_data, rtcp_data

    async def _handle_rtp_data(self, data: bytes, arrival_time_ms: int) -> None:
        self._rtp_data(data)

    async def _handle_rtcp_data(self, data: bytes) -> None:
        self._rtcp_data(data)

    def send(self, data: bytes) -> None:
        """Encrypt and send RTP or RTCP at once."""
        _run(self._send_rtp(data))


def _run(step: Coroutine[Any, Any, None]) -> None:
    """Finish a coroutine that never suspends."""
    try:
        step.send(None)
    except (StopIteration, ConnectionError):
        return
    finally:
        step.close()


class LightPeer:
    """A connection with canned media. `timeout` bounds connecting, and how long a lost path goes unseen."""

    def __init__(self, media: Media = synthetic, *, timeout: float = 7.0, data: bool = False) -> None:
        self.on_change: Callable[[], None] = lambda: None
        self._media = media
        self._ice = IceClient(timeout=timeout, lost=self._failed)
        self._dtls = _Dtls(self._ice, self._rtp, self._rtcp)
        self._data = data
        self._negotiator: Negotiator | None = None
        self._state: PeerState = "new"
        self._muted = set[str]()
        self._senders = dict[str, SendStream]()
        self._receivers = dict[str, ReceiveStream]()
        self._by_ssrc = dict[int, tuple[ReceiveStream, bool]]()
        """Media and RTX streams by SSRC; True for RTX."""
        self._mid_extension: int | None = None
        self._level_extension: int | None = None
        self._connecting: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._report_due = 0.0
        self._ask_due = 0.0

    @property
    def state(self) -> PeerState:
        """See `Peer`."""
        return self._state

    @property
    def sending(self) -> frozenset[str]:
        """See `Peer`."""
        if self._state != "connected":
            return frozenset[str]()
        return frozenset(source for source, sender in self._senders.items() if sender.sent.packets)

    async def create_offer(self, add: Sequence[Outgoing] = ()) -> tuple[str, Mapping[str, str]]:
        """See `Peer`."""
        negotiator = await self._opened()
        self._muted.update(one.source for one in add if one.muted)
        return negotiator.offer(add)

    def rollback(self) -> None:
        """See `Peer`."""
        if self._negotiator is not None:
            self._negotiator.rollback()

    async def apply_answer(self, text: str) -> None:
        """See `Peer`."""
        negotiator = await self._opened()
        negotiator.answered(text)
        self._negotiated(negotiator)

    async def answer(self, text: str) -> str:
        """See `Peer`."""
        negotiator = await self._opened()
        answer = negotiator.accept(text)
        self._negotiated(negotiator)
        return answer

    def mute(self, source: str, *, muted: bool) -> None:
        """See `Peer`."""
        (self._muted.add if muted else self._muted.discard)(source)
        if (sender := self._senders.get(source)) is not None:
            sender.mute(self._now(), muted=muted)

    def unpublish(self, source: str) -> None:
        """See `Peer`."""
        self._senders.pop(source, None)
        self._muted.discard(source)
        if self._negotiator is not None:
            self._negotiator.unpublish(source)

    def received(self, mid: str) -> Received:
        """See `Peer`."""
        return self._receivers[mid].received if mid in self._receivers else Received()

    def sent(self, source: str) -> Sent:
        """See `Peer`."""
        return self._senders[source].sent if source in self._senders else Sent()

    def break_connection(self) -> None:
        """See `Peer`: the socket is gone, and noticed when consent expires."""
        self._stop_pacing()
        self._ice.drop()

    async def close(self) -> None:
        """See `Peer`."""
        if self._state == "closed":
            return
        self._state = "closed"
        self._stop_pacing()
        if self._connecting is not None and not self._connecting.done():
            self._connecting.cancel()
            await asyncio.wait([self._connecting])
        self._dtls.remove_all_listeners()
        await self._dtls.stop()
        self._ice.close()

    # Connecting.

    async def _opened(self) -> Negotiator:
        if self._state == "closed":
            raise PeerError("the connection is closed")
        if self._negotiator is None:
            await self._ice.open()
            fingerprints = tuple(
                (one.algorithm, one.value)
                for one in self._dtls.getLocalParameters().fingerprints
                if one.algorithm == "sha-256"
            )
            transport = sdp.Transport(self._ice.ufrag, self._ice.pwd, fingerprints, self._ice.candidates)
            self._negotiator = Negotiator(transport, data=self._data)
        return self._negotiator

    def _negotiated(self, negotiator: Negotiator) -> None:
        for section in negotiator.sections:
            if section.kind == "application":
                continue
            if section.source is None:
                self._prepare_receiving(section, section.kind)
            elif negotiator.published(section.source) is section and section.source not in self._senders:
                clips = self._media(section.source, section.kind)
                muted = section.source in self._muted
                self._senders[section.source] = SendStream(section, clips, muted=muted, now=self._now())
        if self._connecting is None and negotiator.remote is not None:
            self._connecting = asyncio.ensure_future(self._connect(negotiator.remote))
        elif self._state == "connected":
            self._pace()

    def _prepare_receiving(self, section: sdp.Section, kind: TrackKind) -> None:
        self._mid_extension = section.extensions.get(sdp.MID, self._mid_extension)
        self._level_extension = section.extensions.get(sdp.AUDIO_LEVEL, self._level_extension)
        stream = self._receivers.get(section.mid)
        if stream is None:
            stream = self._receivers[section.mid] = ReceiveStream(section.mid, kind)
        for ssrc in section.ssrcs:
            self._by_ssrc[ssrc] = stream, False
        for ssrc in section.rtx_ssrcs.values():
            self._by_ssrc[ssrc] = stream, True

    async def _connect(self, remote: sdp.Transport) -> None:
        fingerprints = [
            RTCDtlsFingerprint(algorithm=name, value=value) for name, value in remote.fingerprints
        ]
        try:
            await self._ice.connect(remote)
            await self._dtls.start(RTCDtlsParameters(fingerprints=fingerprints, role="server"))
        except ConnectionError:
            self._failed()
            return
        if self._dtls.state != "connected":
            self._failed()
            return
        self._dtls.on("statechange", self._dtls_changed)
        self._state = "connected"
        now = self._now()
        for sender in self._senders.values():
            sender.due = now
        self.on_change()
        self._pace()

    def _dtls_changed(self) -> None:
        if self._dtls.state in ("closed", "failed"):
            self._failed()

    def _failed(self) -> None:
        if self._state in ("failed", "closed"):
            return
        self._state = "failed"
        self._stop_pacing()
        self.on_change()

    # Sending: one timer for all sources.

    def _now(self) -> float:
        return asyncio.get_running_loop().time()

    def _stop_pacing(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _pace(self) -> None:
        self._stop_pacing()
        if self._state != "connected":
            return
        now = self._now()
        started = False
        for sender in self._senders.values():
            while sender.due <= now:
                started = started or not sender.sent.packets
                for packet in sender.frame(now):
                    self._dtls.send(packet)
        if now >= self._ask_due:
            self._ask_due = now + _ASK_EVERY
            self._ask()
        if now >= self._report_due:
            self._report_due = now + _REPORT_EVERY
            self._report(now)
        due = min((sender.due for sender in self._senders.values()), default=now + _ASK_EVERY)
        loop = asyncio.get_running_loop()
        self._timer = loop.call_at(min(due, now + _ASK_EVERY), self._pace)
        if started:
            self.on_change()

    def _report(self, now: float) -> None:
        wall, own = time.time(), 1
        for source, sender in self._senders.items():
            own = sender.ssrc
            sent = sender.sent
            timestamp = sender.timestamp(now)
            self._dtls.send(
                rtp.sender_report(
                    own, wall, timestamp, sent.packets, sent.bytes, f"{self._ice.ufrag}-{source}"
                )
            )
        blocks = [block for one in self._receivers.values() if (block := one.reception(now)) is not None]
        if blocks:
            self._dtls.send(rtp.receiver_report(own, blocks) + rtp.source_description(own, self._ice.ufrag))
        for stream in self._receivers.values():
            if stream.wants_key_frame and stream.ssrc is not None:
                self._dtls.send(rtp.key_frame_request(own, stream.ssrc))

    def _ask(self) -> None:
        """Ask again for what is missing."""
        for stream in self._receivers.values():
            missing = stream.to_ask()
            if missing and stream.ssrc is not None:
                self._dtls.send(rtp.nack(1, stream.ssrc, missing))

    # Receiving.

    def _rtp(self, data: bytes) -> None:
        packet = rtp.parse(data)
        if packet is None:
            return
        known = self._by_ssrc.get(packet.ssrc) or self._learn(packet)
        if known is None:
            return
        stream, retransmission = known
        now = self._now()
        if retransmission:
            stream.retransmission(packet, len(data), now)
        else:
            level = packet.extensions.get(self._level_extension) if self._level_extension else None
            first = stream.ssrc is None
            stream.packet(packet, len(data), level[0] if level else None, now)
            if first and stream.wants_key_frame:
                self._dtls.send(rtp.key_frame_request(1, packet.ssrc))
        self.on_change()

    def _learn(self, packet: rtp.Packet) -> tuple[ReceiveStream, bool] | None:
        """An SSRC no description named: its mid tells."""
        mid = packet.extensions.get(self._mid_extension) if self._mid_extension is not None else None
        stream = self._receivers.get(mid.decode(errors="replace")) if mid else None
        if stream is None or self._negotiator is None:
            return None
        sections = {section.mid: section for section in self._negotiator.sections}
        rtx = {codec.payload_type for codec in sections[stream.mid].codecs if codec.base is not None}
        self._by_ssrc[packet.ssrc] = known = stream, packet.payload_type in rtx
        return known

    def _rtcp(self, data: bytes) -> None:
        now = self._now()
        for item in rtp.feedback(data):
            sender = next((one for one in self._senders.values() if one.ssrc == item.ssrc), None)
            if item.kind == "sender_report" and item.ssrc in self._by_ssrc:
                self._by_ssrc[item.ssrc][0].sender_report(item.ntp, now)
            elif sender is not None and item.kind == "key_frame":
                sender.key_frame(now)
                self._pace()
            elif sender is not None and item.kind == "nack":
                for packet in sender.retransmit(item.sequences):
                    self._dtls.send(packet)
