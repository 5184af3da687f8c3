"""What a host does to people through `Rooms`, from any thread, right or wrong."""

from __future__ import annotations

import asyncio
from typing import get_args

import pytest

import cfrealtime_rooms
from cfrealtime_rooms import (
    AttributesChanged,
    JoinRefused,
    ParticipantBanned,
    ParticipantLeft,
    Permissions,
    PermissionsChanged,
    RoomEvent,
    SourceAllowed,
    SourceMuted,
    selected,
)

from .hosting import channel, hosting, settle, viewer

pytestmark = pytest.mark.looptime


async def test_a_host_decides_about_people_and_their_clients_are_told():
    async with hosting() as (rooms, _), viewer(rooms) as (ann, _):
        rooms.set_permissions("hall", "ann", Permissions(frozenset({"microphone"}), message=False))
        rooms.mute("hall", "ann", "camera")
        await settle()
        assert ann.last("rights") == {
            "type": "rights",
            "rights": {
                "publish": ["microphone"],
                "subscribe": True,
                "message": False,
                "muted": ["camera"],
            },
        }
        rooms.allow("hall", "ann")
        rooms.set_permissions("hall", "ann", None)
        await settle()
        assert ann.last("rights")["rights"] == {"subscribe": True, "message": True, "muted": []}
        rooms.ban("hall", "ann", "spam", seconds=60)
        await settle()
        assert ann.closed == [(4004, "spam")]


async def test_who_is_banned_hears_nothing_but_that():
    async with hosting() as (rooms, _), viewer(rooms, "bob"):
        rooms.ban("hall", "ann")
        async with channel(rooms, "ann") as (ann, connection):
            await connection.receive('{"type": "join"}')
            await settle()
        assert ann.told == [{"type": "closed", "reason": "banned"}]
        assert ann.closed == [(4004, "banned")]
        rooms.unban("hall", "ann")
        async with viewer(rooms, "ann") as (ann, _):
            assert ann.types[:2] == ["welcome", "joined"]


async def test_a_rooms_attributes_are_bounded_and_the_host_is_told_at_once():
    async with hosting() as (rooms, _), viewer(rooms) as (ann, _):
        for wrong in ({"": "x"}, {"k": "v" * 257}, {"k" * 257: "v"}, {str(n): "v" for n in range(33)}):
            with pytest.raises(ValueError, match="at most"):
                rooms.set_attributes("hall", wrong)
        rooms.set_attributes("hall", {"topic": "tea"})
        await settle()
        assert ann.last("delta")["attributes"] == {"topic": "tea"}
        await asyncio.to_thread(rooms.set_attributes, "hall", {"topic": ""})
        await settle()
        assert ann.last("delta")["attributes"] == {}


async def test_a_room_that_is_not_open_can_be_told_anything():
    async with hosting() as (rooms, _):
        rooms.set_attributes("hall", {"topic": "tea"})
        rooms.ban("hall", "ann")
        rooms.mute("hall", "ann", "camera")
        async with viewer(rooms) as (ann, _):
            assert ann.last("joined")["snapshot"]["attributes"] == {}


async def test_policy_visibility_and_duplicates_are_options_of_rooms():
    alone = {"visible": lambda room, viewer, other: False}
    async with (
        hosting(policy=selected, duplicates="allow", **alone) as (rooms, _),
        viewer(rooms) as (one, _),
        viewer(rooms) as (two, _),
    ):
        assert len(rooms.inspect("hall")["participants"]) == 2
        for tab in (one, two):
            assert len(tab.last("joined")["snapshot"]["participants"]) == 1


def test_every_event_can_be_imported_from_the_package():
    assert {event.__name__ for event in get_args(RoomEvent)} <= set(cfrealtime_rooms.__all__)


async def test_what_a_host_does_is_told_in_order():
    async with hosting() as (rooms, _), viewer(rooms, "bob"), viewer(rooms, "ann") as (_, ann):
        events = rooms.events()
        rooms.set_permissions("hall", "ann", Permissions(message=False))
        rooms.mute("hall", "ann", "camera")
        rooms.allow("hall", "ann", "camera")
        await ann.receive('{"type": "attributes", "attributes": {"hand": "up"}}')
        rooms.set_attributes("hall", {"topic": "tea"})
        rooms.ban("hall", "ann", "spam", seconds=5)
        async with channel(rooms, "ann"):
            pass
        await settle()
        await rooms.aclose()
        told = [event async for event in events]
        joined = next(one.participant for one in told if isinstance(one, ParticipantLeft))
        assert told[:8] == [
            PermissionsChanged("hall", "ann", Permissions(message=False)),
            SourceMuted("hall", "ann", "camera"),
            SourceAllowed("hall", "ann", "camera"),
            AttributesChanged("hall", joined, {"hand": "up"}),
            AttributesChanged("hall", None, {"topic": "tea"}),
            ParticipantBanned("hall", "ann", "spam", 5),
            ParticipantLeft("hall", joined, "ann", "spam"),
            JoinRefused("hall", "ann", "banned"),
        ]
