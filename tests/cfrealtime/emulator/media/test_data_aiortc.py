"""Data channels over a served emulator, with aiortc's whole peer connection as an unmodified client."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import httpx
import pytest
from aiortc import RTCConfiguration, RTCDataChannel, RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import AudioStreamTrack

from cfrealtime.emulator import Emulator, UdpMediaPlane
from tests.cfrealtime.emulator import document
from tests.cfrealtime.emulator.data_peer import DataPeer, channel_codes, heard, told
from tests.cfrealtime.emulator.peer import local, until

pytestmark = pytest.mark.usefixtures("on_loopback")


@pytest.fixture
async def client():
    async with (
        Emulator(media=UdpMediaPlane()).serve() as base_url,
        httpx.AsyncClient(
            base_url=base_url.removesuffix("/v1"),
            headers={"Authorization": "Bearer secret"},
            timeout=60,
            event_hooks={"response": [document.check]},
        ) as client,
    ):
        yield client


class Endpoint:
    """A session and its peer connection; every channel keeps what it hears."""

    def __init__(self, peer: DataPeer) -> None:
        self.peer = peer
        self.id = peer.id
        self.connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self.announced: list[RTCDataChannel] = []
        self.connection.on("datachannel", self.announced.append)
        self.heard: dict[int, list[str | bytes]] = {}

    async def offer(self) -> str:
        await self.connection.setLocalDescription(await self.connection.createOffer())
        return self.connection.localDescription.sdp

    async def answered(self, response: httpx.Response) -> None:
        assert response.status_code == 200, response.text
        sdp = response.json()["sessionDescription"]["sdp"]
        await self.connection.setRemoteDescription(RTCSessionDescription(sdp, "answer"))

    async def establish(self) -> None:
        response = await self.peer.establish()
        sdp = response.json()["sessionDescription"]["sdp"]
        await self.connection.setRemoteDescription(RTCSessionDescription(sdp, "offer"))
        await self.connection.setLocalDescription(await self.connection.createAnswer())
        renegotiated = await self.peer.renegotiate(self.connection.localDescription.sdp)
        assert renegotiated.status_code == 200, renegotiated.text

    async def open(self, entry: dict) -> RTCDataChannel:
        """A channel, allocated by the service and opened at our end."""
        response = await self.peer.channels(entry)
        assert channel_codes(response) == [None], response.text
        channel_id = response.json()["dataChannels"][0]["id"]
        channel = self.connection.createDataChannel(
            entry["dataChannelName"],
            ordered=entry.get("ordered", True),
            maxRetransmits=entry.get("maxRetransmits"),
            maxPacketLifeTime=entry.get("maxPacketLifeTime"),
            negotiated=True,
            id=channel_id,
        )
        channel.on("message", self.heard.setdefault(channel_id, []).append)
        await until(lambda: channel.readyState == "open")
        await self.known(channel_id, "active")
        return channel

    async def known(self, channel_id: int, status: str) -> None:
        """Wait until the service has noticed what became of a channel."""
        async with asyncio.timeout(30):
            while True:
                if (await self.peer.statuses())[channel_id] == status:
                    return
                await asyncio.sleep(0.01)


@asynccontextmanager
async def endpoints(client: httpx.AsyncClient, count: int) -> AsyncGenerator[list[Endpoint]]:
    """Endpoints that have not negotiated anything yet."""
    made = [Endpoint(await DataPeer.join(client)) for _ in range(count)]
    try:
        yield made
    finally:
        for endpoint in made:
            await endpoint.connection.close()


async def test_two_subscribers_hear_what_a_publisher_says_as_it_was_said(client):
    async with endpoints(client, 3) as (alice, bob, carol):
        for endpoint in (alice, bob, carol):
            await endpoint.establish()
        voice = await alice.open(told("chat"))
        ears = [(e, await e.open(heard(alice.id, "chat"))) for e in (bob, carol)]
        said = ["hello", "", b"\x00\x01", b"", "ä" * 10, b"x" * 262_144]
        for message in said:
            voice.send(message)
        for endpoint, channel in ears:
            await until(lambda e=endpoint, c=channel: len(e.heard[c.id]) == len(said))
            assert endpoint.heard[channel.id] == said


async def test_the_service_opens_its_own_channel_in_band(client):
    async with endpoints(client, 1) as (alice,):
        await alice.establish()
        await until(lambda: alice.announced)
        (channel,) = alice.announced
        assert (channel.label, channel.id, channel.negotiated) == ("server-events", 0, False)
        await until(lambda: channel.readyState == "open")
        assert await alice.peer.statuses() == {0: "active"}


async def test_an_endpoint_brings_the_transport_in_the_first_offer_of_its_tracks(client):
    async with endpoints(client, 2) as (alice, bob):
        alice.connection.addTransceiver(AudioStreamTrack(), direction="sendonly")
        alice.connection.createDataChannel("own", negotiated=True, id=0)
        sdp = await alice.offer()
        response = await alice.peer.post_tracks(
            [local("0", "mic")], sessionDescription={"type": "offer", "sdp": sdp}
        )
        await alice.answered(response)
        bob.connection.createDataChannel("own")
        sdp = await bob.offer()
        response = await bob.peer.establish(sessionDescription={"type": "offer", "sdp": sdp})
        await bob.answered(response)
        voice = await alice.open(told("chat"))
        ear = await bob.open(heard(alice.id, "chat"))
        voice.send("hello")
        await until(lambda: bob.heard[ear.id] == ["hello"])
        assert [channel.id for channel in bob.announced] == [1]
        assert alice.announced == []


async def test_the_one_who_may_reply_is_heard_by_the_publisher_alone(client):
    async with endpoints(client, 3) as (alice, bob, carol):
        for endpoint in (alice, bob, carol):
            await endpoint.establish()
        voice = await alice.open(told("chat"))
        first = await bob.open(heard(alice.id, "chat", canReply=True))
        second = await carol.open(heard(alice.id, "chat"))
        second.send("unheard")
        first.send("from bob")
        await until(lambda: alice.heard[voice.id])
        assert channel_codes(await carol.peer.update_channels({"id": second.id, "canReply": True})) == [None]
        first.send("unheard")
        second.send(b"from carol")
        await until(lambda: len(alice.heard[voice.id]) == 2)
        assert alice.heard[voice.id] == ["from bob", b"from carol"]
        assert bob.heard[first.id] == carol.heard[second.id] == []


async def test_delivery_waits_for_the_acknowledgement(client):
    async with endpoints(client, 2) as (alice, bob):
        await alice.establish()
        await bob.establish()
        voice = await alice.open(told("chat"))
        ear = await bob.open(heard(alice.id, "chat", waitForAck=True, canReply=True))
        voice.send("too early")
        await asyncio.sleep(0.2)
        ear.send("ack")
        ear.send("reply")
        await until(lambda: alice.heard[voice.id] == ["reply"])
        voice.send("now")
        await until(lambda: bob.heard[ear.id])
        assert bob.heard[ear.id] == ["now"]


async def test_a_closed_channel_closes_at_every_endpoint(client):
    async with endpoints(client, 2) as (alice, bob):
        await alice.establish()
        await bob.establish()
        voice = await alice.open(told("chat"))
        ear = await bob.open(heard(alice.id, "chat"))
        await alice.peer.close_channels(voice.id)
        await until(lambda: voice.readyState == ear.readyState == "closed")
        assert (await bob.peer.statuses())[ear.id] == "inactive"


async def test_a_channel_closed_by_its_endpoint_is_known_to_be_inactive(client):
    async with endpoints(client, 1) as (alice,):
        await alice.establish()
        voice = await alice.open(told("chat"))
        voice.close()
        await until(lambda: voice.readyState == "closed")
        await alice.known(voice.id, "inactive")
