"""The least that joins negotiations to a media plane: what the emulator's rules do, without the rules."""

from __future__ import annotations

import asyncio
from collections.abc import Collection

from attrs import define, evolve

from cfrealtime.emulator.media.plan import Channel, Source
from cfrealtime.emulator.media.udp import UdpMediaPlane
from cfrealtime.emulator.sdp import Negotiation, NewReceive, NewSend


@define
class Events:
    """What the plane reported, as (what, session)."""

    seen: list[tuple[str, str]]

    def connected(self, session_id: str) -> None:
        self.seen.append(("connected", session_id))

    def lost(self, session_id: str, *, closed: bool) -> None:
        self.seen.append(("closed" if closed else "lost", session_id))

    def recovered(self, session_id: str) -> None:
        self.seen.append(("recovered", session_id))

    def channel_opened(self, session_id: str, channel_id: int) -> None:
        self.seen.append((f"opened {channel_id}", session_id))

    def channel_acknowledged(self, session_id: str, channel_id: int) -> None:
        self.seen.append((f"acknowledged {channel_id}", session_id))

    def channel_closed(self, session_id: str, channel_id: int) -> None:
        self.seen.append((f"closed {channel_id}", session_id))


class SmallSfu:
    """Sessions by name, each with its negotiation; every change is applied to the plane at once."""

    def __init__(self) -> None:
        self.ahead = 0.0
        """Seconds by which the plane's clock is ahead of the loop's."""
        self.plane = UdpMediaPlane(clock=lambda: asyncio.get_running_loop().time() + self.ahead)
        self.events = Events([])
        self.negotiations: dict[str, Negotiation] = {}
        self.sources: dict[str, dict[str, Source | None]] = {}
        self.channels: dict[str, tuple[Channel, ...]] = {}
        self.rids: dict[str, dict[str, tuple[str, ...]]] = {}

    def negotiation(self, name: str) -> Negotiation:
        if name not in self.negotiations:
            self.negotiations[name] = Negotiation(self.plane.transport(name))
            self.sources[name], self.rids[name] = {}, {}
        return self.negotiations[name]

    def apply(self, name: str, closed: Collection[str] = ()) -> None:
        media = self.negotiations[name].media(self.sources[name], closed, self.rids[name])
        self.plane.apply(name, evolve(media, channels=self.channels.get(name, ())))

    def publish(self, name: str, offer: str, mids: Collection[str]) -> str:
        text = self.negotiation(name).answer_offer(offer, mids)
        self.apply(name)
        return text

    def subscribe(self, name: str, *sources: tuple[str, str, str]) -> tuple[str, tuple[str, ...]]:
        """Offer (kind, publisher, mid) of others; the answer goes to `answered`."""
        sends = [NewSend(kind, self.negotiations[other].receive_codecs(mid)) for kind, other, mid in sources]
        offer, mids = self.negotiation(name).make_offer(sends)
        for mid, (_, other, source) in zip(mids, sources, strict=True):
            self.sources[name][mid] = Source(other, source)
        return offer, mids

    def invite(self, name: str, *wanted: NewReceive) -> tuple[str, tuple[str, ...]]:
        """Ask an endpoint to publish; the answer goes to `answered`."""
        return self.negotiation(name).make_offer(wanted)

    def answered(self, name: str, sdp: str) -> None:
        self.negotiations[name].accept_answer(sdp)
        self.apply(name)

    def repoint(self, name: str, mid: str, other: str, source: str) -> None:
        self.sources[name][mid] = Source(other, source)
        self.apply(name)
