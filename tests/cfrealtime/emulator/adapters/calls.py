"""Calls of the adapters' operations, and the emulator that tests of them use."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import httpx

from cfrealtime.emulator import Emulator, ManualMediaPlane
from tests.cfrealtime.emulator.adapters.endpoint import Endpoint
from tests.cfrealtime.emulator.peer import APP, Peer

URL = "wss://bot.example/sound?token=hidden"


def ingest(name: str = "speech", endpoint: str = URL, **fields) -> dict:
    return {
        "location": "local",
        "trackName": name,
        "endpoint": endpoint,
        "inputCodec": "pcm",
        **fields,
    }


def egress(session_id: str, name: str = "mic", endpoint: str = URL, output: str = "pcm", **fields) -> dict:
    return {
        "location": "remote",
        "sessionId": session_id,
        "trackName": name,
        "endpoint": endpoint,
        "outputCodec": output,
        **fields,
    }


async def new(client: httpx.AsyncClient, *tracks: dict) -> httpx.Response:
    return await client.post(f"{APP}/adapters/websocket/new", json={"tracks": list(tracks)})


async def made(client: httpx.AsyncClient, track: dict) -> dict:
    """The item of an adapter that was made."""
    response = await new(client, track)
    assert response.status_code == 200, response.text
    (item,) = response.json()["tracks"]
    return item


async def close(client: httpx.AsyncClient, *ids: str) -> httpx.Response:
    body = {"tracks": [{"adapterId": id_} for id_ in ids]}
    return await client.post(f"{APP}/adapters/websocket/close", json=body)


def emulator_for(endpoint: Endpoint, **options) -> Emulator:
    return Emulator(media=ManualMediaPlane(), dial=endpoint.dial, **options)


async def publisher(client: httpx.AsyncClient, *names: str, kind: str = "audio") -> Peer:
    """A connected peer that sends."""
    peer = await Peer.join(client)
    await peer.publish(*names, kind=kind)
    await asyncio.sleep(0.1)
    return peer


def statuses(emulator: Emulator) -> list[str]:
    return [adapter["status"] for adapter in emulator.state()["adapters"]]


async def passes(check: Callable[[], bool], seconds: float) -> bool:
    """Whether something becomes true within some (virtual) seconds."""
    for _ in range(int(seconds / 0.05) + 1):
        if check():
            return True
        await asyncio.sleep(0.05)
    return False
