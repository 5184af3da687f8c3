"""One example at least of every message, with everything in it that can be."""

from __future__ import annotations

from typing import Any

from cfrealtime_rooms.core.commands import (
    Answer,
    Applied,
    Command,
    Join,
    Leave,
    Media,
    Mute,
    Negotiate,
    Offer,
    OfferedTrack,
    PreferLayers,
    RequestSnapshot,
    Resume,
    Select,
    SendMessage,
    SetAttributes,
    Unpublish,
)
from cfrealtime_rooms.core.notices import (
    ClientLimits,
    Closed,
    Delta,
    Departure,
    Error,
    Grant,
    IceServer,
    Joined,
    Message,
    Mids,
    Notice,
    ParticipantView,
    PublicationView,
    Replace,
    Rights,
    RightsChanged,
    RoomAnswer,
    RoomOffer,
    Snapshot,
    Welcome,
)

SDP = "v=0\r\ns=-\r\n"
TRACKS = [
    {"mid": "0", "source": "microphone", "kind": "audio"},
    {"mid": "1", "source": "camera", "kind": "video", "muted": True, "rids": ["l", "h"]},
]
OFFERED = (
    OfferedTrack("0", "microphone", "audio"),
    OfferedTrack("1", "camera", "video", muted=True, rids=("l", "h")),
)

COMMANDS: list[tuple[dict[str, Any], Command]] = [
    ({"type": "join"}, Join()),
    ({"type": "join", "name": None, "attributes": None, "offer": None}, Join()),
    (
        {"type": "join", "name": "Zoë", "attributes": {"hand": "up"}, "offer": SDP, "tracks": TRACKS},
        Join("Zoë", {"hand": "up"}, SDP, OFFERED),
    ),
    ({"type": "resume", "token": "t", "epoch": 2}, Resume("t", 2)),
    (
        {"type": "resume", "token": "t", "epoch": None, "offer": SDP, "tracks": TRACKS},
        Resume("t", None, SDP, OFFERED),
    ),
    ({"type": "negotiate"}, Negotiate()),
    ({"type": "offer", "grant": 3, "sdp": SDP, "tracks": TRACKS}, Offer(3, SDP, OFFERED)),
    ({"type": "applied", "exchange": 3}, Applied(3)),
    ({"type": "answer", "exchange": 4, "sdp": SDP}, Answer(4, SDP)),
    (
        {"type": "media", "epoch": 1, "state": "connected", "sending": ["camera"]},
        Media(1, "connected", ("camera",)),
    ),
    ({"type": "media", "epoch": 1}, Media(1)),
    ({"type": "mute", "source": "camera", "muted": True}, Mute("camera", muted=True)),
    ({"type": "unpublish", "source": "camera"}, Unpublish("camera")),
    ({"type": "message", "text": "hi", "to": ["p-1"]}, SendMessage("hi", None, ("p-1",))),
    ({"type": "message", "data": {"poll": [1, 2.5, None]}}, SendMessage(None, {"poll": [1, 2.5, None]})),
    ({"type": "attributes", "attributes": {"hand": ""}}, SetAttributes({"hand": ""})),
    ({"type": "select"}, Select()),
    (
        {"type": "select", "publications": ["pub-1"], "participants": ["p-1"]},
        Select(("pub-1",), ("p-1",)),
    ),
    (
        {"type": "layers", "layers": {"pub-1": "low", "pub-2": None}},
        PreferLayers({"pub-1": "low", "pub-2": None}),
    ),
    ({"type": "snapshot"}, RequestSnapshot()),
    ({"type": "leave"}, Leave()),
]

VIEW = ParticipantView(
    "p-1",
    "zoe",
    "Zoë 😀",
    "reconnecting",
    {"hand": "up"},
    (PublicationView("pub-1", "camera", "video", True, "dead", ("l", "h")),),
)
SNAPSHOT = Snapshot(7, (VIEW,), {"4": "pub-1"}, {"topic": "tea"})
RIGHTS = Rights(("camera",), False, True, ("microphone",))

NOTICES: list[Notice] = [
    Welcome(1, (IceServer(("turn:example.org",), "user", "word"), IceServer(("stun:a",))), ClientLimits()),
    Joined("p-1", 1, "token", SNAPSHOT),
    Joined("p-1", 1, "token", SNAPSHOT, RIGHTS),
    RightsChanged(RIGHTS),
    RightsChanged(Rights()),
    SNAPSHOT,
    Grant(3, 1, 9.5),
    RoomAnswer(3, 1, SDP),
    RoomOffer(4, 1, SDP, {"4": "pub-1"}),
    Mids(1, {}),
    Replace(2, 5, 10.0),
    Replace(2, None, None),
    Delta(6, 7, (VIEW,), (Departure("p-2", "left"),)),
    Delta(7, 8),
    Delta(8, 9, attributes={"topic": "tea"}),
    Message("p-1", "line one\nline two", None, ("p-2",)),
    Message(None, None, {"poll": [1, None]}),
    Error("bad_message", "No.", "offer", "camera"),
    Error("stale", "Late."),
    Closed("replaced"),
]
