"""Real packets on sections that the service's own offers made: light peers and aiortc's whole connection."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import httpx
import pytest
from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import AudioStreamTrack, VideoStreamTrack

from cfrealtime.emulator import Emulator, UdpMediaPlane
from tests.cfrealtime.emulator.media.light_peer import LightPeer
from tests.cfrealtime.emulator.peer import Peer, codes, remote, until
from tests.cfrealtime.emulator.talkers import heard, listening, say, served, talking

VOICE = {"location": "local", "trackName": "voice", "kind": "audio", "bidirectionalMediaStream": True}


@pytest.fixture
async def emulator():
    return Emulator(media=UdpMediaPlane())


@pytest.fixture
async def client(emulator):
    async with served(emulator) as client:
        yield client


@asynccontextmanager
async def asked(
    client: httpx.AsyncClient, track: dict, word: bytes
) -> AsyncGenerator[tuple[Peer, LightPeer, str]]:
    """A peer that answers an offer for its track, and says one word on it fifty times a second."""
    peer, light = await Peer.join(client), LightPeer()
    response = await peer.post_tracks([track])
    assert codes(response) == [None]
    offer = response.json()["sessionDescription"]["sdp"]
    assert (await peer.renegotiate(light.answer(offer))).status_code == 200
    await light.connect(offer)
    voice = asyncio.create_task(say(light, 3000, word))
    try:
        yield peer, light, response.json()["tracks"][0]["mid"]
    finally:
        voice.cancel()
        await asyncio.gather(voice, return_exceptions=True)
        await light.close()


async def test_who_was_asked_to_publish_is_heard(client):
    track = {"location": "local", "trackName": "voice", "kind": "audio"}
    async with (
        asked(client, track, b"asked") as (source, _, _),
        listening(client, remote(source.id, "voice")) as (_, ears, _),
    ):
        await ears.until(lambda: heard(ears, b"asked"))


async def test_one_section_carries_two_tracks_until_it_is_closed(emulator, client):
    async with (
        talking(client, 1000, b"alice") as (alice, _),
        asked(client, VOICE, b"robot") as (robot, ears, mid),
        listening(client, remote(robot.id, "voice")) as (_, others, _),
    ):
        assert codes(await robot.post_tracks([remote(alice.id, "mic", mid="#voice")])) == [None]
        await ears.until(lambda: heard(ears, b"alice"))
        await others.until(lambda: heard(others, b"robot"))
        assert codes(await robot.force_close(mid)) == [None]
        await ears.settled()
        ears.rtp.clear()
        others.rtp.clear()
        await asyncio.sleep(0.2)
        assert (ears.rtp, others.rtp) == ([], [])
        assert emulator.journal()["breaches"] == []


async def described(connection: RTCPeerConnection, description: RTCSessionDescription) -> str:
    await connection.setLocalDescription(description)
    return connection.localDescription.sdp


async def answered(connection: RTCPeerConnection, peer: Peer, response: httpx.Response) -> None:
    """Take an offer of the service and send the answer back."""
    offer = response.json()["sessionDescription"]["sdp"]
    await connection.setRemoteDescription(RTCSessionDescription(offer, "offer"))
    sdp = await described(connection, await connection.createAnswer())
    assert (await peer.renegotiate(sdp)).status_code == 200


async def test_aiortc_publishes_when_asked_and_another_sees_it(emulator, client, on_loopback):
    source, viewer = await Peer.join(client), await Peer.join(client)
    sending, receiving = (RTCPeerConnection(RTCConfiguration(iceServers=[])) for _ in range(2))
    sending.addTrack(AudioStreamTrack())
    sending.addTrack(VideoStreamTrack())
    tracks = [{"location": "local", "trackName": kind, "kind": kind} for kind in ("audio", "video")]
    await answered(sending, source, await source.post_tracks(tracks))
    await until(lambda: emulator.state()["sessions"][0]["connected"])
    response = await viewer.post_tracks([remote(source.id, "audio"), remote(source.id, "video")])
    assert codes(response) == [None, None]
    await answered(receiving, viewer, response)
    async with asyncio.timeout(60):
        for receiver in receiving.getReceivers():
            frame = await receiver.track.recv()
            assert frame.pts is not None
    await sending.close()
    await receiving.close()
