"""Documents of every version: `python -m tests.cfrealtime_rooms.store.samples` writes those of today.

`room-1.json` was written by the code of the time, before there were versions with two numbers: nine people in
every phase, debts, bans, retries, an offer under way and an answer that goes again.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from cfrealtime_rooms import Permissions
from cfrealtime_rooms.core import events
from cfrealtime_rooms.store.codec import ROOM, dump, load
from cfrealtime_rooms.store.events import EVENT, dump_event

FOLDER = Path(__file__).parent / "saved"
FIRST = FOLDER / "room-1.json"
ROOM_NOW = FOLDER / f"room-{ROOM.version}.json"
EVENTS_NOW = FOLDER / f"events-{EVENT.version}.jsonl"

IN, WHO = ("hall", "p1"), ("hall", "p1", "ann")
TRACK = ("hall", "p1", "pub1", "camera")
EVENTS: tuple[Any, ...] = (
    events.RoomOpened("hall"),
    events.RoomClosed("hall", "empty"),
    events.ParticipantJoined(*WHO, "Zoë"),
    events.ParticipantReconnecting(*WHO),
    events.ParticipantResumed(*WHO),
    events.ParticipantLeft(*WHO, "timeout"),
    events.TrackPublished(*TRACK),
    events.TrackMuted(*TRACK, True),
    events.TrackUnpublished(*TRACK),
    events.MessageSent(*IN, "hello", None, None),
    events.MessageSent(*IN, None, {"vote": [1, 2.5, None, {"deep": True}]}, ("p2", "p3")),
    events.JoinRefused("hall", "bob", "banned"),
    events.PermissionsChanged("hall", "ann", Permissions(frozenset({"camera", "microphone"}), message=False)),
    events.PermissionsChanged("hall", "ann", None),
    events.SourceMuted("hall", "ann", "camera"),
    events.SourceAllowed("hall", "ann", "camera"),
    events.ParticipantBanned("hall", "bob", "spam", 60.0),
    events.ParticipantBanned("hall", "bob", "spam", None),
    events.ParticipantUnbanned("hall", "bob"),
    events.AttributesChanged(*IN, {"hand": "up"}),
    events.AttributesChanged("hall", None, {}),
    events.SelectionChanged(*IN, ("pub1",), ("p2",)),
    events.LayersChanged(*IN, {"pub1": "low"}),
    events.SessionReplaced(*IN, 3, "the session is gone"),
    events.LeakReported("hall", "s1", ("0", "1")),
)
"""One of every kind, and more where a field may be null."""


def rooms() -> list[Path]:
    """The saved rooms of all versions."""
    return sorted(FOLDER.glob("room-*.json"))


def main() -> None:
    """Write the samples of the present versions. Older ones stay as they are."""
    ROOM_NOW.write_text(
        json.dumps(json.loads(dump(load(FIRST.read_bytes()))), indent=1) + "\n", encoding="utf-8"
    )
    EVENTS_NOW.write_bytes(b"".join(dump_event(event) + b"\n" for event in EVENTS))


if __name__ == "__main__":
    main()
