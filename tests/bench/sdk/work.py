"""The work that every client is given: one publish of two tracks, and the 64 tracks of a large subscription.

The reading by hand is what somebody would write who has the values and no SDK.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import cycle
from typing import Any, Final

from cfrealtime import ItemError, LocalTrack, SessionDescription, Simulcast, TrackResult, TracksResult

APP_ID: Final = "a" * 32
APP_SECRET: Final = "s" * 64
TRACKS: Final = (LocalTrack("0", "microphone"), LocalTrack("1", "camera"))

# A session takes 50 calls a second, and clients that know this must not be made to wait.
SESSIONS: Final = tuple(f"{number:032x}" for number in range(500))


def sections(count: int, direction: str) -> str:
    """SDP of that many media sections, about as long as browsers and the service write it."""
    head = "v=0\r\no=- 1 2 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0\r\n"
    section = "m=video 9 UDP/TLS/RTP/SAVPF 96 97\r\nc=IN IP4 0.0.0.0\r\n" + "".join(
        f"a={line}\r\n"
        for line in (
            direction,
            "rtcp-mux",
            "rtpmap:96 VP8/90000",
            "rtcp-fb:96 nack pli",
            "rtpmap:97 rtx/90000",
        )
    )
    return head + "".join(f"{section}a=mid:{mid}\r\n" for mid in range(count))


OFFER: Final = sections(6, "sendonly")


def published() -> dict[str, Any]:
    """The service's answer to the publish."""
    return {
        "requiresImmediateRenegotiation": False,
        "sessionDescription": {"type": "answer", "sdp": sections(6, "recvonly")},
        "tracks": [{"location": "local", "mid": t.mid, "trackName": t.track_name} for t in TRACKS],
    }


def subscribed(count: int = 64) -> dict[str, Any]:
    """The service's answer to a subscription; every eighth track is refused."""
    tracks = [
        {"sessionId": f"{number:032x}", "trackName": f"participant-{number:04}-camera", "location": "remote"}
        | (
            {"errorCode": "not_found_track_error", "errorDescription": "The track was not found."}
            if number % 8 == 7
            else {"mid": str(number), "kind": "video"}
        )
        for number in range(count)
    ]
    offer = {"type": "offer", "sdp": sections(count, "sendonly")}
    return {"requiresImmediateRenegotiation": True, "sessionDescription": offer, "tracks": tracks}


def body() -> dict[str, Any]:
    """The publish, as it goes out."""
    return {
        "sessionDescription": {"type": "offer", "sdp": OFFER},
        "tracks": [{"location": "local", "mid": t.mid, "trackName": t.track_name} for t in TRACKS],
    }


def urls(base: str) -> Iterator[str]:
    """Where publishes go, session after session."""
    return cycle([f"{base}/apps/{APP_ID}/sessions/{session}/tracks/new" for session in SESSIONS])


def read_by_hand(document: Mapping[str, Any]) -> TracksResult:
    """The value that the SDK makes of an answer with tracks."""
    description = document.get("sessionDescription")
    return TracksResult(
        tracks=tuple([_read_track(track) for track in document["tracks"]]),
        description=None
        if description is None
        else SessionDescription(description["type"], description["sdp"]),
        requires_renegotiation=document.get("requiresImmediateRenegotiation", False),
    )


def _read_track(track: Mapping[str, Any]) -> TrackResult:
    layers = track.get("simulcast")
    return TrackResult(
        location=track.get("location"),
        mid=track.get("mid"),
        session_id=track.get("sessionId"),
        track_name=track.get("trackName"),
        kind=track.get("kind"),
        error=ItemError(track["errorCode"], track.get("errorDescription")) if "errorCode" in track else None,
        bidirectional=track.get("bidirectionalMediaStream"),
        simulcast=None
        if layers is None
        else Simulcast(
            layers.get("preferredRid"), layers.get("priorityOrdering"), layers.get("ridNotAvailable")
        ),
    )
