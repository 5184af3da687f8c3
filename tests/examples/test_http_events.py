"""The host without WebSockets: one stream out, one request for each message in, and what it refuses."""

import asyncio
import io
import sys
from collections.abc import AsyncIterator
from functools import partial

import httpx
import pytest
from aiohttp import ClientSession
from aiohttp.test_utils import TestServer
from yarl import URL

from cfrealtime_rooms.testing.channels import CHANNEL_RULES, ChannelTrial
from tests.examples.http_guest import Guest, answer, http_channel, until


@pytest.fixture
async def client(load) -> AsyncIterator[ClientSession]:
    async with (
        TestServer(load("03_http_events/http_events.py").create_app()) as server,
        ClientSession(server.make_url("")) as client,
    ):
        yield client


@pytest.fixture
def seats(client):
    """The module of seats that the host uses."""
    return sys.modules["seats"]


@pytest.mark.parametrize("rule", CHANNEL_RULES, ids=str)
async def test_channels(rule, load, monkeypatch):
    monkeypatch.setenv("MEETING_GRACE", "1.0")
    example = load("03_http_events/http_events.py")
    monkeypatch.setattr(example, "identity_of", lambda request: request.headers["X-User"])
    app = example.create_app()
    async with TestServer(app) as server, ClientSession(server.make_url("")) as client:
        await rule.check(ChannelTrial(app[example.ROOMS], partial(http_channel, client)))


async def test_two_people_meet_and_talk(client):
    ana, ben = await Guest.join(client, "Ana"), await Guest.join(client, "Ben")
    async with ana.listening() as to_ana, ben.listening() as to_ben:
        await until(to_ana, "welcome")
        await ana.say(type="join")
        await until(to_ana, "joined")
        await ben.say(type="join")
        joined = await until(to_ben, "joined")
        assert {"Ana", "Ben"} == {view["name"] for view in joined["snapshot"]["participants"]}
        await ben.say(type="message", text="hello\n\nthere")
        assert (await until(to_ana, "message"))["text"] == "hello\n\nthere"


async def test_a_stream_that_is_opened_anew_resumes_the_participant(client):
    ana, ben = await Guest.join(client, "Ana"), await Guest.join(client, "Ben")
    async with ben.listening() as to_ben:
        await ben.say(type="join")
        await until(to_ben, "joined")
        async with ana.listening() as to_ana:
            await ana.say(type="join")
            before = await until(to_ana, "joined")
        async with ana.listening() as to_ana:
            assert ana.stream == 2
            assert await ana.post("/beat", stream=1) == (409, "stream_over")
            await ana.say(type="resume", token=before["token"], epoch=before["epoch"])
            after = await until(to_ana, "joined")
            assert after["participant"] == before["participant"]
            await ana.say(type="message", text="back")
            gone = list[dict]()
            async for _, data in to_ben:
                if data["type"] == "message":
                    break
                gone += data.get("left", [])
            assert gone == []


async def test_the_newer_of_two_streams_is_the_one(client):
    ana = await Guest.join(client, "Ana")
    async with ana.listening() as older, ana.listening() as newer:
        await until(newer, "welcome")
        assert [kind async for kind, _ in older][-1:] in ([], ["message"])
        await ana.say(type="join")
        await until(newer, "joined")


async def test_leaving_ends_the_stream_and_the_seat(client):
    ana = await Guest.join(client, "Ana")
    async with ana.listening() as told:
        await ana.say(type="join")
        await until(told, "joined")
        assert await ana.post("/leaveRoom") == (204, None)
        assert (await until(told, "closed"))["reason"] == "left"
        assert await until(told, "end") == {"code": 4002, "reason": "left"}
        assert [event async for event in told] == []
    assert await ana.post("/leaveRoom") == (404, "unknown_channel")


async def test_leaving_while_the_stream_is_lost_is_leaving_all_the_same(client):
    ana, ben = await Guest.join(client, "Ana"), await Guest.join(client, "Ben")
    async with ben.listening() as to_ben:
        await ben.say(type="join")
        async with ana.listening() as to_ana:
            await ana.say(type="join")
            await until(to_ana, "joined")
        assert await ana.post("/leaveRoom") == (204, None)
        while not (delta := await until(to_ben, "delta"))["left"]:
            pass
        assert [gone["reason"] for gone in delta["left"]] == ["left"]


async def test_beats_that_nobody_answers_end_the_stream(client, seats, monkeypatch):
    monkeypatch.setattr(seats, "BEAT", 0.1)
    monkeypatch.setattr(seats, "SILENCE", 2.0)
    ana = await Guest.join(client, "Ana")
    async with ana.listening() as told:
        for _ in range(40):  # four seconds, twice as long as it may be silent
            await until(told, "beat")
            assert await ana.post("/beat") == (204, None)
        async with asyncio.timeout(30):
            assert {kind async for kind, _ in told} == {"beat"}


async def test_a_client_that_does_not_read_is_not_written_to_for_ever(client, seats, monkeypatch):
    monkeypatch.setattr(seats, "BEAT", 0.05)
    monkeypatch.setattr(seats, "SILENCE", 0.5)
    written = 0

    class Stuck:
        async def write(self, data: bytes) -> None:
            nonlocal written
            written += 1
            await asyncio.Event().wait()

    stream = seats.Stream(1, Stuck())
    with pytest.raises(TimeoutError):
        await stream.last()
    assert written == 1


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        ({"room": "a/b", "name": "Ana"}, "room_invalid"),
        ({"room": "", "name": "Ana"}, "room_invalid"),
        ({"room": "x" * 65, "name": "Ana"}, "room_invalid"),
        ({"name": "Ana"}, "room_invalid"),
        ({"room": "standup", "name": " "}, "name_invalid"),
        ({"room": "standup", "name": 7}, "name_invalid"),
        (["standup", "Ana"], "bad_message"),
    ],
)
async def test_a_room_or_a_name_that_is_none_is_refused(client, asked, code):
    assert await answer(client.post("/joinRoom", json=asked)) == (400, code)


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b"[" * 100_000])
async def test_garbage_in_place_of_a_request_is_refused(client, body):
    assert await answer(client.post("/joinRoom", data=body)) == (400, "bad_message")


async def test_only_who_knows_the_secret_gets_anywhere(client):
    ana, ben = await Guest.join(client, "Ana"), await Guest.join(client, "Ben")
    for channel, headers, expected in [
        (ana.seat["channel"], ben.headers, (403, "wrong_secret")),
        (ana.seat["channel"], {"Authorization": "Bearer ü"}, (403, "wrong_secret")),
        (ana.seat["channel"], {"Authorization": "Basic QTpC"}, (401, "no_secret")),
        (ana.seat["channel"], {}, (401, "no_secret")),
        ("nobody's", ana.headers, (404, "unknown_channel")),
    ]:
        options = {"params": {"channel": channel}, "headers": headers}
        assert await answer(client.get("/events", **options)) == expected
        assert await answer(client.post("/messages", **options)) == expected
        assert await answer(client.post("/beat", **options)) == expected
        assert await answer(client.post("/leaveRoom", **options)) == expected


async def test_a_secret_that_is_no_text_is_a_wrong_one(client):
    ana = await Guest.join(client, "Ana")
    address = str(client._base_url.join(URL("/leaveRoom"))) + f"?channel={ana.seat['channel']}"
    async with httpx.AsyncClient(trust_env=False) as raw:
        response = await raw.post(address, headers={b"Authorization": b"Bearer \xff"})
    assert (response.status_code, response.json()["code"]) == (403, "wrong_secret")


async def test_a_message_has_to_be_text_of_bounded_size_on_a_stream(client):
    ana = await Guest.join(client, "Ana")
    assert await ana.post("/messages", "{}", stream=1) == (409, "stream_over")
    async with ana.listening() as told:
        assert await ana.post("/messages", b"\xff") == (400, "bad_message")
        assert await ana.post("/messages", io.BytesIO(b"x" * (1024 * 1024 + 1))) == (413, "too_large")
        assert await ana.post("/messages", "{") == (204, None)
        assert (await until(told, "error"))["code"] == "bad_message"


async def test_a_flood_is_slowed_down_for_its_sender_alone(client, seats, monkeypatch):
    monkeypatch.setattr(seats, "BURST", 5.0)
    monkeypatch.setattr(seats, "MESSAGES_PER_SECOND", 0.0)
    ana, ben = await Guest.join(client, "Ana"), await Guest.join(client, "Ben")
    async with ana.listening(), ben.listening():
        answers = [await ana.post("/beat") for _ in range(7)]
        assert answers == [(204, None)] * 5 + [(429, "slow_down")] * 2
        assert await ben.post("/beat") == (204, None)


async def test_there_are_not_more_seats_than_the_host_has(client, seats, monkeypatch):
    monkeypatch.setattr(seats, "MOST_SEATS", 1)
    await Guest.join(client, "Ana")
    asked = {"room": "standup", "name": "Ben"}
    assert await answer(client.post("/joinRoom", json=asked)) == (503, "busy")


async def test_a_seat_that_nobody_comes_back_to_is_forgotten(client, seats):
    table = seats.Seats(keep=0.0)
    seat = table.take("standup", "ana", "Ana")
    with pytest.raises(seats.RefusedError, match="not known here"):
        table.find(seat.id, seat.secret)


async def test_a_host_that_stops_ends_its_streams_and_has_them_come_back(load):
    server = TestServer(load("03_http_events/http_events.py").create_app())
    await server.start_server()
    async with ClientSession(server.make_url("")) as client:
        ana = await Guest.join(client, "Ana")
        async with ana.listening() as told:
            await ana.say(type="join")
            await until(told, "joined")
            async with asyncio.timeout(30):
                closing = asyncio.create_task(server.close())
                assert (await until(told, "end"))["code"] == 1012
                await closing
