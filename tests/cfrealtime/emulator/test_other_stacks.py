"""aiortc as it is installed, with its own addresses, encoders and decoders, on an emulator's process."""

from __future__ import annotations

import asyncio
import json
from contextlib import AsyncExitStack

import httpx
import pytest
from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import AudioStreamTrack

from cfrealtime.emulator.media.network import ADVICE, outgoing_address
from tests.cfrealtime.emulator.peer import Peer, codes, local, remote, until
from tests.cfrealtime.emulator.process import running


@pytest.fixture
async def stack():
    async with AsyncExitStack() as stack:
        yield stack


def connection(stack: AsyncExitStack) -> RTCPeerConnection:
    made = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    stack.push_async_callback(made.close)
    return made


def description(response: httpx.Response) -> RTCSessionDescription:
    given = response.json()["sessionDescription"]
    return RTCSessionDescription(given["sdp"], given["type"])


async def publish(peer: Peer, sending: RTCPeerConnection) -> None:
    offer = {"type": "offer", "sdp": sending.localDescription.sdp}
    published = await peer.post_tracks([local("0", "mic")], sessionDescription=offer)
    assert codes(published) == [None]
    await sending.setRemoteDescription(description(published))
    await until(lambda: sending.connectionState == "connected")


async def subscribe(peer: Peer, receiving: RTCPeerConnection, publisher: Peer) -> None:
    subscribed = await peer.post_tracks([remote(publisher.id, "mic")])
    assert codes(subscribed) == [None]
    await receiving.setRemoteDescription(description(subscribed))
    await receiving.setLocalDescription(await receiving.createAnswer())
    assert (await peer.renegotiate(receiving.localDescription.sdp)).status_code == 200


async def test_aiortc_needs_an_address_besides_loopback_and_the_emulator_says_so(stack):
    own = outgoing_address()
    options = ("--advertise", own) if own is not None else ()
    process, line = stack.enter_context(running("--json", "--port", "0", *options))
    sending, receiving = connection(stack), connection(stack)
    sending.addTransceiver(AudioStreamTrack(), direction="sendonly")
    await sending.setLocalDescription(await sending.createOffer())
    if own is None:
        process.terminate()
        assert "a=candidate" not in sending.localDescription.sdp
        assert ADVICE in process.communicate(timeout=60)[1]
        return
    base, headers = json.loads(line)["base_url"].removesuffix("/v1"), {"Authorization": "Bearer secret"}
    client = await stack.enter_async_context(httpx.AsyncClient(base_url=base, headers=headers, timeout=60))
    alice, bob = await Peer.join(client), await Peer.join(client)
    await publish(alice, sending)
    await subscribe(bob, receiving, alice)
    async with asyncio.timeout(60):
        sound = await receiving.getReceivers()[0].track.recv()
    assert sound.sample_rate == 48_000
