"""The facade: what a host does with rooms, and everything a host can do wrong."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Any

import pytest

from cfrealtime import AsyncRealtime, ConfigurationError
from cfrealtime.models import IceServers
from cfrealtime_rooms import (
    IceServer,
    MessageSent,
    ParticipantJoined,
    ParticipantLeft,
    ParticipantReconnecting,
    ParticipantResumed,
    Permissions,
    RoomClosed,
    RoomOpened,
    Rooms,
    TrackPublished,
    Visitor,
)
from cfrealtime_rooms.runtime.ice import CLOUDFLARE_STUN
from cfrealtime_rooms.testing import Guests, RefusedError

from .hosting import Channel, channel, client_of, hosting, nowhere, settle, tasks_of_rooms, viewer

pytestmark = pytest.mark.looptime


def test_missing_credentials_are_named(monkeypatch):
    for variable in ("CLOUDFLARE_REALTIME_APP_ID", "CLOUDFLARE_REALTIME_APP_SECRET"):
        monkeypatch.delenv(variable, raising=False)
    with pytest.raises(ConfigurationError) as caught:
        Rooms(AsyncRealtime())
    assert "CLOUDFLARE_REALTIME_APP_ID" in str(caught.value)
    assert "CLOUDFLARE_REALTIME_APP_SECRET" in str(caught.value)


# Loops and threads.


def test_rooms_are_built_without_a_loop_and_belong_to_the_first_that_uses_them():
    rooms = Rooms(nowhere())
    assert rooms.room_ids() == []
    assert rooms.inspect("hall") is None
    rooms.say("hall", text="nobody hears")

    async def visit() -> None:
        async with viewer(rooms) as (ann, _):
            assert ann.types == ["welcome", "joined", "delta"]

    asyncio.run(visit())
    with pytest.raises(RuntimeError, match="one Rooms per loop"):
        asyncio.run(visit())
    with pytest.raises(RuntimeError, match="one Rooms per loop"):
        asyncio.run(rooms.aclose())


@pytest.mark.parametrize("threads", [True, False], ids=["another thread", "the loop's own thread"])
def test_a_host_acts_on_rooms_from_any_thread(threads):
    async def away(act: Callable[..., Any], *given: Any, **named: Any) -> Any:
        return await asyncio.to_thread(act, *given, **named) if threads else act(*given, **named)

    async def meet() -> None:
        async with (
            Rooms(nowhere()) as rooms,
            viewer(rooms, "ann") as (ann, _),
            viewer(rooms, "bob") as (bob, _),
        ):
            assert await away(rooms.room_ids) == ["hall"]
            assert [one["identity"] for one in (await away(rooms.inspect, "hall"))["participants"]] == [
                "ann",
                "bob",
            ]
            assert await away(rooms.inspect, "attic") is None
            await away(rooms.say, "hall", data={"poll": 1}, to=[ann.last("joined")["participant"]])
            await away(rooms.remove, "hall", "bob", "rude")
            await settle()
            assert ann.last("message")["data"] == {"poll": 1}
            assert "message" not in bob.types
            assert bob.last("closed") == {"type": "closed", "reason": "rude"}
            await away(rooms.close_room, "hall")
            await settle()
            assert ann.closed == [(4003, "room_closed")]
            assert await away(rooms.room_ids) == []
            await away(rooms.say, "hall", text="nobody hears")

    asyncio.run(meet())


def test_a_loop_that_does_not_answer_is_an_error_for_the_asking_thread(monkeypatch):
    monkeypatch.setattr("cfrealtime_rooms.runtime.door.DEADLINE", 0.05)
    faults: list[RuntimeError] = []

    async def block() -> None:
        async with Rooms(nowhere()) as rooms:

            def ask() -> None:
                with pytest.raises(RuntimeError, match="has not answered") as caught:
                    rooms.room_ids()
                faults.append(caught.value)

            thread = threading.Thread(target=ask)
            thread.start()
            thread.join()  # holds the loop up

    asyncio.run(block())
    assert len(faults) == 1


def test_after_its_loop_is_gone_nothing_is_open():
    async def visit() -> Rooms:
        async with Rooms(nowhere()) as rooms, viewer(rooms):
            return rooms

    rooms = asyncio.run(visit())
    answers: list[Any] = []
    thread = threading.Thread(target=lambda: answers.append(rooms.room_ids()))
    thread.start()
    thread.join()
    assert answers == [[]]


# Coming and going.


async def test_a_room_is_gone_when_it_is_empty_and_nothing_is_owed():
    async with hosting(grace=3.0) as (rooms, emulator), Guests(rooms) as guests:
        ann = await guests.join("ann")
        await ann.wait_until(lambda: ann.connected)
        assert rooms.room_ids() == ["demo"]
        emulator.faults.delay = 2.0
        await ann.leave()
        await settle()
        assert rooms.inspect("demo")["participants"] == []
        assert len(rooms.inspect("demo")["ledger"]) == 1
        await asyncio.sleep(5)
        assert rooms.room_ids() == []
        assert emulator.active_tracks() == []
        await settle()
        assert tasks_of_rooms() == []


async def test_a_room_that_was_over_starts_afresh_under_its_name():
    async with hosting() as (rooms, _):
        for _ in range(3):
            async with viewer(rooms) as (ann, says):
                await says.receive('{"type": "leave"}')
                await settle()
                assert ann.types == ["welcome", "joined", "delta", "closed"]
                assert ann.last("delta")["revision"] == 1
            assert rooms.room_ids() == []


async def test_a_channel_that_is_slow_to_close_does_not_hold_up_the_next_room_of_its_name():
    async with hosting() as (rooms, emulator), Guests(rooms, "hall") as guests:
        reads = asyncio.Event()
        kept = Channel()

        async def send(text: str) -> None:
            await kept.send(text)
            if "closed" in text:
                await reads.wait()

        async with viewer(rooms, "ann", send=send):
            rooms.close_room("hall")
            await settle()
            assert kept.types[-1] == "closed"
            bob = await guests.join("bob")
            await bob.wait_until(lambda: bob.connected, within=1)
            assert emulator.count("new_session") == 1
            reads.set()


async def test_a_cancelled_host_loses_its_channel_and_its_client_may_resume():
    async with hosting(grace=3.0) as (rooms, _), viewer(rooms, "bob") as (bob, _):
        inside = asyncio.Event()

        async def host() -> None:
            async with viewer(rooms, "ann"):
                inside.set()
                await asyncio.Event().wait()

        task = asyncio.create_task(host())
        await inside.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await settle()
        assert bob.last("delta")["participants"][0]["state"] == "reconnecting"
        assert tasks_of_rooms().count("room outbox") == 1
        await asyncio.sleep(4)
        assert bob.last("delta")["left"][0]["reason"] == "timeout"


async def test_a_host_that_raises_gets_its_own_exception_back():
    async with hosting() as (rooms, _):
        with pytest.raises(ZeroDivisionError):
            async with viewer(rooms):
                raise ZeroDivisionError
        await settle()
        assert rooms.inspect("hall")["participants"][0]["connected"] is False


async def test_what_arrives_after_a_removal_is_ignored():
    async with hosting() as (rooms, _), viewer(rooms, "ann") as (ann, says), viewer(rooms, "bob") as (bob, _):
        rooms.remove("hall", "ann")
        await settle()
        before = len(ann.told), len(bob.told)
        for text in ('{"type": "join"}', "garbage", '{"type": "message", "text": "hi"}'):
            await says.receive(text)
        await settle()
        assert (len(ann.told), len(bob.told)) == before
        assert ann.closed == [(4002, "removed")]


async def test_who_has_not_joined_yet_is_removed_as_well():
    async with hosting() as (rooms, _), channel(rooms, "ann") as (ann, says):
        rooms.remove("hall", "ann")
        await says.receive('{"type": "join"}')
        await settle()
        assert ann.types == ["welcome", "closed"]


# Channels that fail.


async def test_a_channel_that_raises_costs_nobody_else_anything():
    async with hosting(grace=3.0) as (rooms, _), viewer(rooms, "bob") as (bob, says):
        kept = Channel()

        async def send(text: str) -> None:
            await kept.send(text)
            if "hi" in text:
                raise ConnectionResetError

        async with viewer(rooms, "ann", send=send, close=kept.close):
            await says.receive('{"type": "message", "text": "hi"}')
            await settle()
            assert kept.closed == [(1013, "try again")]
            assert bob.last("message")["text"] == "hi"
            assert bob.last("delta")["participants"][0]["state"] == "reconnecting"


async def test_a_client_that_does_not_read_holds_nobody_up_and_gets_the_room_when_it_does():
    async with hosting() as (rooms, _), viewer(rooms, "bob") as (bob, says):
        kept, reads = Channel(), asyncio.Event()
        reads.set()

        async def send(text: str) -> None:
            await reads.wait()
            await kept.send(text)

        async with viewer(rooms, "ann", send=send):
            reads.clear()
            for n in range(1000):
                await says.receive(f'{{"type": "attributes", "attributes": {{"n": "{n}"}}}}')
            await settle()
            revision = bob.last("delta")["revision"]
            assert revision > 1000
            before = len(kept.told)
            reads.set()
            await settle()
            assert len(kept.told) - before <= 3
            assert kept.told[-1]["type"] == "snapshot"
            assert kept.told[-1]["revision"] == revision
            await says.receive('{"type": "attributes", "attributes": {"n": "last"}}')
            await settle()
            assert kept.last("delta")["since"] == revision


async def test_a_client_that_floods_and_does_not_read_is_cut_off():
    async with hosting() as (rooms, _), viewer(rooms, "bob") as (bob, _):
        kept = Channel()

        async def send(text: str) -> None:
            if "error" in text:
                await asyncio.Event().wait()

        async with viewer(rooms, "ann", send=send, close=kept.close) as (_, says):
            for _ in range(1000):
                await says.receive("garbage")
            await settle()
            assert kept.closed == [(1013, "try again")]
            assert bob.last("delta")["participants"][0]["state"] == "reconnecting"


# What the host says.


async def test_the_hosts_name_and_attributes_win_over_the_clients():
    async with hosting() as (rooms, _):
        async with channel(rooms, "ann", name="Ann of HR", attributes={"role": "host"}) as (ann, says):
            await says.receive(
                '{"type": "join", "name": "Boss", "attributes": {"role": "boss", "hand": "up"}}'
            )
            await says.receive('{"type": "attributes", "attributes": {"role": "boss"}}')
            await settle()
            (me,) = ann.last("joined")["snapshot"]["participants"]
            assert (me["name"], me["attributes"]) == ("Ann of HR", {"role": "host", "hand": "up"})
            assert ann.last("error")["code"] == "not_allowed"
        async with channel(rooms, "bob", name=None) as (bob, says):
            await says.receive('{"type": "join", "name": " Bob "}')
            await settle()
            assert bob.last("joined")["snapshot"]["participants"][-1]["name"] == "Bob"


async def test_permissions_are_the_hosts():
    rights = Permissions(publish=frozenset({"microphone"}), subscribe=False, message=False)
    async with hosting() as (rooms, _), Guests(rooms) as guests:
        await guests.join("ann")
        with pytest.raises(RefusedError, match="not_allowed"):
            await guests.join("bob", permissions=rights)
        cy = await guests.join("cy", permissions=rights, sources=["microphone"])
        cy.say("hi")
        await cy.wait_until(lambda: bool(cy.errors))
        assert cy.errors[-1].code == "not_allowed"
        await asyncio.sleep(15)
        assert cy.receiving() == {}


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"room_id": ""}, "a room_id and an identity"),
        ({"identity": ""}, "a room_id and an identity"),
        ({"name": ""}, "1 to 64 characters"),
        ({"name": "  "}, "1 to 64 characters"),
        ({"name": "n" * 10_000}, "1 to 64 characters"),
    ],
)
async def test_a_host_that_is_wrong_is_told_at_once(given, says):
    async with hosting() as (rooms, _):
        with pytest.raises(ValueError, match=says):
            async with channel(rooms, **given):
                pass
        assert rooms.room_ids() == []


async def test_a_host_says_a_text_or_any_json_and_nothing_else():
    async with hosting() as (rooms, _), viewer(rooms) as (ann, _):
        for wrong in ({}, {"text": "a", "data": 1}, {"data": float("nan")}):
            with pytest.raises(ValueError, match=r"say a text, or data|JSON"):
                rooms.say("hall", **wrong)
        with pytest.raises(TypeError):
            rooms.say("hall", data={1, 2})
        mine = {"n": [1]}
        rooms.say("hall", data=mine)
        mine["n"].append(2)
        rooms.say("hall", text="to one who is gone", to=["p-gone"])
        rooms.say("hall", text="hi")
        await settle()
        said = [message for message in ann.told if message["type"] == "message"]
        assert said == [
            {"type": "message", "sender": None, "data": {"n": [1]}},
            {"type": "message", "sender": None, "text": "hi"},
        ]


# ICE servers.


@pytest.mark.parametrize(
    ("base_url", "expected"),
    [("https://rtc.live.cloudflare.com/v1", CLOUDFLARE_STUN), ("http://localhost:8787/v1", ())],
)
def test_ice_servers_are_cloudflares_on_cloudflare_and_none_elsewhere(base_url, expected):
    assert Rooms(AsyncRealtime("demo", "secret", base_url=base_url))._ice_servers == expected


async def test_ice_servers_may_be_a_value_or_depend_on_the_visitor():
    visitors: list[Visitor] = []

    async def turn_for(visitor: Visitor) -> list[IceServer]:
        visitors.append(visitor)
        return [IceServer(("turn:t",), visitor.identity, "word")]

    async with hosting(ice_servers=[IceServer(("stun:s",))]) as (rooms, _), channel(rooms) as (ann, _):
        assert ann.told[0]["ice_servers"] == [{"urls": ["stun:s"]}]
    async with hosting(ice_servers=turn_for) as (rooms, _), channel(rooms) as (ann, _):
        assert ann.told[0]["ice_servers"] == [{"urls": ["turn:t"], "username": "ann", "credential": "word"}]
    assert visitors == [Visitor("hall", "ann", "ann")]


async def test_ice_servers_may_be_what_the_sdk_generates():
    async def generated(_: Visitor) -> IceServers:
        async with client_of(emulator) as realtime:
            return await realtime.turn("demo-turn", "turn-secret").generate_ice_servers(3600)

    async with hosting(ice_servers=generated) as (rooms, emulator), channel(rooms) as (ann, _):
        stun, turn = ann.told[0]["ice_servers"]
    assert list(stun) == ["urls"]
    assert set(turn) == {"urls", "username", "credential"}
    assert not [url for url in turn["urls"] if ":53?" in url]


@pytest.mark.parametrize("fault", [KeyError("no turn"), None], ids=["raises", "never answers"])
async def test_ice_servers_that_fail_are_the_hosts_own_error_and_let_nobody_in(fault, looptime):
    async def turn_for(_: Visitor) -> list[IceServer]:
        if fault is not None:
            raise fault
        await asyncio.Event().wait()
        return []

    async with hosting(ice_servers=turn_for) as (rooms, _):
        with pytest.raises((KeyError, TimeoutError)) as caught:
            async with channel(rooms):
                pass
        assert caught.value.__notes__ == [
            "The ice_servers function given to Rooms failed, so this visitor is not let in."
        ]
        assert rooms.room_ids() == []
        assert looptime <= 10.1


async def test_rooms_closed_while_ice_servers_are_awaited_let_nobody_in():
    asked = asyncio.Event()

    async def turn_for(_: Visitor) -> list[IceServer]:
        asked.set()
        await asyncio.sleep(1)
        return []

    async with hosting(ice_servers=turn_for) as (rooms, _):
        entering = asyncio.create_task(channel(rooms).__aenter__())
        await asked.wait()
        await rooms.aclose()
        with pytest.raises(RuntimeError, match="closed"):
            await entering
        assert tasks_of_rooms() == []


# Events.


async def test_events_are_typed_and_in_order_for_every_subscriber():
    async with hosting(grace=3.0) as (rooms, _), Guests(rooms) as guests:
        streams = [rooms.events(), rooms.events()]
        ann = await guests.join("ann", sources=["microphone"])
        await ann.wait_until(lambda: ann.connected)
        ann.say("hi")
        await ann.wait_until(lambda: bool(ann.messages))
        await ann.drop()
        await ann.reconnect()
        await ann.leave()
        await asyncio.sleep(1)
        await rooms.aclose()
        for stream in streams:
            events = [event async for event in stream]
            assert [type(event) for event in events] == [
                RoomOpened,
                TrackPublished,
                ParticipantJoined,
                MessageSent,
                ParticipantReconnecting,
                ParticipantResumed,
                ParticipantLeft,
                RoomClosed,
            ]
            assert {event.room for event in events} == {"demo"}
        assert [event async for event in rooms.events()] == []


async def test_what_a_framework_raises_after_the_room_closed_the_channel_is_nobody_s_fault():
    async with hosting() as (rooms, _):
        async with viewer(rooms) as (kept, connection):
            await connection.receive('{"type": "leave"}')
            await settle()
            raise RuntimeError("WebSocket is not connected")
        assert kept.closed == [(1000, "left")]


async def test_what_a_host_raises_by_itself_comes_out():
    async with hosting() as (rooms, _):
        with pytest.raises(RuntimeError, match="mine"):
            async with viewer(rooms):
                raise RuntimeError("mine")
