"""Light peers with data channels, that can lose what is on its way to them."""

from __future__ import annotations

from aiortc import RTCDataChannel, RTCDataChannelParameters

from cfrealtime.emulator.media.plan import Channel, ChannelRef, Delivery
from tests.cfrealtime.emulator.media.light_peer import LightPeer
from tests.cfrealtime.emulator.sdp.endpoint import M

DATA = M("application", "0")
VOICE = ChannelRef("alice", 1)
RELIABLE = Delivery()


class Lossy(LightPeer):
    """A light peer with data channels, that can lose the next datagrams on their way to it."""

    def __init__(self) -> None:
        super().__init__()
        self.loses = 0
        self.heard: list[str | bytes] = []

    def datagram_received(self, data: bytes, addr: object) -> None:
        if self.loses and 20 <= data[0] < 64:
            self.loses -= 1
        else:
            super().datagram_received(data, addr)

    async def join(self, sfu, name: str, *sections: M) -> None:
        await self.connect(sfu.publish(name, self.offer(DATA, *sections), [m.mid for m in sections]))
        await self.open_data_channels()
        await self.until(lambda: self.sctp.state == "connected")

    def channel(self, channel_id: int, delivery: Delivery = RELIABLE) -> RTCDataChannel:
        parameters = RTCDataChannelParameters(
            ordered=delivery.ordered,
            maxRetransmits=delivery.max_retransmits,
            maxPacketLifeTime=delivery.max_packet_life_time,
            negotiated=True,
            id=channel_id,
        )
        channel = RTCDataChannel(self.sctp, parameters)
        channel.on("message", self.heard.append)
        return channel

    async def hears(self, *messages: str | bytes) -> None:
        await self.until(lambda: len(self.heard) >= len(messages))
        assert tuple(self.heard) == messages


def carry(sfu, delivery: Delivery = RELIABLE) -> None:
    """Alice's channel 1 is heard on bob's channel 2."""
    sfu.channels = {
        "alice": (Channel(1, "chat", delivery),),
        "bob": (Channel(2, "chat", delivery, source=VOICE),),
    }
    sfu.apply("alice")
    sfu.apply("bob")
