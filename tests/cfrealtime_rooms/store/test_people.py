"""What the host has decided, and what people have chosen, is kept with the room."""

from __future__ import annotations

import json

from cfrealtime_rooms.core.permissions import Permissions
from cfrealtime_rooms.core.state import Ban, Participant, Room, Selection
from cfrealtime_rooms.core.tracks import Locator, Retry, Subscription
from cfrealtime_rooms.store.codec import dump, load
from tests.cfrealtime_rooms.store.test_codec import participant


def decided() -> Room:
    one: Participant = participant(enforcing=True)
    one.selection = Selection(("pub1",), ("p2",))
    one.hears_of = {"p2", "p3"}
    one.layers = {"pub9": "low"}
    one.publications["camera"].rids = ("l", "h")
    where = Locator("s9", "t9")
    one.lane.subscriptions = {"4": Subscription("4", "video", "pub9", where, 2.0, "l", Retry(1, 3.0))}
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
    del old["selection"], old["hears_of"], old["layers"], old["lane"]["enforcing"]
    del old["publications"]["camera"]["rids"]
    del old["lane"]["subscriptions"]["4"]["rid"], old["lane"]["subscriptions"]["4"]["layer_retry"]
    room = load(json.dumps(document).encode())
    assert (room.bans, room.rights, room.muted, room.attributes) == ({}, {}, {}, {})
    assert room.participants["p1"].selection == Selection()
