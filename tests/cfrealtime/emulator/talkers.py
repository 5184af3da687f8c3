"""Light peers on a served emulator that publish a word, and others that listen for it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from itertools import count

import httpx

from cfrealtime.emulator import Emulator
from cfrealtime.emulator.media import rtp
from tests.cfrealtime.emulator import document
from tests.cfrealtime.emulator.media.light_peer import LightPeer
from tests.cfrealtime.emulator.peer import Peer, codes, local
from tests.cfrealtime.emulator.sdp.endpoint import M


@asynccontextmanager
async def served(emulator: Emulator) -> AsyncGenerator[httpx.AsyncClient]:
    """An HTTP client of a real server; every answer is held against the API's document."""
    async with (
        emulator.serve() as base_url,
        httpx.AsyncClient(
            base_url=base_url.removesuffix("/v1"),
            headers={"Authorization": "Bearer secret"},
            timeout=60,
            event_hooks={"response": [document.check]},
        ) as client,
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
    for sequence in count():
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
