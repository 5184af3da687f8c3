"""Track requests have the published form, and what cannot make one is refused before anything is sent."""

from __future__ import annotations

import json
from itertools import repeat

import pytest

from cfrealtime._core.exchange import Safety
from cfrealtime._core.requests import tracks
from cfrealtime.errors import InvalidRequestError
from cfrealtime.models import (
    CloseItem,
    CloseResult,
    LocalTrack,
    NewTrack,
    RemoteTrack,
    SessionDescription,
    Simulcast,
    TrackResult,
    TracksResult,
)

SDP = "v=0\r\n"
OFFER = {"type": "offer", "sdp": SDP}


def body(request):
    return json.loads(request.body)


def remote(count, mid=None):
    return [RemoteTrack("publisher", f"camera-{n}", mid=mid and f"{mid}{n}") for n in range(count)]


def publish(*entries, offer=SDP):
    return tracks.publish("app", "s1", offer, entries)


def publish_all(offer):
    return tracks.publish_all("app", "s1", offer)


def publish_without_offer(*entries):
    return tracks.publish_without_offer("app", "s1", entries)


def subscribe(*entries):
    return tracks.subscribe("app", "s1", entries)


def update(*entries):
    return tracks.update_tracks("app", "s1", entries)


def close(mids, *, force=True, offer=None):
    return tracks.close_tracks("app", "s1", mids, force=force, offer=offer)


def test_publish_sends_local_tracks_with_the_offer():
    request = publish(LocalTrack("0", "microphone"), LocalTrack("1", "camera", "video", bidirectional=True))
    assert (request.method, request.path) == ("POST", "/apps/app/sessions/s1/tracks/new")
    assert body(request) == {
        "sessionDescription": OFFER,
        "tracks": [
            {"location": "local", "mid": "0", "trackName": "microphone"},
            {
                "location": "local",
                "mid": "1",
                "trackName": "camera",
                "kind": "video",
                "bidirectionalMediaStream": True,
            },
        ],
    }


@pytest.mark.parametrize("offer", [SDP, SessionDescription.offer(SDP)])
def test_publish_all_names_no_track(offer):
    request = publish_all(offer)
    assert (request.method, request.path) == ("POST", "/apps/app/sessions/s1/tracks/new")
    assert body(request) == {"sessionDescription": OFFER, "autoDiscover": True}


def test_publish_without_offer_sends_kinds_and_neither_mids_nor_a_description():
    request = publish_without_offer(NewTrack("voice", "audio"), NewTrack("face", "video", bidirectional=True))
    assert (request.method, request.path) == ("POST", "/apps/app/sessions/s1/tracks/new")
    assert body(request) == {
        "tracks": [
            {"location": "local", "trackName": "voice", "kind": "audio"},
            {"location": "local", "trackName": "face", "kind": "video", "bidirectionalMediaStream": True},
        ]
    }


def test_subscribe_sends_remote_tracks_and_no_description():
    simulcast = Simulcast("h", priority_ordering="asciibetical", rid_not_available="none")
    request = subscribe(RemoteTrack("pub", "camera", simulcast=simulcast))
    assert (request.method, request.path) == ("POST", "/apps/app/sessions/s1/tracks/new")
    assert body(request) == {
        "tracks": [
            {
                "location": "remote",
                "sessionId": "pub",
                "trackName": "camera",
                "simulcast": {
                    "preferredRid": "h",
                    "priorityOrdering": "asciibetical",
                    "ridNotAvailable": "none",
                },
            }
        ]
    }


def test_one_subscription_may_name_several_publishers_and_the_section_of_a_bidirectional_track():
    request = subscribe(RemoteTrack("p1", "voice", kind="audio"), RemoteTrack("p2", "face", mid="#mine"))
    assert body(request)["tracks"] == [
        {"location": "remote", "sessionId": "p1", "trackName": "voice", "kind": "audio"},
        {"location": "remote", "sessionId": "p2", "trackName": "face", "mid": "#mine"},
    ]


def test_update_names_the_mid_and_what_it_is_to_carry():
    (request,) = update(RemoteTrack("pub", "camera", mid="3")).requests
    assert (request.method, request.path) == ("PUT", "/apps/app/sessions/s1/tracks/update")
    assert body(request) == {
        "tracks": [{"location": "remote", "mid": "3", "sessionId": "pub", "trackName": "camera"}]
    }


def test_a_forced_close_has_no_description_and_a_negotiated_one_has_the_offer():
    (forced,) = close(["0"]).requests
    (offered,) = close(["0"], force=False, offer=SDP).requests
    assert (forced.method, forced.path) == ("PUT", "/apps/app/sessions/s1/tracks/close")
    assert body(forced) == {"tracks": [{"mid": "0"}], "force": True}
    assert body(offered) == {"tracks": [{"mid": "0"}], "force": False, "sessionDescription": OFFER}


def test_only_a_forced_close_may_be_done_twice():
    once = [
        publish(LocalTrack("0", "a")),
        publish_all(SDP),
        publish_without_offer(NewTrack("a", "audio")),
        subscribe(*remote(1)),
        *update(*remote(1, mid="m")).requests,
        *close(["0"], force=False, offer=SDP).requests,
    ]
    assert {request.safety for request in once} == {Safety.ONCE}
    assert close(["0"]).requests[0].safety is Safety.IDEMPOTENT


def test_requests_carry_the_operation_ids_of_the_api():
    new = [publish(LocalTrack("0", "a")), publish_all(SDP), subscribe(*remote(1))]
    assert {request.operation for request in new} == {"new_tracks"}
    assert update(*remote(1, mid="m")).requests[0].operation == "update_tracks"
    assert close(["0"]).requests[0].operation == "close_tracks"


def test_64_tracks_go_in_one_request():
    assert len(body(publish(*(LocalTrack(str(n), str(n)) for n in range(64))))["tracks"]) == 64
    assert len(body(publish_without_offer(*repeat(NewTrack("a", "audio"), 64)))["tracks"]) == 64
    assert len(body(subscribe(*remote(64)))["tracks"]) == 64
    (offered,) = close(map(str, range(64)), force=False, offer=SDP).requests
    assert len(body(offered)["tracks"]) == 64


def test_forced_closes_and_updates_go_64_at_a_time_and_keep_their_order():
    closes = close(map(str, range(130))).requests
    updates = update(*remote(65, mid="m")).requests
    assert [len(body(request)["tracks"]) for request in closes] == [64, 64, 2]
    assert body(closes[1])["tracks"][0] == {"mid": "64"}
    assert [len(body(request)["tracks"]) for request in updates] == [64, 1]


def test_the_results_of_parts_are_one_result():
    joined = update(*remote(1, mid="m")).total(
        [
            TracksResult((TrackResult(mid="0"),), extra={"a": 1}),
            TracksResult((TrackResult(mid="1"),), requires_renegotiation=True, extra={"b": 2}),
            TracksResult((TrackResult(mid="2"),)),
        ]
    )
    assert list(joined.by_mid) == ["0", "1", "2"]
    assert joined.requires_renegotiation
    assert joined.extra == {"a": 1, "b": 2}
    closes = close(["0"]).total([CloseResult((CloseItem("0"),)), CloseResult((CloseItem("1"),))])
    assert closes == CloseResult((CloseItem("0"), CloseItem("1")))


REFUSED = {
    "65 publications": lambda: publish(*(LocalTrack(str(n), str(n)) for n in range(65))),
    "65 new tracks": lambda: publish_without_offer(*repeat(NewTrack("a", "audio"), 65)),
    "65 subscriptions": lambda: subscribe(*remote(65)),
    "65 closes in one offer": lambda: close(map(str, range(65)), force=False, offer=SDP),
    "nothing to publish": publish,
    "nothing to publish without an offer": publish_without_offer,
    "nothing to subscribe to": subscribe,
    "nothing to update": update,
    "nothing to close": lambda: close([]),
    "an answer for an offer": lambda: publish(LocalTrack("0", "a"), offer=SessionDescription.answer(SDP)),
    "an answer to discover in": lambda: publish_all(SessionDescription.answer(SDP)),
    "no offer to discover in": lambda: publish_all(None),
    "an empty offer": lambda: publish(LocalTrack("0", "a"), offer=" "),
    "a new track in an offer": lambda: publish(NewTrack("a", "audio")),
    "a remote track in an offer": lambda: publish(*remote(1)),
    "a local track without an offer": lambda: publish_without_offer(LocalTrack("0", "a", "audio")),
    "a local track to subscribe to": lambda: subscribe(LocalTrack("0", "a")),
    "a local track to update": lambda: update(LocalTrack("0", "a")),
    "one of two of the wrong kind": lambda: subscribe(*remote(1), LocalTrack("0", "a")),
    "a dict for a track": lambda: publish({"mid": "0", "trackName": "a"}),
    "a name for a track": lambda: tracks.subscribe("app", "s1", "camera"),
    "a number for a mid": lambda: close([0]),
    "no kind": lambda: publish_without_offer(NewTrack("a", None)),
    "an unknown kind": lambda: publish_without_offer(NewTrack("a", "screen")),
    "an unknown kind in an offer": lambda: publish(LocalTrack("0", "a", kind="screen")),
    "an update without mid": lambda: update(*remote(1)),
    "force and an offer": lambda: close(["0"], offer=SDP),
    "neither force nor an offer": lambda: close(["0"], force=False),
    "one string of mids": lambda: close("01"),
    "an empty mid": lambda: close([""]),
    "no mid": lambda: publish(LocalTrack(None, "a")),
    "an empty name": lambda: publish(LocalTrack("0", "")),
    "an empty new name": lambda: publish_without_offer(NewTrack("", "audio")),
    "an empty publisher": lambda: subscribe(RemoteTrack("", "a")),
    "an empty section": lambda: subscribe(RemoteTrack("p", "a", mid="")),
    "an unknown fall-back": lambda: subscribe(
        RemoteTrack("p", "a", simulcast=Simulcast("h", priority_ordering="best"))
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_makes_no_request_is_refused_and_the_session_named(case):
    with pytest.raises(InvalidRequestError, match=" on session s1 was not sent: ") as caught:
        REFUSED[case]()
    assert caught.value.session_id == "s1"
    assert SDP not in str(caught.value)


@pytest.mark.parametrize(
    ("call", "refused"),
    [
        ("publish", publish),
        ("publish_all", lambda: publish_all("")),
        ("publish_without_offer", publish_without_offer),
        ("subscribe", subscribe),
        ("update_tracks", update),
        ("close_tracks", lambda: close([])),
    ],
)
def test_a_refusal_names_the_method_that_was_called(call, refused):
    with pytest.raises(InvalidRequestError, match=f"^{call} on session s1 "):
        refused()
