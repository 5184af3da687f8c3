"""People who call the API and have a connection, on a stage that is swept when they have left."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import httpx

from tests.cfrealtime.emulator.sdp.endpoint import M
from tests.conformance.endpoint import Endpoint
from tests.conformance.target import Target


def local(mid: str, name: str, **fields: object) -> dict[str, Any]:
    return {"location": "local", "mid": mid, "trackName": name, **fields}


def outcome(response: httpx.Response) -> str:
    """What was answered, in a few words: the status, the code, the codes of items."""
    if not response.content:
        return str(response.status_code)
    body = response.json()
    items = body.get("tracks") or body.get("dataChannels") or []
    codes = [item["errorCode"] for item in items if item.get("errorCode")]
    told = [body["errorCode"]] if body.get("errorCode") else []
    return " ".join([str(response.status_code), *told, *(f"item:{code}" for code in codes)])


class Person:
    """One session and its endpoint."""

    def __init__(self, stage: Stage, session_id: str) -> None:
        self.stage = stage
        self.id = session_id
        self.endpoint = Endpoint()

    # Calls.

    async def call(self, method: str, door: str, body: object = None, **options: Any) -> httpx.Response:
        """A call on the session; `door` is what follows its id."""
        if body is not None:
            options["json"] = body
        path = f"/apps/{self.stage.target.app_id}/sessions/{self.id}{door and '/' + door}"
        return await self.stage.target.client.request(method, path, **options)

    async def get(self) -> httpx.Response:
        return await self.call("GET", "")

    async def statuses(self) -> dict[str, str]:
        """Of every track, by its mid."""
        return {track["mid"]: track["status"] for track in (await self.get()).json().get("tracks", [])}

    async def new_tracks(self, *tracks: dict[str, Any], **body: object) -> httpx.Response:
        return await self.call("POST", "tracks/new", {"tracks": list(tracks), **body})

    async def renegotiate(self, text: str, kind: str = "answer") -> httpx.Response:
        return await self.call("PUT", "renegotiate", {"sessionDescription": {"type": kind, "sdp": text}})

    async def update(self, *tracks: dict[str, Any]) -> httpx.Response:
        return await self.call("PUT", "tracks/update", {"tracks": list(tracks)})

    async def force_close(self, *mids: str) -> httpx.Response:
        body = {"tracks": [{"mid": mid} for mid in mids], "force": True}
        return await self.call("PUT", "tracks/close", body)

    async def close_with_offer(self, mids: list[str], stop: list[str] | None = None) -> httpx.Response:
        """Close with an offer that stops these sections, or only those of `stop`."""
        self.endpoint.stop(*(mids if stop is None else stop))
        description = {"type": "offer", "sdp": self.endpoint.offer()}
        body = {"tracks": [{"mid": mid} for mid in mids], "force": False, "sessionDescription": description}
        return await self.call("PUT", "tracks/close", body)

    # What people usually do.

    async def publish(
        self, *sections: M, tracks: list[dict[str, Any]] | None = None, **body: object
    ) -> httpx.Response:
        """Publish sections with an offer, each named after its mid and kind, and connect."""
        offer = {"type": "offer", "sdp": self.endpoint.offer(*sections)}
        if tracks is None:
            tracks = [local(m.mid, self.track(m.mid)) for m in sections if m.kind != "application"]
        response = await self.new_tracks(*tracks, sessionDescription=offer, **body)
        if response.status_code == 200 and "sessionDescription" in response.json():
            await self.endpoint.connect(response.json()["sessionDescription"]["sdp"])
        return response

    def track(self, mid: str) -> str:
        """The name under which `publish` publishes a section."""
        return f"track-{mid}"

    def remote(self, section: str, /, **fields: object) -> dict[str, Any]:
        """The entry by which somebody subscribes to what we publish."""
        return {"location": "remote", "sessionId": self.id, "trackName": self.track(section), **fields}

    async def receive(self, *tracks: dict[str, Any]) -> list[str]:
        """Subscribe, answer and connect; gives the mids. Waits a while for publishers that begin."""
        async with asyncio.timeout(30 * self.stage.target.patience):
            while True:
                response = await self.new_tracks(*tracks)
                if response.status_code == 200 and "item:" not in outcome(response):
                    break
                assert "error" in outcome(response), outcome(response)
                await asyncio.sleep(0.2)
        await self.answer(response)
        return [item["mid"] for item in response.json()["tracks"]]

    async def answer(self, response: httpx.Response) -> None:
        """Answer the offer of a response, and connect."""
        body = response.json()
        assert body["requiresImmediateRenegotiation"] is True
        offer = body["sessionDescription"]
        assert offer["type"] == "offer"
        answered = await self.renegotiate(self.endpoint.answer(offer["sdp"]))
        assert answered.status_code == 200, outcome(answered)
        await self.endpoint.connect(offer["sdp"])

    async def hears(self, mid: str, word: bytes, times: int = 3) -> None:
        """Return once a word has come so often from now on."""
        heard = self.endpoint.words
        before = heard.get(mid, {}).get(word, 0)
        await self.stage.until(lambda: heard.get(mid, {}).get(word, 0) >= before + times)

    async def hears_nothing(self, mid: str, seconds: float = 0.4) -> None:
        """What is on its way may still come; then nothing does."""
        for _ in range(10):  # turns of the loop, too, through which packets go
            await asyncio.sleep(0.02 * self.stage.target.patience)
        before = sum(self.endpoint.words.get(mid, {}).values())
        await asyncio.sleep(seconds)
        assert sum(self.endpoint.words.get(mid, {}).values()) == before


class Stage:
    """Everybody in one test."""

    def __init__(self, target: Target) -> None:
        self.target = target
        self._people: list[Person] = []

    async def enter(self) -> Person:
        """Somebody with a fresh session."""
        response = await self.target.client.post(f"/apps/{self.target.app_id}/sessions/new")
        assert response.status_code == 201, outcome(response)
        person = Person(self, response.json()["sessionId"])
        self._people.append(person)
        await person.endpoint.open()
        return person

    async def speaker(self, word: bytes = b"hello") -> Person:
        """Somebody whose microphone is published on mid 0, and who speaks."""
        person, ssrc = await self.enter(), secrets.randbits(31)
        response = await person.publish(M("audio", "0", ssrc=ssrc))
        assert outcome(response) == "200", outcome(response)
        person.endpoint.speak("0", word, ssrc)
        return person

    async def pass_time(self, seconds: float) -> None:
        """Let time go by, with everybody's connection alive whose network is."""
        await self.target.pass_time(seconds, self._keep_alive)

    def _keep_alive(self) -> None:
        for person in self._people:
            person.endpoint.refresh()

    async def until(self, check: Callable[[], bool], seconds: float = 30.0) -> None:
        """Return once something has become true."""
        async with asyncio.timeout(seconds * self.target.patience):
            while True:
                if check():
                    return
                await asyncio.sleep(0.01)

    async def sweep(self) -> None:
        """Close whatever anybody still holds, and every connection."""
        await asyncio.gather(*(self._sweep(person) for person in self._people))

    async def _sweep(self, person: Person) -> None:
        held = (await person.get()).json()
        mids = [track["mid"] for track in held.get("tracks", []) if track["status"] != "inactive"]
        if mids:
            await person.force_close(*mids)
        ids = [{"id": c["id"]} for c in held.get("dataChannels", []) if c["status"] != "inactive"]
        if ids:
            await person.call("PUT", "datachannels/close", {"dataChannels": ids})
        with suppress(Exception):
            await person.endpoint.close()
