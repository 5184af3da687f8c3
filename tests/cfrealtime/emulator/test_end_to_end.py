"""HTTP, rules and real packets together: light peers on a served emulator."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import httpx
import pytest

from cfrealtime.emulator import Emulator, UdpMediaPlane
from cfrealtime.emulator.media import rtp
from tests.cfrealtime.emulator.media.light_peer import LightPeer
from tests.cfrealtime.emulator.peer import Peer, codes, local, remote, until
from tests.cfrealtime.emulator.sdp.endpoint import M


@pytest.fixture
async def emulator():
    return Emulator(media=UdpMediaPlane())


@pytest.fixture
async def client(emulator):
    headers = {"Authorization": "Bearer secret"}
    async with (
        emulator.serve() as base_url,
        httpx.AsyncClient(base_url=base_url.removesuffix("/v1"), headers=headers) as client,
    ):
        yield client


@asynccontextmanager
async def talking(
    client: httpx.AsyncClient, ssrc: int, word: bytes
) -> AsyncGenerator[tuple[Peer, LightPeer]]:
    """A peer that publishes a microphone and says one word fifty times a second."""
    peer, light = await Peer.join(client), LightPeer()
    offer = light.offer(M("audio", "0", ssrc=ssrc))
    response = await peer.post_tracks([local("0", "mic")], sessionDescription={"type": "offer", "sdp": offer})
    assert codes(response) == [None]
    await light.connect(response.json()["sessionDescription"]["sdp"])
    voice = asyncio.create_task(say(light, ssrc, word))
    try:
        yield peer, light
    finally:
        voice.cancel()
        await asyncio.gather(voice, return_exceptions=True)
        await light.close()


async def say(light: LightPeer, ssrc: int, word: bytes) -> None:
    for sequence in range(10_000):
        packet = rtp.write(
            marker=False,
            payload_type=111,
            sequence=sequence,
            timestamp=960 * sequence,
            ssrc=ssrc,
            extensions=b"",
            payload=word,
        )
        await light.send(packet)
        await asyncio.sleep(0.02)


@asynccontextmanager
async def listening(
    client: httpx.AsyncClient, *tracks: dict
) -> AsyncGenerator[tuple[Peer, LightPeer, list[str]]]:
    """A viewer whose connection comes up with its first subscription."""
    peer, light = await Peer.join(client), LightPeer()
    response = await peer.post_tracks(list(tracks))
    assert codes(response) == [None] * len(tracks)
    offer = response.json()["sessionDescription"]["sdp"]
    assert (await peer.renegotiate(light.answer(offer))).status_code == 200
    await light.connect(offer)
    try:
        yield peer, light, [item["mid"] for item in response.json()["tracks"]]
    finally:
        await light.close()


def heard(light: LightPeer, word: bytes) -> bool:
    return any(rtp.parse(data).payload == word for data in light.rtp)


async def test_who_subscribes_hears_the_publisher_and_then_another_on_the_same_mid(emulator, client):
    async with (
        talking(client, 1000, b"alice") as (alice, _),
        talking(client, 2000, b"carol") as (carol, _),
        listening(client, remote(alice.id, "mic")) as (bob, ears, (mid,)),
    ):
        await ears.until(lambda: heard(ears, b"alice"))
        assert not heard(ears, b"carol")
        await asyncio.sleep(0.4)
        assert codes(await bob.update(remote(carol.id, "mic", mid=mid))) == [None]
        await ears.until(lambda: heard(ears, b"carol"))
        assert emulator.journal()["breaches"] == []


async def test_a_peer_that_closes_its_connection_ends_its_session_and_nobody_elses(emulator, client):
    async with (
        talking(client, 1000, b"alice") as (alice, voice),
        listening(client, remote(alice.id, "mic")) as (
            bob,
            _,
            _,
        ),
    ):
        await voice.dtls.stop()
        await until(lambda: not emulator.active_tracks())
        assert (await alice.get()).status_code == 410
        assert (await bob.get()).json()["tracks"][0]["status"] == "inactive"


async def test_a_force_closed_track_is_heard_no_more(emulator, client):
    async with (
        talking(client, 1000, b"alice") as (alice, _),
        listening(client, remote(alice.id, "mic")) as (_, ears, _),
    ):
        await ears.until(lambda: heard(ears, b"alice"))
        assert codes(await alice.force_close("0")) == [None]
        await asyncio.sleep(0.1)
        ears.rtp.clear()
        await asyncio.sleep(0.2)
        assert not heard(ears, b"alice")
