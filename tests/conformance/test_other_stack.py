"""aiortc's own RTCPeerConnection, which encodes and decodes, as a second WebRTC stack."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import pytest
from aioice import ice
from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import AudioStreamTrack, VideoStreamTrack

from tests.conformance.stage import Person, local, outcome


@pytest.fixture(autouse=True)
def near(monkeypatch, target):
    """aioice leaves loopback out of its candidates, and that is where the emulator is."""
    if target.name == "emulator":
        monkeypatch.setattr(ice, "get_host_addresses", lambda use_ipv4, use_ipv6: ["127.0.0.1"])


@asynccontextmanager
async def connection() -> AsyncGenerator[RTCPeerConnection]:
    made = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    try:
        yield made
    finally:
        await made.close()


async def answer(person: Person, connection: RTCPeerConnection, response) -> None:
    offer = response.json()["sessionDescription"]
    await connection.setRemoteDescription(RTCSessionDescription(offer["sdp"], offer["type"]))
    await connection.setLocalDescription(await connection.createAnswer())
    answered = await person.renegotiate(connection.localDescription.sdp)
    assert answered.status_code == 200, outcome(answered)


async def test_what_one_connection_encodes_another_one_decodes(stage):
    """[documented] Pictures and sound reach a subscriber that can be any WebRTC endpoint."""
    sender, receiver = await stage.enter(), await stage.enter()
    async with connection() as sending, connection() as receiving:
        sending.addTransceiver(AudioStreamTrack(), direction="sendonly")
        sending.addTransceiver(VideoStreamTrack(), direction="sendonly")
        await sending.setLocalDescription(await sending.createOffer())
        mids = [transceiver.mid for transceiver in sending.getTransceivers()]
        description = {"type": "offer", "sdp": sending.localDescription.sdp}
        tracks = [local(mid, sender.track(mid)) for mid in mids]
        published = await sender.new_tracks(*tracks, sessionDescription=description)
        assert outcome(published) == "200"
        given = published.json()["sessionDescription"]
        await sending.setRemoteDescription(RTCSessionDescription(given["sdp"], given["type"]))
        await stage.until(lambda: sending.connectionState == "connected")
        async with asyncio.timeout(30 * stage.target.patience):
            while True:
                response = await receiver.new_tracks(*(sender.remote(mid) for mid in mids))
                if outcome(response) == "200":
                    break
                await asyncio.sleep(0.2)
        await answer(receiver, receiving, response)
        tracks = [transceiver.receiver.track for transceiver in receiving.getTransceivers()]
        async with asyncio.timeout(30 * stage.target.patience):
            sound, picture = await asyncio.gather(*(track.recv() for track in tracks))
        assert sound.sample_rate == 48_000
        assert (picture.width, picture.height) == (640, 480)
