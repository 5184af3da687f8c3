"""A service for tests of negotiation: it answers in good order, or as it was told."""

from __future__ import annotations

import json
from collections import defaultdict
from typing import Any

import httpx

SDP = "v=0 theirs"


class Service:
    """A transport for both colours that counts the entries of each request."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, int]] = []
        self.told: defaultdict[str, list[Any]] = defaultdict(list)
        self.transport = httpx.MockTransport(self._handle)

    def next(self, operation: str, *outcomes: Any) -> None:
        """Answer the next requests with a status and a document, in good order (None), or break off."""
        self.told[operation].extend(outcomes)

    def _handle(self, request: httpx.Request) -> httpx.Response:
        _, _, operation = request.url.path.partition("/sessions/s")
        operation = operation.partition("/")[2]
        body = json.loads(request.content or b"{}")
        entries = body.get("tracks", [])
        self.seen.append((operation, len(entries)))
        outcome = self.told[operation].pop(0) if self.told[operation] else None
        if isinstance(outcome, (BaseException, type)):
            raise outcome
        status, document = outcome or (200, _answer(operation, body, entries))
        return httpx.Response(status, json=document)


def refusal(status: int, code: str, *tracks: dict[str, str]) -> tuple[int, dict[str, Any]]:
    """An answer that says no."""
    return status, {"errorCode": code, "tracks": list(tracks)}


def _answer(operation: str, body: dict[str, Any], entries: list[dict[str, Any]]) -> dict[str, Any]:
    tracks = [
        {"mid": entry.get("mid", str(n)), "trackName": entry.get("trackName")}
        for n, entry in enumerate(entries)
    ]
    if operation == "renegotiate":
        return {}
    if operation == "tracks/new" and "sessionDescription" not in body:
        offer = {"type": "offer", "sdp": SDP}
        return {"tracks": tracks, "sessionDescription": offer, "requiresImmediateRenegotiation": True}
    if "sessionDescription" in body:
        return {"tracks": tracks, "sessionDescription": {"type": "answer", "sdp": SDP}}
    return {"tracks": tracks}
