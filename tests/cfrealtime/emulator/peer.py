"""A client of the emulator without media: raw HTTP calls, and descriptions as a browser would write them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager

import httpx
from attrs import evolve

from cfrealtime.emulator import Emulator
from tests.cfrealtime.emulator import document
from tests.cfrealtime.emulator.sdp.endpoint import M, answer, answering, blocks, describe, stopped, value

APP = "/v1/apps/demo"


@asynccontextmanager
async def client_of(emulator: Emulator, secret: str = "secret") -> AsyncGenerator[httpx.AsyncClient]:
    """An HTTP client of a running in-process emulator; every answer is held against the API's document."""
    transport = httpx.ASGITransport(emulator.app)
    headers = {"Authorization": f"Bearer {secret}"}
    async with (
        emulator,
        httpx.AsyncClient(
            transport=transport,
            base_url="http://emulator",
            headers=headers,
            event_hooks={"response": [document.check]},
        ) as client,
    ):
        yield client


async def until(check: Callable[[], bool]) -> None:
    """Return once something has become true on a real server."""
    async with asyncio.timeout(60):
        while True:
            if check():
                return
            await asyncio.sleep(0.01)


def local(mid: str, name: str) -> dict:
    return {"location": "local", "mid": mid, "trackName": name}


def remote(session_id: str, name: str, **fields) -> dict:
    return {"location": "remote", "sessionId": session_id, "trackName": name, **fields}


class Peer:
    """One endpoint with one session: keeps its media sections as a browser does."""

    def __init__(self, client: httpx.AsyncClient, session_id: str) -> None:
        self.client = client
        self.id = session_id
        self.path = f"{APP}/sessions/{session_id}"
        self.sections: list[M] = []

    @classmethod
    async def join(cls, client: httpx.AsyncClient) -> Peer:
        response = await client.post(f"{APP}/sessions/new")
        assert response.status_code == 201
        return cls(client, response.json()["sessionId"])

    async def publish(self, *names: str, kind: str = "audio", rids: tuple[str, ...] = ()) -> httpx.Response:
        """One new section for each name, published under it."""
        first = len(self.sections)
        added = [M(kind, str(first + i), rids=rids) for i in range(len(names))]
        response = await self.publish_sections(added, names)
        if "sessionDescription" in response.json():
            self.sections += added
        return response

    async def publish_sections(self, added: list[M], names: tuple[str, ...]) -> httpx.Response:
        offer = describe(*self.sections, *added)
        tracks = [local(m.mid, name) for m, name in zip(added, names, strict=True)]
        return await self.post_tracks(tracks, sessionDescription={"type": "offer", "sdp": offer})

    async def post_tracks(self, tracks: list[dict], **fields) -> httpx.Response:
        return await self.client.post(f"{self.path}/tracks/new", json={"tracks": tracks, **fields})

    async def invite(self, *tracks: dict) -> tuple[str, ...]:
        """Publish what an offer of the service asks for; gives the mids."""
        response = await self.post_tracks([{"location": "local", **track} for track in tracks])
        assert codes(response) == [None] * len(tracks)
        answered = await self.answer(response.json()["sessionDescription"]["sdp"])
        assert answered.status_code == 200, answered.text
        return tuple(item["mid"] for item in response.json()["tracks"])

    async def subscribe(self, *tracks: dict) -> tuple[str, ...]:
        """Subscribe and answer; gives the mids."""
        response = await self.post_tracks(list(tracks))
        assert response.status_code == 200, response.text
        assert response.json()["requiresImmediateRenegotiation"] is True, response.text
        answered = await self.answer(response.json()["sessionDescription"]["sdp"])
        assert answered.status_code == 200, answered.text
        return tuple(item["mid"] for item in response.json()["tracks"])

    async def answer(self, offer: str) -> httpx.Response:
        """Answer an offer of the service."""
        known = {m.mid for m in self.sections}
        for block in blocks(offer):
            if value(block, "mid") not in known:
                self.sections.append(M(block[0][2:].split()[0], value(block, "mid"), answering(block)))
        return await self.renegotiate(answer(offer))

    async def renegotiate(self, sdp: str, kind: str = "answer") -> httpx.Response:
        body = {"sessionDescription": {"type": kind, "sdp": sdp}}
        return await self.client.put(f"{self.path}/renegotiate", json=body)

    async def update(self, *tracks: dict) -> httpx.Response:
        return await self.client.put(f"{self.path}/tracks/update", json={"tracks": list(tracks)})

    async def force_close(self, *mids: str) -> httpx.Response:
        body = {"tracks": [{"mid": mid} for mid in mids], "force": True}
        return await self.client.put(f"{self.path}/tracks/close", json=body)

    async def close(self, *mids: str, stop: tuple[str, ...] | None = None) -> httpx.Response:
        """Close with an offer that stops the sections (or only those of `stop`)."""
        gone = mids if stop is None else stop
        self.sections = [stopped(m) if m.mid in gone else m for m in self.sections]
        body = {
            "tracks": [{"mid": mid} for mid in mids],
            "force": False,
            "sessionDescription": {"type": "offer", "sdp": describe(*self.sections)},
        }
        return await self.client.put(f"{self.path}/tracks/close", json=body)

    async def get(self) -> httpx.Response:
        return await self.client.get(self.path)

    def direct(self, mid: str, direction: str) -> None:
        """Turn one section another way, to be seen in the next offer."""
        self.sections = [evolve(m, direction=direction) if m.mid == mid else m for m in self.sections]


def codes(response: httpx.Response) -> list[str | None]:
    """The error code of each item of a 200."""
    assert response.status_code == 200, response.text
    return [item.get("errorCode") for item in response.json()["tracks"]]
