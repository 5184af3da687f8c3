"""Data channels over HTTP with messages put in by hand: who hears whom, who may reply, what is torn down."""

from __future__ import annotations

import asyncio

import pytest

from cfrealtime.emulator import Emulator, ManualMediaPlane
from tests.cfrealtime.emulator.data_peer import DataPeer, channel_codes, heard, told
from tests.cfrealtime.emulator.peer import client_of

pytestmark = pytest.mark.looptime


@pytest.fixture
async def media():
    return ManualMediaPlane()


@pytest.fixture
async def client(media):
    async with client_of(Emulator({"demo": "secret", "other": "secret"}, media=media)) as client:
        yield client


@pytest.fixture
async def speaker(client):
    """A peer that publishes `chat`, which has the id 1 there."""
    peer = await DataPeer.connected(client)
    assert await peer.open(told("chat")) == (1,)
    return peer


async def test_the_answer_names_each_channel_and_its_id_in_this_session(client, speaker):
    viewer = await DataPeer.connected(client)
    await viewer.open(told("own"))
    response = await viewer.channels(heard(speaker.id, "chat"))
    assert response.json() == {
        "dataChannels": [{"id": 2, "dataChannelName": "chat", "location": "remote", "sessionId": speaker.id}]
    }
    assert (await viewer.get()).json()["dataChannels"] == [
        {"id": 0, "dataChannelName": "server-events", "location": "remote", "status": "active"},
        {"id": 1, "dataChannelName": "own", "location": "local", "status": "active"},
        {
            "id": 2,
            "dataChannelName": "chat",
            "location": "remote",
            "sessionId": speaker.id,
            "status": "initializing",
        },
    ]


async def test_every_subscriber_hears_the_publisher_and_only_it(client, media, speaker):
    one, two = await DataPeer.connected(client), await DataPeer.connected(client)
    (first,), (second,) = await one.open(heard(speaker.id, "chat")), await two.open(heard(speaker.id, "chat"))
    for message in ("text", b"binary", "", b""):
        media.say(speaker.id, 1, message)
    media.say(one.id, first, "not for anyone")
    assert media.messages(one.id, first) == media.messages(two.id, second) == ("text", b"binary", "", b"")
    assert media.messages(speaker.id, 1) == ()


async def test_a_session_hears_itself_if_it_wants(media, speaker):
    (echo,) = await speaker.open(heard(speaker.id, "chat"))
    media.say(speaker.id, 1, "hello")
    assert media.messages(speaker.id, echo) == ("hello",)


async def test_the_longest_message_has_256_kib(client, media, speaker):
    viewer = await DataPeer.connected(client)
    (channel,) = await viewer.open(heard(speaker.id, "chat"))
    for message in (b"x" * 262_144, "ä" * 131_072, b"x" * 262_145, "ä" * 131_073):
        media.say(speaker.id, 1, message)
    assert [len(message) for message in media.messages(viewer.id, channel)] == [262_144, 131_072]


async def test_what_is_said_on_the_channel_of_the_service_goes_nowhere(client, media, speaker):
    media.say(speaker.id, 0, "anyone?")
    assert media.messages(speaker.id, 0) == ()


async def test_unknown_publishers_and_channels_fail_alone(client, media, speaker):
    viewer, gone = await DataPeer.connected(client), await DataPeer.connected(client)
    await gone.open(told("chat"))
    media.lose(gone.id)
    response = await viewer.channels(
        heard("nobody", "chat"),
        heard(speaker.id, "other"),
        heard(gone.id, "chat"),
        heard(speaker.id, "server-events"),
        heard(speaker.id, "chat"),
    )
    assert channel_codes(response) == ["not_found_track_error"] * 4 + [None]
    assert "id" not in response.json()["dataChannels"][0]


async def test_apps_do_not_hear_each_other(client, media, speaker):
    session = (await client.post("/v1/apps/other/sessions/new")).json()["sessionId"]
    stranger = DataPeer(client, session)
    stranger.path = f"/v1/apps/other/sessions/{session}"
    await stranger.offer_data()
    await asyncio.sleep(0.1)
    response = await stranger.channels(heard(speaker.id, "chat"))
    assert channel_codes(response) == ["not_found_track_error"]


async def test_a_channel_is_allocated_once_as_publication_and_as_subscription(client, speaker):
    viewer = await DataPeer.connected(client)
    assert channel_codes(await speaker.channels(told("chat"))) == ["repeated_local_track_error"]
    twice = await viewer.channels(heard(speaker.id, "chat"), heard(speaker.id, "chat"))
    assert channel_codes(twice) == [None, "repeated_local_track_error"]
    assert channel_codes(await viewer.channels(told("chat"))) == [None]


async def test_ids_are_not_used_again_after_a_close(client, speaker):
    await speaker.close_channels(1)
    assert await speaker.open(told("chat"), told("more")) == (2, 3)


@pytest.mark.parametrize(
    ("published", "wanted", "code"),
    [
        ({}, {"ordered": True}, None),
        ({"ordered": False}, {"ordered": False}, None),
        ({"maxRetransmits": 0}, {"maxRetransmits": 0.0}, None),
        ({"maxPacketLifeTime": 200}, {"maxPacketLifeTime": 200}, None),
        ({"ordered": False}, {}, "invalid_params"),
        ({"maxRetransmits": 1}, {"maxRetransmits": 2}, "invalid_params"),
        ({"maxRetransmits": 0}, {}, "invalid_params"),
    ],
)
async def test_subscribers_repeat_the_publishers_policy(client, speaker, published, wanted, code):
    viewer = await DataPeer.connected(client)
    await speaker.open(told("state", **published))
    assert channel_codes(await viewer.channels(heard(speaker.id, "state", **wanted))) == [code]


@pytest.mark.parametrize(
    ("entries", "code"),
    [
        ([told("a", maxRetransmits=1, maxPacketLifeTime=1)], "invalid_params"),
        ([told("a", maxRetransmits=-1)], "invalid_params"),
        ([told("a", maxPacketLifeTime=65_536)], "invalid_params"),
        ([told("a", maxRetransmits=1.5)], "decoding_error"),
        ([told("a", ordered="yes")], "decoding_error"),
        ([told("")], "invalid_params"),
        ([heard("", "a")], "invalid_params"),
        ([told("a"), heard("x", "a")], "invalid_params"),
        ([{"dataChannelName": "a"}], "decoding_error"),
        ([], "invalid_params"),
        ([1], "decoding_error"),
    ],
)
async def test_entries_that_make_no_sense_refuse_the_call(speaker, entries, code):
    response = await speaker.channels(*entries)
    assert (response.status_code, response.json()["errorCode"]) == (400, code)
    assert list(await speaker.statuses()) == [0, 1]


async def test_who_may_reply_is_heard_by_the_publisher_and_nobody_else(client, media, speaker):
    one, two = await DataPeer.connected(client), await DataPeer.connected(client)
    (first,) = await one.open(heard(speaker.id, "chat", canReply=True))
    (second,) = await two.open(heard(speaker.id, "chat"))
    media.say(one.id, first, "yes")
    media.say(two.id, second, "me too")
    assert media.messages(speaker.id, 1) == ("yes",)
    assert media.messages(two.id, second) == ()


async def test_granting_the_reply_moves_it(client, media, speaker):
    one, two = await DataPeer.connected(client), await DataPeer.connected(client)
    (first,) = await one.open(heard(speaker.id, "chat", canReply=True))
    (second,) = await two.open(heard(speaker.id, "chat", canReply=True))
    media.say(one.id, first, "one")
    media.say(two.id, second, "two")
    granted = await one.update_channels(heard(speaker.id, "chat", canReply=True))
    assert granted.json()["dataChannels"] == [
        {
            "id": first,
            "dataChannelName": "chat",
            "location": "remote",
            "sessionId": speaker.id,
            "canReply": True,
        }
    ]
    media.say(one.id, first, "one again")
    media.say(two.id, second, "two again")
    await one.update_channels({"id": first, "canReply": False})
    media.say(one.id, first, "last")
    assert media.messages(speaker.id, 1) == ("two", "one again")


async def test_only_the_holder_gives_the_reply_back(client, media, speaker):
    one, two = await DataPeer.connected(client), await DataPeer.connected(client)
    (first,) = await one.open(heard(speaker.id, "chat", canReply=True))
    (second,) = await two.open(heard(speaker.id, "chat"))
    refusal = await two.update_channels({"id": second, "canReply": False})
    assert refusal.json()["dataChannels"][0]["canReply"] is False
    media.say(one.id, first, "still")
    assert media.messages(speaker.id, 1) == ("still",)


async def test_an_update_of_what_is_not_received_fails_alone(client, speaker):
    viewer = await DataPeer.connected(client)
    await viewer.open(heard(speaker.id, "chat"))
    response = await viewer.update_channels(
        {"id": 99, "canReply": True},
        heard(speaker.id, "other", canReply=True),
        heard(speaker.id, "chat", canReply=True),
    )
    assert channel_codes(response) == ["update_track_error", "update_track_error", None]


async def test_flags_of_subscribers_are_ignored_on_a_publishers_channel(client, media, speaker):
    await speaker.open(told("more", waitForAck=True, canReply=True))
    viewer = await DataPeer.connected(client)
    (channel,) = await viewer.open(heard(speaker.id, "more"))
    await speaker.update_channels(told("more", canReply=True))
    media.say(speaker.id, 2, "at once")
    assert media.messages(viewer.id, channel) == ("at once",)


async def test_delivery_starts_after_the_acknowledgement_which_goes_no_further(client, media, speaker):
    viewer = await DataPeer.connected(client)
    (channel,) = await viewer.open(heard(speaker.id, "chat", waitForAck=True, canReply=True))
    media.say(speaker.id, 1, "too early")
    media.say(viewer.id, channel, "ack")
    media.say(speaker.id, 1, "now")
    media.say(viewer.id, channel, "reply")
    assert media.messages(viewer.id, channel) == ("now",)
    assert media.messages(speaker.id, 1) == ("reply",)


async def test_a_channel_without_its_acknowledgement_is_torn_down_after_30_seconds(client, media, speaker):
    late, ready = await DataPeer.connected(client), await DataPeer.connected(client)
    (missed,) = await late.open(heard(speaker.id, "chat", waitForAck=True))
    (kept,) = await ready.open(heard(speaker.id, "chat", waitForAck=True))
    media.say(ready.id, kept, "ack")
    await asyncio.sleep(29.5)
    assert (await late.statuses())[missed] == "active"
    await asyncio.sleep(1)
    assert (await late.statuses())[missed] == "inactive"
    assert (await ready.statuses())[kept] == "active"
    with pytest.raises(RuntimeError, match="no open data channel"):
        media.say(late.id, missed, "ack")
    assert channel_codes(await late.channels(heard(speaker.id, "chat", waitForAck=True))) == [None]


async def test_closing_is_repeated_item_by_item(client, media, speaker):
    viewer = await DataPeer.connected(client)
    (channel,) = await viewer.open(heard(speaker.id, "chat"))
    response = await viewer.close_channels(channel, 99, channel)
    assert channel_codes(response) == [None, "close_track_error", "close_track_error"]
    assert [item["id"] for item in response.json()["dataChannels"]] == [channel, 99, channel]
    assert (await viewer.statuses())[channel] == "inactive"
    media.say(speaker.id, 1, "gone?")
    assert media.messages(viewer.id, channel) == ()
    assert (await speaker.statuses())[1] == "active"
    assert channel_codes(await viewer.channels(heard(speaker.id, "chat"))) == [None]


async def test_a_publisher_that_closes_takes_its_subscribers_with_it(client, media, speaker):
    viewer = await DataPeer.connected(client)
    (channel,) = await viewer.open(heard(speaker.id, "chat"))
    await speaker.close_channels(1)
    assert (await viewer.statuses())[channel] == "inactive"
    await speaker.open(told("chat"))
    assert (await viewer.statuses())[channel] == "inactive"
    (again,) = await viewer.open(heard(speaker.id, "chat"))
    media.say(speaker.id, 2, "back")
    assert media.messages(viewer.id, again) == ("back",)


async def test_a_publisher_whose_session_ends_takes_its_subscribers_with_it(client, media, speaker):
    viewer = await DataPeer.connected(client)
    (channel,) = await viewer.open(heard(speaker.id, "chat", canReply=True))
    media.kill(speaker.id)
    assert (await viewer.statuses())[channel] == "inactive"
    await asyncio.sleep(700)
    assert (await viewer.statuses())[channel] == "inactive"
    response = await viewer.update_channels({"id": channel, "canReply": True})
    assert response.json()["dataChannels"][0]["canReply"] is False


async def test_a_channel_that_only_the_endpoint_closed_keeps_its_name(client, media, speaker):
    viewer = await DataPeer.connected(client)
    (channel,) = await viewer.open(heard(speaker.id, "chat"))
    media.hang_up(speaker.id, 1)
    assert (await speaker.statuses())[1] == (await viewer.statuses())[channel] == "inactive"
    assert channel_codes(await speaker.channels(told("chat"))) == ["repeated_local_track_error"]
    assert channel_codes(await speaker.close_channels(1)) == [None]
    assert channel_codes(await speaker.channels(told("chat"))) == [None]


async def test_a_fault_fails_a_channel_by_its_name():
    emulator = Emulator()
    async with client_of(emulator) as client:
        peer = await DataPeer.connected(client)
        emulator.faults.fail_track("chat", "internal_error", times=1)
        response = await peer.channels(told("chat"), told("more"))
        assert channel_codes(response) == ["internal_error", None]
        assert emulator.journal()["calls"][-1]["item_errors"] == ["internal_error"]
        assert emulator.journal()["calls"][-1]["tracks"] == 2


async def test_the_state_page_tells_every_channel_and_what_it_carried(client, media, speaker):
    viewer = await DataPeer.connected(client)
    media.say(speaker.id, 1, "anybody?")
    (channel,) = await viewer.open(heard(speaker.id, "chat", canReply=True))
    media.say(speaker.id, 1, "h\u00e9")
    media.say(viewer.id, channel, "a reply is not counted")
    sessions = (await client.get("/_emulator/state")).json()["sessions"]
    assert sessions[0]["data_channels"][1] == {
        "id": 1,
        "location": "local",
        "name": "chat",
        "source_session_id": None,
        "reply_session_id": viewer.id,
        "status": "active",
        "messages": 2,
        "bytes": 11,
    }
    received = sessions[1]["data_channels"][1]
    assert (received["source_session_id"], received["messages"], received["bytes"]) == (speaker.id, 1, 3)
    await viewer.close_channels(channel)
    closed = (await client.get("/_emulator/state")).json()["sessions"][1]["data_channels"][1]
    assert (closed["status"], closed["messages"], closed["bytes"]) == ("inactive", None, None)
