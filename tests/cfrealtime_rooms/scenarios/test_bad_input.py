"""Whatever a client sends wrongly is answered to that client alone, and the room goes on."""

from __future__ import annotations

import json

import pytest

from tests.cfrealtime_rooms.scenarios.scene import scene

pytestmark = pytest.mark.looptime

TRACK = {"mid": "0", "source": "screen", "kind": "video"}

INSIDE = {
    "join": ({"type": "join", "name": "again"}, "already_joined"),
    "resume": ({"type": "resume", "token": "x"}, "already_joined"),
    "offer without a grant": ({"type": "offer", "grant": 1, "sdp": "v=0", "tracks": [TRACK]}, "no_grant"),
    "answer nobody asked for": ({"type": "answer", "exchange": 7, "sdp": "v=0"}, "stale"),
    "applied nobody asked for": ({"type": "applied", "exchange": 1}, "stale"),
    "media of another epoch": ({"type": "media", "epoch": 9, "state": "failed", "sending": []}, "stale"),
    "mute of nothing": ({"type": "mute", "source": "screen", "muted": True}, "unknown_source"),
    "unpublish of nothing": ({"type": "unpublish", "source": "screen"}, "unknown_source"),
    "message to nobody": ({"type": "message", "text": "hi", "to": ["p-nobody"]}, "unknown_participant"),
    "message of nothing": ({"type": "message"}, "bad_message"),
    "message too long": ({"type": "message", "text": "x" * 4001}, "bad_message"),
    "attribute too long": ({"type": "attributes", "attributes": {"k": "x" * 257}}, "bad_message"),
    "attribute of the host's": ({"type": "attributes", "attributes": {"role": "boss"}}, "not_allowed"),
}


@pytest.mark.parametrize(("message", "code"), INSIDE.values(), ids=INSIDE.keys())
async def test_a_wrong_message_changes_nothing_for_anyone(message, code):
    async with scene() as stage:
        ann = await stage.join("ann")
        eve = await stage.join("eve", host_attributes={"role": "guest"})
        await stage.rest()
        calls, revision, seen = stage.emulator.count(), ann.roster.revision, ann.roster
        eve.send_raw(json.dumps(message))
        await stage.rest()
        assert (eve.errors[0].code, eve.errors[0].in_reply_to) == (code, message["type"])
        assert ann.errors == []
        assert (stage.emulator.count(), ann.roster.revision, ann.roster) == (calls, revision, seen)
        stage.check(ann)


@pytest.mark.parametrize(
    "kind", ["negotiate", "offer", "applied", "answer", "media", "mute", "message", "leave"]
)
async def test_nothing_is_heeded_before_join(kind):
    fields = {"offer": {"grant": 1, "sdp": "v=0", "tracks": [TRACK]}, "applied": {"exchange": 1}}
    fields |= {"answer": {"exchange": 1, "sdp": "v=0"}, "media": {"epoch": 1, "sending": []}}
    fields |= {"mute": {"source": "camera", "muted": True}, "message": {"text": "hi"}}
    async with scene() as stage:
        ann = await stage.join("ann")
        eve = await stage.arrive("eve")
        eve.send_raw(json.dumps({"type": kind, **fields.get(kind, {})}))
        await stage.rest()
        assert [error.code for error in eve.errors] == ["not_joined"]
        await eve.join()
        await stage.rest()
        stage.check(ann, eve)


@pytest.mark.parametrize("name", ["", "   ", "x" * 65, "x" * 10_000])
async def test_a_name_that_is_none_is_refused(name):
    async with scene() as stage:
        await stage.join("ann")
        eve = await stage.arrive("eve")
        eve.send_raw(json.dumps({"type": "join", "name": name}))
        await stage.rest()
        assert [error.code for error in eve.errors] == ["name_invalid"]
        assert len(stage.room()["participants"]) == 1


@pytest.mark.parametrize(
    ("tracks", "code"),
    [
        ([], "no_tracks"),
        ([TRACK, TRACK], "bad_message"),
        ([TRACK, {**TRACK, "source": "other"}], "bad_message"),
        ([{**TRACK, "source": "camera"}], "source_taken"),
        ([{**TRACK, "mid": str(n), "source": f"s{n}"} for n in range(15)], "too_many_tracks"),
    ],
)
async def test_an_offer_with_impossible_tracks_is_refused_and_its_grant_is_over(tracks, code):
    async with scene() as stage:
        ann, eve = await stage.join_at_once("ann", "eve")
        await stage.rest()
        grants = []

        async def granted(message):
            grants.append(message["grant"])
            eve.send_raw(json.dumps({"type": "offer", "grant": grants[0], "sdp": "v=0", "tracks": tracks}))

        eve._handlers = {**eve._handlers, "grant": granted}
        calls = stage.emulator.count()
        eve.send_raw('{"type": "negotiate"}')
        await stage.rest(1)
        assert [error.code for error in eve.errors] == [code]
        assert stage.emulator.count() == calls
        assert stage.member(eve)["phase"] == "Idle"
        stage.check(ann, eve)


async def test_a_later_offer_that_is_not_sdp_is_refused_and_the_next_one_is_taken():
    async with scene() as stage:
        ann, eve = await stage.join_at_once("ann", "eve")
        await stage.rest()
        handlers = eve._handlers

        async def nonsense(message):
            eve._handlers = handlers
            eve.send_raw(
                json.dumps({"type": "offer", "grant": message["grant"], "sdp": "no", "tracks": [TRACK]})
            )

        eve._handlers = {**handlers, "grant": nonsense}
        eve.send_raw('{"type": "negotiate"}')
        await stage.rest(1)
        assert [(error.code, error.in_reply_to) for error in eve.errors] == [("bad_sdp", "offer")]
        await eve.publish("screen")
        await stage.rest()
        stage.check(ann, eve)
