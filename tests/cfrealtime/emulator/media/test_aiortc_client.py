"""Negotiation and media with aiortc's whole peer connection, which numbers differently from browsers."""

from __future__ import annotations

import asyncio

from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import AudioStreamTrack, VideoStreamTrack


async def described(connection: RTCPeerConnection, description: RTCSessionDescription) -> str:
    await connection.setLocalDescription(description)
    return connection.localDescription.sdp


async def test_an_aiortc_client_is_seen_by_another(sfu, on_loopback):
    publisher, viewer = (RTCPeerConnection(RTCConfiguration(iceServers=[])) for _ in range(2))
    for track in (AudioStreamTrack(), VideoStreamTrack()):
        publisher.addTransceiver(track, direction="sendonly")
    offer = await described(publisher, await publisher.createOffer())
    answer = sfu.publish("publisher", offer, ["0", "1"])
    await publisher.setRemoteDescription(RTCSessionDescription(answer, "answer"))

    offer, _ = sfu.subscribe("viewer", ("audio", "publisher", "0"), ("video", "publisher", "1"))
    await viewer.setRemoteDescription(RTCSessionDescription(offer, "offer"))
    sfu.answered("viewer", await described(viewer, await viewer.createAnswer()))

    async with asyncio.timeout(60):
        for receiver in viewer.getReceivers():
            frame = await receiver.track.recv()
            assert frame.pts is not None
    await publisher.close()
    await viewer.close()
