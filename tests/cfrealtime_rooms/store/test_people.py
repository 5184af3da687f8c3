"""What the host has decided, and what people have chosen, is kept with the room."""

from __future__ import annotations

import json

from cfrealtime_rooms.core.permissions import Permissions
from cfrealtime_rooms.core.state import Ban, Participant, Room, Selection
from cfrealtime_rooms.store.codec import dump, load
from tests.cfrealtime_rooms.store.test_codec import participant


def decided() -> Room:
    one: Participant = participant(enforcing=True)
    one.selection = Selection(("pub1",), ("p2",))
    one.hears_of = {"p2", "p3"}
    room = Room("hall", participants={one.id: one})
    room.attributes = {"topic": "tea"}
    room.rights = {"ann": Permissions(frozenset({"camera"}), subscribe=False)}
    room.muted = {"ann": {"camera", "screen"}}
    room.bans = {"bob": Ban("spam", 60.0), "cy": Ban("rude")}
    return room


def test_decisions_and_choices_are_kept():
    assert load(dump(decided())) == decided()


def test_a_room_saved_before_there_were_any_is_read():
    document = json.loads(dump(decided()))
    for added in ("attributes", "rights", "muted", "bans"):
        del document["room"][added]
    (old,) = document["room"]["participants"].values()
    del old["selection"], old["hears_of"], old["lane"]["enforcing"]
    room = load(json.dumps(document).encode())
    assert (room.bans, room.rights, room.muted, room.attributes) == ({}, {}, {}, {})
    assert room.participants["p1"].selection == Selection()
