"""The media side of a synthetic participant: what it needs of a connection, and the one without a network.

`SilentPeer` writes real session descriptions and claims to be connected after a while: for virtual time.
`cfrealtime_rooms.testing.light.LightPeer` carries real packets.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Mapping, Sequence
from typing import Literal, Protocol

from attrs import evolve, frozen

from cfrealtime_rooms.testing import sdp
from cfrealtime_rooms.testing.negotiator import Negotiator, Outgoing

PeerState = Literal["new", "connected", "failed", "closed"]


@frozen
class Received:
    """What has arrived on one receiving section."""

    packets: int = 0
    bytes: int = 0
    lost: int = 0
    """Never arrived, retransmissions included."""
    last_at: float | None = None
    """By the time of the event loop."""
    frames: int = 0
    """Pictures whose last packet arrived."""
    key_frames: int = 0
    size: tuple[int, int] | None = None
    """Of the newest key frame."""
    audible: int = 0
    """Packets of sound whose sender says that it is not silence."""

    @property
    def decodable(self) -> bool:
        """True once a picture could be shown: a key frame arrived and frames since."""
        return self.key_frames > 0 and self.frames > 0

    def since(self, earlier: Received) -> Received:
        """What has arrived since `earlier`."""
        return evolve(
            self,
            packets=self.packets - earlier.packets,
            bytes=self.bytes - earlier.bytes,
            lost=self.lost - earlier.lost,
            frames=self.frames - earlier.frames,
            key_frames=self.key_frames - earlier.key_frames,
            audible=self.audible - earlier.audible,
            last_at=self.last_at if self.packets > earlier.packets else None,
            size=self.size if self.key_frames > earlier.key_frames else None,
        )


@frozen
class Sent:
    """What has left on one source."""

    packets: int = 0
    bytes: int = 0


class Peer(Protocol):
    """One connection to the SFU, as RTCPeerConnection is one."""

    on_change: Callable[[], None]
    """Called when `state` or `sending` changed, or media arrived that a test may wait for."""

    @property
    def state(self) -> PeerState:
        """`connected` once packets can flow; `failed` once they no longer can."""
        ...

    @property
    def sending(self) -> frozenset[str]:
        """The sources on which packets have left."""
        ...

    async def create_offer(self, add: Sequence[Outgoing] = ()) -> tuple[str, Mapping[str, str]]:
        """An offer with these sources added, and the mid of each. It waits for its answer."""
        ...

    def rollback(self) -> None:
        """Forget the offer that waits for its answer, if there is one."""
        ...

    async def apply_answer(self, text: str) -> None:
        """The answer to our offer."""
        ...

    async def answer(self, text: str) -> str:
        """Apply the other side's offer and answer it."""
        ...

    def mute(self, source: str, *, muted: bool) -> None:
        """Send silence or a black picture instead."""
        ...

    def unpublish(self, source: str) -> None:
        """Stop sending; the next offer stops the section."""
        ...

    def received(self, mid: str) -> Received:
        """What has arrived on a receiving section."""
        ...

    def sent(self, source: str) -> Sent:
        """What has left on a source."""
        ...

    def break_connection(self) -> None:
        """Lose the network without a word to anyone."""
        ...

    async def close(self) -> None:
        """Close the connection for good. Idempotent."""
        ...


PeerFactory = Callable[[], Peer]


def _nothing() -> None:
    """Tell nobody."""


class SilentPeer:
    """A connection without a network: real descriptions, claimed connectivity, no packets.

    It reports connected `connect_after` seconds of loop time after the first exchange, and sending
    `send_after` seconds after that; `None` means never.
    """

    def __init__(
        self,
        *,
        connect_after: float | None = 0.05,
        send_after: float | None = 0.0,
        fail_after: float = 5.0,
        data: bool = False,
    ) -> None:
        self.on_change: Callable[[], None] = _nothing
        fingerprint = ":".join(f"{byte:02X}" for byte in secrets.token_bytes(32))
        transport = sdp.Transport(secrets.token_hex(4), secrets.token_hex(12), (("sha-256", fingerprint),))
        self._negotiator = Negotiator(transport, data=data)
        self._connect_after, self._send_after, self._fail_after = connect_after, send_after, fail_after
        self._state: PeerState = "new"
        self._sending = frozenset[str]()
        self._timers = list[asyncio.TimerHandle]()

    @property
    def state(self) -> PeerState:
        """As claimed."""
        return self._state

    @property
    def sending(self) -> frozenset[str]:
        """As claimed."""
        return self._sending

    @property
    def ufrag(self) -> str:
        """What this peer calls itself in its descriptions: ties it to a session of the emulator."""
        return self._negotiator.transport.ufrag

    async def create_offer(self, add: Sequence[Outgoing] = ()) -> tuple[str, Mapping[str, str]]:
        """See `Peer`."""
        return self._negotiator.offer(add)

    def rollback(self) -> None:
        """See `Peer`."""
        self._negotiator.rollback()

    async def apply_answer(self, text: str) -> None:
        """See `Peer`."""
        self._negotiator.answered(text)
        self._exchanged()

    async def answer(self, text: str) -> str:
        """See `Peer`."""
        answer = self._negotiator.accept(text)
        self._exchanged()
        return answer

    def mute(self, source: str, *, muted: bool) -> None:
        """See `Peer`: nothing is sent either way."""

    def unpublish(self, source: str) -> None:
        """See `Peer`."""
        self._negotiator.unpublish(source)
        self._sending -= {source}

    def received(self, mid: str) -> Received:
        """Nothing, ever."""
        return Received()

    def sent(self, source: str) -> Sent:
        """Nothing, ever."""
        return Sent()

    def break_connection(self) -> None:
        """Fail after a while, as a browser notices a lost network."""
        self.fail(after=self._fail_after)

    def fail(self, *, after: float = 0.0) -> None:
        """Report failed."""
        self._cancel()
        self._later(after, self._fail)

    async def close(self) -> None:
        """See `Peer`."""
        self._cancel()
        self._state = "closed"
        self._sending = frozenset[str]()

    def _exchanged(self) -> None:
        if self._state == "new" and not self._timers and self._connect_after is not None:
            self._later(self._connect_after, self._connect)
        elif self._state == "connected" and self._send_after is not None:
            self._later(self._send_after, self._send)

    def _connect(self) -> None:
        self._state = "connected"
        if self._send_after is not None:
            self._later(self._send_after, self._send)
        self.on_change()

    def _send(self) -> None:
        sections = self._negotiator.sections
        sources = {one.source for one in sections if one.source and not one.stopped}
        now = frozenset(source for source in sources if self._negotiator.published(source))
        if now != self._sending:
            self._sending = now
            self.on_change()

    def _fail(self) -> None:
        self._state = "failed"
        self._sending = frozenset[str]()
        self.on_change()

    def _later(self, delay: float, call: Callable[[], None]) -> None:
        self._timers.append(asyncio.get_running_loop().call_later(delay, call))

    def _cancel(self) -> None:
        for timer in self._timers:
            timer.cancel()
