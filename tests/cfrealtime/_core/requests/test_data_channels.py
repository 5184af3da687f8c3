"""Data channel requests have the published form, bad ones are refused, and answers become values."""

from __future__ import annotations

import json
from itertools import repeat

import pytest

from cfrealtime._core.exchange import Safety, UnreadableError
from cfrealtime._core.requests import data_channels
from cfrealtime.errors import InvalidRequestError
from cfrealtime.models import (
    CloseDataChannelItem,
    CloseDataChannelsResult,
    DataChannelResult,
    DataChannelsResult,
    EstablishResult,
    ItemError,
    LocalDataChannel,
    MaxLifetime,
    MaxRetransmits,
    Reliable,
    RemoteDataChannel,
    SessionDescription,
)

SDP = "v=0\r\n"
OFFER = {"type": "offer", "sdp": SDP}
ANSWER = {"type": "answer", "sdp": SDP}
CHAT = LocalDataChannel("chat")
PEER = RemoteDataChannel("pub", "chat")


def body(request):
    return json.loads(request.body)


def establish(offer=None):
    return data_channels.establish("app", "s1", offer)


def publish(*channels):
    return data_channels.publish("app", "s1", channels)


def subscribe(*channels):
    return data_channels.subscribe("app", "s1", channels)


def update(*channels):
    return data_channels.update("app", "s1", channels)


def close(ids):
    return data_channels.close("app", "s1", ids)


def test_establish_names_the_channel_that_the_service_opens():
    request = establish()
    assert (request.method, request.path) == ("POST", "/apps/app/sessions/s1/datachannels/establish")
    assert body(request) == {"dataChannel": {"location": "remote", "dataChannelName": "server-events"}}


@pytest.mark.parametrize("offer", [SDP, SessionDescription.offer(SDP)])
def test_establish_sends_the_endpoints_offer(offer):
    assert body(establish(offer)) == {
        "sessionDescription": OFFER,
        "dataChannel": {"location": "remote", "dataChannelName": "server-events"},
    }


def test_publish_sends_local_channels():
    request = publish(CHAT, LocalDataChannel("moves", MaxRetransmits(0)))
    assert (request.method, request.path) == ("POST", "/apps/app/sessions/s1/datachannels/new")
    assert body(request) == {
        "dataChannels": [
            {"location": "local", "dataChannelName": "chat"},
            {"location": "local", "dataChannelName": "moves", "maxRetransmits": 0},
        ]
    }


def test_subscribe_sends_remote_channels_of_several_publishers():
    request = subscribe(PEER, RemoteDataChannel("p2", "moves", can_reply=True, wait_for_ack=True))
    assert (request.method, request.path) == ("POST", "/apps/app/sessions/s1/datachannels/new")
    assert body(request) == {
        "dataChannels": [
            {"location": "remote", "sessionId": "pub", "dataChannelName": "chat"},
            {
                "location": "remote",
                "sessionId": "p2",
                "dataChannelName": "moves",
                "canReply": True,
                "waitForAck": True,
            },
        ]
    }


@pytest.mark.parametrize(
    ("delivery", "wire"),
    [
        (Reliable(), {}),
        (Reliable(ordered=False), {"ordered": False}),
        (MaxRetransmits(3), {"maxRetransmits": 3}),
        (MaxRetransmits(0, ordered=False), {"maxRetransmits": 0, "ordered": False}),
        (MaxLifetime(250), {"maxPacketLifeTime": 250}),
        (MaxLifetime(0, ordered=False), {"maxPacketLifeTime": 0, "ordered": False}),
    ],
)
def test_publisher_and_subscriber_say_the_same_of_the_delivery(delivery, wire):
    (local,) = body(publish(LocalDataChannel("a", delivery)))["dataChannels"]
    (remote,) = body(subscribe(RemoteDataChannel("p", "a", delivery)))["dataChannels"]
    assert local == {"location": "local", "dataChannelName": "a"} | wire
    assert remote == {"location": "remote", "sessionId": "p", "dataChannelName": "a"} | wire


@pytest.mark.parametrize("can_reply", [True, False])
def test_update_gives_and_takes_the_right_to_reply(can_reply):
    (request,) = update(RemoteDataChannel("pub", "chat", can_reply=can_reply)).requests
    assert (request.method, request.path) == ("PUT", "/apps/app/sessions/s1/datachannels/update")
    assert body(request) == {
        "dataChannels": [
            {"location": "remote", "sessionId": "pub", "dataChannelName": "chat", "canReply": can_reply}
        ]
    }


def test_close_sends_ids_and_nothing_else():
    (request,) = close([0, 7]).requests
    assert (request.method, request.path) == ("PUT", "/apps/app/sessions/s1/datachannels/close")
    assert body(request) == {"dataChannels": [{"id": 0}, {"id": 7}]}


def test_closes_and_updates_go_64_at_a_time_and_keep_their_order():
    closes = close(iter(range(130))).requests
    updates = update(*repeat(RemoteDataChannel("p", "a", can_reply=True), 65)).requests
    assert [len(body(request)["dataChannels"]) for request in closes] == [64, 64, 2]
    assert body(closes[1])["dataChannels"][0] == {"id": 64}
    assert [len(body(request)["dataChannels"]) for request in updates] == [64, 1]


def test_an_allocation_is_one_request_however_many_channels_it_names():
    assert len(body(publish(*repeat(CHAT, 65)))["dataChannels"]) == 65
    assert len(body(subscribe(*repeat(PEER, 65)))["dataChannels"]) == 65


def test_requests_carry_the_operation_ids_of_the_api_and_only_a_close_may_be_done_twice():
    requests = [
        establish(),
        publish(CHAT),
        subscribe(PEER),
        *update(RemoteDataChannel("pub", "chat", can_reply=True)).requests,
        *close([1]).requests,
    ]
    assert [(request.operation, request.safety) for request in requests] == [
        ("establish_datachannels", Safety.ONCE),
        ("new_datachannels", Safety.ONCE),
        ("new_datachannels", Safety.ONCE),
        ("update_datachannels", Safety.ONCE),
        ("close_datachannels", Safety.IDEMPOTENT),
    ]
    assert {request.session_id for request in requests} == {"s1"}


REFUSED = {
    "establish_data_channels": {
        "an answer": lambda: establish(SessionDescription.answer(SDP)),
        "an empty offer": lambda: establish(" \r\n"),
        "bytes": lambda: establish(SDP.encode()),
    },
    "publish_data_channels": {
        "nothing": publish,
        "a remote channel": lambda: publish(PEER),
        "a remote channel among local ones": lambda: publish(CHAT, PEER),
        "a dict": lambda: publish({"name": "chat"}),
        "a name": lambda: data_channels.publish("app", "s1", "chat"),
        "an empty name": lambda: publish(LocalDataChannel("")),
        "no name": lambda: publish(LocalDataChannel(None)),
        "fewer than no retransmits": lambda: publish(LocalDataChannel("a", MaxRetransmits(-1))),
        "True retransmits": lambda: publish(LocalDataChannel("a", MaxRetransmits(True))),
        "half a retransmit": lambda: publish(LocalDataChannel("a", MaxRetransmits(0.5))),
        "a negative lifetime": lambda: publish(LocalDataChannel("a", MaxLifetime(-250))),
        "a lifetime in words": lambda: publish(LocalDataChannel("a", MaxLifetime("250"))),
        "an order in words": lambda: publish(LocalDataChannel("a", Reliable("yes"))),
        "no delivery": lambda: publish(LocalDataChannel("a", None)),
        "a class for a delivery": lambda: publish(LocalDataChannel("a", Reliable)),
    },
    "subscribe_data_channels": {
        "nothing": subscribe,
        "a local channel": lambda: subscribe(CHAT),
        "an empty name": lambda: subscribe(RemoteDataChannel("p", "")),
        "an empty publisher": lambda: subscribe(RemoteDataChannel("", "a")),
        "a negative lifetime": lambda: subscribe(RemoteDataChannel("p", "a", MaxLifetime(-1))),
        "a reply in words": lambda: subscribe(RemoteDataChannel("p", "a", can_reply="no")),
        "a wait in numbers": lambda: subscribe(RemoteDataChannel("p", "a", wait_for_ack=1)),
    },
    "update_data_channels": {
        "nothing": update,
        "a local channel": lambda: update(CHAT),
        "nothing to change": lambda: update(RemoteDataChannel("p", "a", can_reply=True), PEER),
        "an empty name": lambda: update(RemoteDataChannel("p", "", can_reply=True)),
        "a reply in numbers": lambda: update(RemoteDataChannel("p", "a", can_reply=0)),
    },
    "close_data_channels": {
        "nothing": lambda: close([]),
        "text": lambda: close("12"),
        "bytes": lambda: close(b"12"),
        "numbers in words": lambda: close(["1"]),
        "a negative id": lambda: close([1, -1]),
        "True": lambda: close([True]),
        "no id": lambda: close([None]),
        "a channel": lambda: close([DataChannelResult(id=1)]),
    },
}


@pytest.mark.parametrize(
    ("call", "case"), [(call, case) for call, cases in REFUSED.items() for case in cases]
)
def test_what_makes_no_request_is_refused_by_the_method_that_was_called(call, case):
    with pytest.raises(InvalidRequestError, match=f"^{call} on session s1 was not sent: ") as caught:
        REFUSED[call][case]()
    assert "v=0" not in str(caught.value)


def test_a_refusal_says_what_to_pass():
    with pytest.raises(InvalidRequestError, match="can_reply: pass True or False for each"):
        update(PEER)
    with pytest.raises(InvalidRequestError, match="count is a whole number, 0 or more"):
        publish(LocalDataChannel("a", MaxRetransmits(-1)))


@pytest.mark.parametrize("key", ["dataChannel", "datachannel"])
def test_an_answer_to_establish_without_an_offer_holds_one(key):
    channel = {"location": "remote", "dataChannelName": "server-events", "id": 0, "ordered": True}
    answer = {"sessionDescription": OFFER, "requiresImmediateRenegotiation": True, key: channel}
    assert establish().read(answer) == EstablishResult(
        DataChannelResult("remote", name="server-events", id=0, ordered=True),
        SessionDescription.offer(SDP),
        requires_renegotiation=True,
    )


def test_an_answer_to_establish_with_an_offer_holds_an_answer():
    result = establish(SDP).read({"sessionDescription": ANSWER, "dataChannel": None, "region": "x"})
    assert result == EstablishResult(None, SessionDescription.answer(SDP))
    assert result.extra == {"region": "x"}


@pytest.mark.parametrize(
    ("offer", "given"),
    [(None, None), (None, ANSWER), (SDP, None), (SDP, {"type": "", "sdp": ""}), (SDP, OFFER), (SDP, 5)],
)
def test_a_transport_without_the_right_description_is_unreadable_but_keeps_its_channel(offer, given):
    with pytest.raises(UnreadableError) as caught:
        establish(offer).read({"sessionDescription": given, "dataChannel": {"id": 0}})
    assert caught.value.partial.channel == DataChannelResult(id=0)


def test_a_transport_that_failed_needs_no_description():
    result = establish().read({"dataChannel": {"errorCode": "backend_error"}})
    assert result.failed == (DataChannelResult(error=ItemError("backend_error")),)


CHANNELS = [publish(CHAT), *update(RemoteDataChannel("p", "a", can_reply=True)).requests]


@pytest.mark.parametrize("request_", CHANNELS, ids=lambda request: request.operation)
def test_an_answer_about_channels_keeps_every_item(request_):
    made = {
        "location": "local",
        "sessionId": "s1",
        "dataChannelName": "chat",
        "id": 2.0,
        "ordered": False,
        "maxRetransmits": 0,
        "maxPacketLifeTime": None,
        "canReply": False,
        "waitForAck": True,
        "colour": "red",
    }
    failed = {"dataChannelName": "moves", "errorCode": "repeated_local_track_error", "errorDescription": "no"}
    result = request_.read({"dataChannels": [made, failed], "region": "x"})
    assert result.ok == (
        DataChannelResult(
            "local",
            "s1",
            "chat",
            id=2,
            ordered=False,
            max_retransmits=0,
            can_reply=False,
            wait_for_ack=True,
        ),
    )
    assert result.ok[0].extra == {"colour": "red"}
    assert result.failed == (
        DataChannelResult(name="moves", error=ItemError("repeated_local_track_error", "no")),
    )
    assert result.extra == {"region": "x"}


def test_an_answer_to_a_close_says_what_is_closed():
    (request,) = close([1, 2, 3]).requests
    items = [
        {"id": 1, "dataChannelName": "chat"},
        {"id": 2, "errorCode": "close_track_error"},
        {"id": 3, "errorCode": "internal_error"},
        {"errorCode": ""},
    ]
    result = request.read({"dataChannels": items})
    assert result.closed_ids == {1, 2}
    assert result.failed == (CloseDataChannelItem(3, ItemError("internal_error")),)
    assert result.items[0].extra == {"dataChannelName": "chat"}


@pytest.mark.parametrize("read", [publish(CHAT).read, close([1]).requests[0].read], ids=["new", "close"])
@pytest.mark.parametrize(
    "channels", [None, {}, "", 7, [None], ["chat"], [[]], [{"id": "1"}], [{"id": 1.5}], [{"id": True}]]
)
def test_channels_of_the_wrong_type_are_never_taken_for_something_else(read, channels):
    with pytest.raises(UnreadableError):
        read({"dataChannels": channels})


@pytest.mark.parametrize(
    "item",
    [{"ordered": 1}, {"canReply": "true"}, {"dataChannelName": 5}, {"maxRetransmits": "0"}, {"errorCode": 5}],
)
def test_fields_of_the_wrong_type_are_not_guessed(item):
    with pytest.raises(UnreadableError):
        publish(CHAT).read({"dataChannels": [item]})


def test_the_results_of_parts_are_one_result():
    one, two = DataChannelResult(id=1), DataChannelResult(id=2)
    joined = update(RemoteDataChannel("p", "a", can_reply=True)).total(
        [DataChannelsResult((one,), extra={"a": 1}), DataChannelsResult((two,), extra={"b": 2})]
    )
    assert joined.channels == (one, two)
    assert joined.extra == {"a": 1, "b": 2}
    closes = close([1]).total(
        [
            CloseDataChannelsResult((CloseDataChannelItem(1),)),
            CloseDataChannelsResult((CloseDataChannelItem(2),)),
        ]
    )
    assert closes.closed_ids == {1, 2}
