"""Whatever a client sends, it alone is told, and the room goes on: each case through `Rooms.connect`."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from cfrealtime_rooms import Rooms
from cfrealtime_rooms.testing import Guests, LocalParticipant

from ..hosting import channel, hosting, settle, viewer

pytestmark = pytest.mark.looptime

SDP = "s3cr3t: this is no SDP"
TRACKS = [{"mid": "0", "source": "screen", "kind": "video"}]
DEEP = "[" * 5_000 + "]" * 5_000


@asynccontextmanager
async def meeting() -> AsyncIterator[tuple[Rooms, LocalParticipant, LocalParticipant]]:
    """Two who have each other's media."""
    async with hosting() as (rooms, _), Guests(rooms, host_attributes={"role": "guest"}) as guests:
        ann, bob = await guests.join_at_once("ann", "bob")
        await ann.wait_until(lambda: bool(ann.others) and not ann.missing() and not bob.missing())
        yield rooms, ann, bob


async def goes_on(one: LocalParticipant, other: LocalParticipant) -> None:
    """The two still hear each other speak, and media can still be negotiated both ways."""
    one.say("still here")
    await other.wait_until(lambda: any(said.text == "still here" for said in other.messages))
    await one.publish("screen")
    await other.wait_until(lambda: (one.name, "screen") in other.receiving())
    assert not one.missing()
    assert other.errors == []
    assert other.closed is None


def message(kind: str, **fields: Any) -> str:
    return json.dumps({"type": kind, **fields})


CASES: dict[str, tuple[str, str, str | None]] = {
    "empty": ("", "bad_message", None),
    "not JSON": ("hello", "bad_message", None),
    "10 000 characters": ("x" * 10_000, "bad_message", None),
    "half a message": ('{"type": "mu', "bad_message", None),
    "a list": ("[1, 2]", "bad_message", None),
    "too deep": (DEEP, "bad_message", None),
    "deep data": ('{"type": "message", "data": ' + "[" * 500 + "]" * 500 + "}", "bad_message", "message"),
    "half a character": ('{"type": "message", "text": "\\ud800"}', "bad_message", None),
    "no number": ('{"type": "message", "data": NaN}', "bad_message", None),
    "an endless number": ('{"type": "message", "data": 1e999}', "bad_message", None),
    "a type nobody knows": (message("dance"), "bad_message", None),
    "a message of the room's": (message("welcome"), "bad_message", None),
    "a field missing": (message("mute", source="camera"), "bad_message", "mute"),
    "a field of the wrong type": (message("mute", source="camera", muted="yes"), "bad_message", "mute"),
    "a name that is a program": (message("unpublish", source="<script>"), "bad_message", "unpublish"),
    "an oversized message": (message("message", text="x" * 70_000), "too_large", "message"),
    "an oversized SDP": (message("answer", exchange=1, sdp="x" * 270_000), "too_large", "answer"),
    "an enormous text": ("x" * 1_000_000, "too_large", None),
    "a text of 10 000 characters": (message("message", text="x" * 10_000), "bad_message", "message"),
    "an empty text": (message("message", text=""), "bad_message", "message"),
    "neither text nor data": (message("message"), "bad_message", "message"),
    "a long attribute": (message("attributes", attributes={"a": "x" * 10_000}), "bad_message", "attributes"),
    "too many attributes": (
        message("attributes", attributes={str(n): "x" for n in range(100)}),
        "bad_message",
        "attributes",
    ),
    "an attribute of the host's": (
        message("attributes", attributes={"role": "boss"}),
        "not_allowed",
        "attributes",
    ),
    "an unknown participant": (message("message", text="hi", to=["p-1"]), "unknown_participant", "message"),
    "an unknown source": (message("mute", source="nose", muted=True), "unknown_source", "mute"),
    "nothing to unpublish": (message("unpublish", source="nose"), "unknown_source", "unpublish"),
    "another epoch": (message("media", epoch=99, state="failed"), "stale", "media"),
    "a second join": (message("join", name="Eve"), "already_joined", "join"),
    "an answer nobody asked for": (message("answer", exchange=1, sdp=SDP), "stale", "answer"),
    "an answer to a huge exchange": (message("answer", exchange=10**400, sdp=SDP), "stale", "answer"),
    "applied without an answer": (message("applied", exchange=99), "stale", "applied"),
    "an offer without a grant": (message("offer", grant=1, sdp=SDP, tracks=TRACKS), "no_grant", "offer"),
}


@pytest.mark.parametrize(("text", "code", "in_reply_to"), CASES.values(), ids=CASES)
async def test_what_is_wrong_is_told_to_its_sender_alone(text, code, in_reply_to):
    async with meeting() as (_, ann, bob):
        before = bob.roster
        ann.send_raw(text)
        await ann.wait_until(lambda: bool(ann.errors))
        (error,) = ann.errors
        assert (bob.roster, bob.errors) == (before, [])
        assert (error.code, error.in_reply_to) == (code, in_reply_to)
        assert len(error.message) < 120
        assert "s3cr3t" not in error.message
        ann.errors.clear()
        await goes_on(ann, bob)
        assert ann.errors == []


@pytest.mark.parametrize("name", [None, "", "   ", "n" * 65, "n" * 10_000])
async def test_a_name_that_is_none_is_refused_and_the_next_one_welcome(name):
    async with meeting() as (rooms, ann, bob), channel(rooms, "eve", "demo", name=None) as (eve, says):
        await says.receive(message("join", name=name))
        await settle()
        assert eve.types == ["welcome", "error"]
        assert eve.last("error")["code"] == "name_invalid"
        await says.receive(message("join", name="Eve"))
        await settle()
        assert eve.types[2] == "joined"
        await goes_on(ann, bob)


NOT_JOINED = {
    "negotiate": message("negotiate"),
    "offer": message("offer", grant=1, sdp=SDP, tracks=TRACKS),
    "answer": message("answer", exchange=1, sdp=SDP),
    "applied": message("applied", exchange=1),
    "media": message("media", epoch=1),
    "mute": message("mute", source="camera", muted=True),
    "unpublish": message("unpublish", source="camera"),
    "message": message("message", text="hi"),
    "attributes": message("attributes"),
    "snapshot": message("snapshot"),
    "leave": message("leave"),
}


@pytest.mark.parametrize("kind", NOT_JOINED)
async def test_before_join_nothing_else_is_understood(kind):
    async with hosting() as (rooms, _), channel(rooms) as (ann, says):
        await says.receive(NOT_JOINED[kind])
        await settle()
        assert ann.types == ["welcome", "error"]
        assert (ann.last("error")["code"], ann.last("error")["in_reply_to"]) == ("not_joined", kind)


async def test_tokens_of_others_and_used_ones_open_nothing():
    async with meeting() as (rooms, ann, bob), channel(rooms, "eve", "demo") as (eve, says):
        for token in ("guessed", ann.token, ""):
            await says.receive(message("resume", token=token, epoch=1))
        await settle()
        assert [told["code"] for told in eve.told[1:]] == ["resume_failed"] * 3
        await goes_on(ann, bob)


async def test_who_is_in_the_room_has_nothing_to_resume():
    async with hosting() as (rooms, _), viewer(rooms) as (ann, says):
        await says.receive(message("resume", token=ann.last("joined")["token"], epoch=1))
        await settle()
        assert ann.last("error")["code"] == "already_joined"
        assert ann.types.count("joined") == 1


@pytest.mark.parametrize("sdp", ["", SDP, "v=0\r\n", "v=0\r\n" * 10_000, "\x00", "m=audio 9 X 0\r\n"])
async def test_a_first_offer_that_is_no_sdp_is_refused_to_its_sender(sdp):
    async with meeting() as (rooms, ann, bob), channel(rooms, "eve", "demo") as (eve, says):
        await says.receive(message("join", offer=sdp, tracks=TRACKS))
        await settle()
        assert eve.types[1] == "joined"
        error = eve.last("error")
        assert (error["code"], error["in_reply_to"]) == ("bad_sdp", "join")
        assert "s3cr3t" not in error["message"]
        await goes_on(ann, bob)


async def test_a_later_offer_that_is_no_sdp_is_refused_and_its_sender_may_try_again():
    async with meeting() as (_, ann, bob):
        ann.send_raw(message("negotiate"))
        real = ann._handlers

        async def granted(grant: dict[str, Any]) -> None:
            ann.send_raw(message("offer", grant=grant["grant"], sdp=SDP, tracks=TRACKS))

        ann._handlers = {**real, "grant": granted}
        await ann.wait_until(lambda: bool(ann.errors))
        assert [error.code for error in ann.errors] == ["bad_sdp"]
        ann.errors.clear()
        ann._handlers = real
        await goes_on(ann, bob)


async def test_an_answer_that_is_no_sdp_costs_its_sender_a_session_and_nobody_else_anything():
    async with meeting() as (_, ann, bob):
        real = ann._handlers["offer"]

        async def wrong(offer: dict[str, Any]) -> None:
            ann._handlers = {**ann._handlers, "offer": real}
            ann.send_raw(message("answer", exchange=offer["exchange"], sdp=SDP))

        ann._handlers = {**ann._handlers, "offer": wrong}
        await bob.publish("screen_audio")
        await ann.wait_until(lambda: ann.epoch == 2, within=30)
        await ann.wait_until(lambda: not ann.missing(), within=30)
        await goes_on(ann, bob)
        assert (bob.epoch, bob.faults) == (1, [])


@pytest.mark.parametrize(
    ("tracks", "code"),
    [
        ([], "no_tracks"),
        ([TRACKS[0], TRACKS[0]], "bad_message"),
        ([TRACKS[0], {**TRACKS[0], "source": "other"}], "bad_message"),
        ([{**TRACKS[0], "source": "camera"}], "source_taken"),
        ([{**TRACKS[0], "source": f"s{n}", "mid": str(n)} for n in range(40)], "too_many_tracks"),
    ],
    ids=["none", "twice the same", "two on one mid", "one that is published", "too many"],
)
async def test_an_offer_with_wrong_tracks_is_refused_as_a_whole(tracks, code):
    async with meeting() as (_, ann, bob):
        ann.send_raw(message("negotiate"))
        real = ann._handlers

        async def granted(grant: dict[str, Any]) -> None:
            ann.send_raw(message("offer", grant=grant["grant"], sdp=SDP, tracks=tracks))

        ann._handlers = {**real, "grant": granted}
        await ann.wait_until(lambda: bool(ann.errors))
        assert [error.code for error in ann.errors] == [code]
        ann.errors.clear()
        ann._handlers = real
        await goes_on(ann, bob)
