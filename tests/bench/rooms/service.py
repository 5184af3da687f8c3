"""The API in this process: it answers at once, as a service would that refuses nothing, and costs little.

`Service` stands where the SDK would, and hands its values out. `Transport` stands under the SDK instead, and
speaks JSON.
"""

from __future__ import annotations

import asyncio
import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import count
from types import SimpleNamespace
from typing import Any

import httpx

from cfrealtime.models import (
    CloseItem,
    CloseResult,
    LocalTrack,
    RemoteTrack,
    SessionDescription,
    SessionState,
    TrackResult,
    TracksResult,
)
from tests.bench.sdk.work import sections


@lru_cache(maxsize=256)
def answer(size: int) -> SessionDescription:
    """The service's answer to so many sections."""
    return SessionDescription.answer(sections(size, "recvonly"))


@lru_cache(maxsize=256)
def offer(size: int) -> SessionDescription:
    """The service's offer of so many sections."""
    return SessionDescription.offer(sections(size, "sendonly"))


class Service:
    """Looks like an `AsyncRealtime` to rooms. Counts calls, and tracks that somebody receives."""

    base_url = "http://service/v1"

    def __init__(self) -> None:
        self.calls = 0
        self.received = 0
        self._ids = count(1)
        self._sections: dict[str, int] = defaultdict(int)
        self._offered: dict[str, int] = defaultdict(int)
        self._wanted, self._there = 0, asyncio.Event()

    def with_options(self, **_: object) -> Service:
        """There is nothing that could be retried."""
        return self

    async def new_session(self) -> Any:
        """A session with nothing in it."""
        return SimpleNamespace(id=self.begin())

    def session(self, session_id: str) -> Session:
        """A handle."""
        return Session(self, session_id)

    async def until_received(self, tracks: int) -> None:
        """Wait until so many tracks are received in all."""
        self._wanted = tracks
        self._there.clear()
        if self.received < tracks:
            async with asyncio.timeout(300):
                await self._there.wait()

    def forget(self) -> None:
        """Hold nothing any more, where memory is counted."""
        self._sections.clear()
        self._offered.clear()
        answer.cache_clear()
        offer.cache_clear()

    # What both doors share.

    def begin(self) -> str:
        """A new session's id."""
        self.calls += 1
        return f"{next(self._ids):032x}"

    def publish(self, session_id: str, tracks: Sequence[LocalTrack]) -> TracksResult:
        """Take an offer with these tracks."""
        self.calls += 1
        self._sections[session_id] += len(tracks)
        items = tuple([TrackResult("local", t.mid, track_name=t.track_name) for t in tracks])
        return TracksResult(items, answer(self._sections[session_id]))

    def subscribe(self, session_id: str, tracks: Sequence[RemoteTrack]) -> TracksResult:
        """Offer these tracks."""
        self.calls += 1
        first = self._sections[session_id]
        self._sections[session_id] += len(tracks)
        self._offered[session_id] += len(tracks)
        items = [
            TrackResult("remote", str(first + n), t.session_id, t.track_name) for n, t in enumerate(tracks)
        ]
        return TracksResult(tuple(items), offer(first + len(tracks)), requires_renegotiation=True)

    def renegotiate(self, session_id: str) -> None:
        """Take the answer: from now on what was offered is received."""
        self.calls += 1
        self.received += self._offered.pop(session_id, 0)
        if self.received >= self._wanted:
            self._there.set()

    def update(self, mids: Iterable[str | None]) -> TracksResult:
        """Point mids at other tracks."""
        self.calls += 1
        return TracksResult(tuple([TrackResult("remote", mid) for mid in mids]))

    def close(self, mids: Iterable[str]) -> CloseResult:
        """Close mids."""
        self.calls += 1
        return CloseResult(tuple([CloseItem(mid) for mid in mids]))


class Session:
    """A session's handle, as the rooms use it."""

    def __init__(self, service: Service, session_id: str) -> None:
        self._service, self.id = service, session_id

    async def publish(self, _: SessionDescription, tracks: Sequence[LocalTrack]) -> TracksResult:
        """Take the client's offer."""
        return self._service.publish(self.id, tracks)

    async def subscribe(self, tracks: Sequence[RemoteTrack]) -> TracksResult:
        """Offer tracks."""
        return self._service.subscribe(self.id, tracks)

    async def renegotiate(self, _: SessionDescription) -> None:
        """Take the client's answer."""
        self._service.renegotiate(self.id)

    async def update_tracks(self, tracks: Sequence[RemoteTrack]) -> TracksResult:
        """Point mids elsewhere."""
        return self._service.update(track.mid for track in tracks)

    async def close_tracks(self, mids: Sequence[str], *, force: bool) -> CloseResult:
        """Close mids."""
        del force
        return self._service.close(mids)

    async def get_state(self) -> SessionState:
        """Nothing asks for it on a bench."""
        raise AssertionError("the rooms were in doubt about a session")


class Transport(httpx.AsyncBaseTransport):
    """The same under the SDK."""

    def __init__(self, service: Service) -> None:
        self._service = service

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """One call."""
        *_, session_id, end = request.url.path.replace("tracks/", "").split("/")
        given = json.loads(await request.aread() or b"{}")
        return httpx.Response(200, json=self._perform(session_id, end, given))

    def _perform(self, session_id: str, end: str, given: dict[str, Any]) -> dict[str, Any]:
        if session_id == "sessions":
            return {"sessionId": self._service.begin()}
        if end == "renegotiate":
            self._service.renegotiate(session_id)
            return {}
        tracks = given["tracks"]
        if end == "close":
            closed = self._service.close([track["mid"] for track in tracks])
            return {"tracks": [{"mid": one.mid} for one in closed.items]}
        if end == "update":
            return _json(self._service.update(track["mid"] for track in tracks))
        if tracks[0]["location"] == "local":
            local = [LocalTrack(track["mid"], track["trackName"]) for track in tracks]
            return _json(self._service.publish(session_id, local))
        remote = [RemoteTrack(track["sessionId"], track["trackName"]) for track in tracks]
        return _json(self._service.subscribe(session_id, remote))


def _json(result: TracksResult) -> dict[str, Any]:
    names = {"location": "location", "mid": "mid", "session_id": "sessionId", "track_name": "trackName"}
    tracks = [
        {wire: getattr(item, name) for name, wire in names.items() if getattr(item, name) is not None}
        for item in result.tracks
    ]
    document: dict[str, Any] = {
        "tracks": tracks,
        "requiresImmediateRenegotiation": result.requires_renegotiation,
    }
    if result.description is not None:
        document["sessionDescription"] = {"type": result.description.type, "sdp": result.description.sdp}
    return document
