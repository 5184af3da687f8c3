"""The real media plane: every session on one UDP socket, with ICE, DTLS and SRTP.

A datagram's first byte tells what it is (RFC 7983). Checks of ICE tie addresses to sessions; everything else
goes to the session of its address, is decrypted there, and comes back to the forwarder as bytes.
"""

from __future__ import annotations

import asyncio
import ipaddress
import secrets
from collections.abc import Coroutine
from functools import partial
from typing import Any

from attrs import evolve

from cfrealtime.emulator.limits import CONSENT

from . import rtcp
from .data_association import ChannelCallbacks
from .data_relay import Message, Relay
from .forwarder import OWN_SSRC, Forwarder
from .ice import Peer, Responder
from .link import Link
from .network import outgoing_address
from .plan import (
    Address,
    ChannelRef,
    Clock,
    Disturbance,
    LocalTransport,
    MediaEvents,
    RemoteTransport,
    Send,
    SessionMedia,
    Take,
    Traffic,
)
from .port import Port
from .secure import Callbacks, Certificate, SecureTransport
from .subscription import Emit

TICK = 0.05


class MediaPlaneError(RuntimeError):
    """The media plane cannot start; the message says what to change."""


class UdpMediaPlane:
    """Carries real packets, of all sessions on one UDP port. Implements `MediaPlane`.

    `advertise` is the IPv4 address under which endpoints find `host`, where that is another one: of a machine
    with many addresses, or of a container.
    """

    has_network = True

    def __init__(
        self,
        host: str = "127.0.0.1",
        port: int = 0,
        clock: Clock | None = None,
        *,
        advertise: str | None = None,
    ) -> None:
        self._host = host
        self._port_number = port
        self._advertised = advertise
        self._given_clock = clock
        self._links: dict[str, Link] = {}
        self._by_peer: dict[Peer, str] = {}
        self._taps: dict[str, tuple[int, Take]] = {}
        self._responder = Responder()
        self._forwarder = Forwarder(self._outlet)
        self._relay = Relay(self._deliver, self._acknowledged)
        self._closing: set[asyncio.Task[None]] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._port: Port | None = None

    # Life.

    async def start(self, events: MediaEvents) -> None:
        """Open the socket. Raises MediaPlaneError when it cannot be had."""
        self._loop = asyncio.get_running_loop()
        self._clock = self._given_clock or self._loop.time
        self._events = events
        self._certificate = Certificate()
        try:
            self._port = await Port.open(self._host, self._port_number, self.datagram)
        except OSError as error:
            raise MediaPlaneError(
                f"cannot open UDP {self._host}:{self._port_number} for media ({error.strerror or error}); "
                "choose an address of this machine and a free port, or port 0 for any"
            ) from error
        self._sender = self._port.sender
        host, port = self._port.address
        if self._advertised is not None:
            host = self._advertised
        elif ipaddress.ip_address(host).is_unspecified:
            host = outgoing_address() or "127.0.0.1"
        self._address = Address(host, port)

    async def stop(self) -> None:
        """Close every session and the socket; nothing of it stays behind."""
        for session_id in tuple(self._links):
            self.close(session_id)
        while self._closing:
            await asyncio.gather(*self._closing, return_exceptions=True)
        if self._timer is not None:
            self._timer.cancel()
        if self._port is not None:
            port, self._port = self._port, None
            await port.aclose()

    @property
    def address(self) -> Address:
        """Where endpoints find us, once started."""
        return self._address

    # What the rules say.

    def transport(self, session_id: str) -> LocalTransport:
        """Fresh credentials under which the session can be reached from now on."""
        self._links.setdefault(session_id, Link(self._sender))
        local = LocalTransport(
            ufrag=secrets.token_hex(8),
            pwd=secrets.token_hex(16),
            fingerprint=self._certificate.fingerprint,
            address=self._address,
        )
        self._responder.add(session_id, local.ufrag, local.pwd)
        if self._timer is None:
            self._timer = self._loop.call_later(TICK, self._tick)
        return local

    def apply(self, session_id: str, media: SessionMedia) -> None:
        """Make the session's media look like `media`. Idempotent; a session that was closed stays so."""
        link = self._links.get(session_id)
        if link is None:
            return
        if media.remote is not None and link.transport is None:
            link.transport = self._secure(session_id, link, media.remote)
        self._relay.apply(session_id, media.channels)
        if link.transport is not None:
            link.transport.carry(media.data_channels, media.channels)
        self._forwarder.apply(session_id, media.receives, media.sends, self._clock())

    def close(self, session_id: str) -> None:
        """Forget the session and everything it carries."""
        link = self._links.pop(session_id, None)
        if link is None:
            return
        self._responder.remove(session_id)
        self._forwarder.close(session_id)
        self._relay.apply(session_id, ())
        for peer in link.peers:
            self._by_peer.pop(peer, None)
        link.close()
        if link.transport is not None:
            self._later(link.transport.aclose())

    def last_packet(self, session_id: str, mid: str) -> float | None:
        """When media last arrived on a receiving section, by the plane's clock; None if never."""
        return self._forwarder.last_packet(session_id, mid)

    def codec(self, session_id: str, mid: str) -> str | None:
        """The codec in which media last arrived on a receiving section; None if none did."""
        return self._forwarder.codec(session_id, mid)

    def traffic(self, session_id: str) -> Traffic:
        """What has been carried on each section and data channel."""
        return evolve(self._forwarder.traffic(session_id), channels=self._relay.carried(session_id))

    def disturb(self, session_id: str, disturbance: Disturbance) -> None:
        """Make the session's network behave like this."""
        link = self._links.get(session_id)
        if link is not None:
            link.disturb(disturbance)

    # Adapters.

    def inject(self, session_id: str, packet: bytes) -> None:
        """Take an RTP packet as if the session's endpoint had sent it."""
        self._rtp(session_id, packet)

    def tap(self, tap_id: str, send: Send, take: Take) -> None:
        """Copy a publication to `take`: the forwarder sees one more session, which is always ready."""
        self._taps[tap_id] = (send.ssrc, take)
        self._forwarder.apply(tap_id, (), (send,), self._clock())
        self._forwarder.ready(tap_id, self._clock())

    def untap(self, tap_id: str) -> None:
        """Copy no more."""
        if self._taps.pop(tap_id, None) is not None:
            self._forwarder.close(tap_id)

    def ask_key_frame(self, tap_id: str) -> None:
        """Ask as a subscriber does, so that the publisher is not asked too often."""
        if tap_id in self._taps:
            ssrc, _ = self._taps[tap_id]
            self._forwarder.rtcp(tap_id, rtcp.key_frame_request(OWN_SSRC, ssrc), self._clock())

    # What a test does.

    def cut(self, session_id: str, *, mended: bool = False) -> None:
        """Lose the session's network without a word to anyone, or mend it."""
        self._links[session_id].cut = not mended

    def _later(self, work: Coroutine[Any, Any, None]) -> None:
        task = self._loop.create_task(work)
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)

    # What the network says.

    def datagram(self, data: bytes, peer: Peer) -> None:
        """A datagram arrived; anything unknown or malformed is dropped."""
        first = data[0] if data else 255
        if first < 4:
            self._check(data, peer)
        elif 20 <= first < 64 or 128 <= first < 192:
            link = self._links.get(self._by_peer.get(peer, ""))
            if link is not None:
                link.arrived(data)

    def _check(self, data: bytes, peer: Peer) -> None:
        check = self._responder.check(data, peer)
        if check is None:
            return
        link = self._links[check.session_id]
        if link.cut:
            return
        self._sender.send(check.response, peer)
        before = self._by_peer.get(peer)
        if before is not None and before != check.session_id:
            self._links[before].peers.discard(peer)  # a port used anew by another session
        self._by_peer[peer] = check.session_id
        link.peers.add(peer)
        if check.nominated or link.path is None:
            link.path = peer
        link.checked_at = self._clock()
        if link.lost:
            link.lost = False
            self._forwarder.ready(check.session_id, self._clock())
            self._events.recovered(check.session_id)

    def _secure(self, session_id: str, link: Link, remote: RemoteTransport) -> SecureTransport:
        callbacks = Callbacks(
            send=link.send_datagram,
            rtp=partial(self._rtp, session_id),
            rtcp=partial(self._rtcp, session_id),
            connected=partial(self._connected, session_id),
            closed=partial(self._closed, session_id),
            channels=ChannelCallbacks(
                opened=partial(self._events.channel_opened, session_id),
                closed=partial(self._events.channel_closed, session_id),
                message=partial(self._message, session_id),
            ),
        )
        return SecureTransport(self._certificate, remote, callbacks)

    def _rtp(self, session_id: str, data: bytes) -> None:
        self._forwarder.rtp(session_id, data, self._clock())

    def _rtcp(self, session_id: str, data: bytes) -> None:
        self._forwarder.rtcp(session_id, data, self._clock())

    def _message(self, session_id: str, channel_id: int, message: Message) -> None:
        self._relay.message(ChannelRef(session_id, channel_id), message)

    def _acknowledged(self, ref: ChannelRef) -> None:
        self._events.channel_acknowledged(ref.session_id, ref.id)

    def _deliver(self, ref: ChannelRef, message: Message) -> None:
        link = self._links.get(ref.session_id)
        if link is not None and link.transport is not None:
            link.transport.send_message(ref.id, message)

    def _connected(self, session_id: str) -> None:
        link = self._links.get(session_id)
        if link is not None:
            link.connected = True
            self._forwarder.ready(session_id, self._clock())
            self._events.connected(session_id)

    def _closed(self, session_id: str) -> None:
        link = self._links.get(session_id)
        if link is not None:
            link.connected = link.lost = False
            self._forwarder.unready(session_id)
            self._events.lost(session_id, closed=True)

    def _tick(self) -> None:
        """What time alone brings: due feedback, and sessions whose consent has expired."""
        self._timer = self._loop.call_later(TICK, self._tick) if self._links else None
        now = self._clock()
        self._forwarder.tick(now)
        for session_id, link in tuple(self._links.items()):
            if link.connected and not link.lost and now - link.checked_at > CONSENT:
                link.lost = True
                self._forwarder.unready(session_id)
                self._events.lost(session_id, closed=False)

    # Sending.

    def _outlet(self, session_id: str) -> Emit:
        """What takes the packets of the forwarder for a session or a tap."""
        if session_id in self._taps:
            _, take = self._taps[session_id]
            return take
        return self._links[session_id].send
