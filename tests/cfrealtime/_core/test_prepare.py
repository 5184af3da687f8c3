"""Requests have the published form, and what cannot make one is refused before anything is sent."""

from __future__ import annotations

import json

import pytest

from cfrealtime import InvalidRequestError, LocalTrack, RemoteTrack, SessionDescription, Simulcast
from cfrealtime._core import prepare

SDP = "v=0\r\n"


def body(request):
    return json.loads(request.body)


def remote(count, mid=None):
    return [RemoteTrack("publisher", f"camera-{n}", mid=mid and f"{mid}{n}") for n in range(count)]


def test_new_session_has_no_body_and_a_label_only_if_given():
    plain, labelled = prepare.new_session("app", None), prepare.new_session("app", "visit 7")
    assert (plain.method, plain.path, plain.query, plain.body) == ("POST", "/apps/app/sessions/new", {}, None)
    assert labelled.query == {"correlationId": "visit 7"}


def test_get_session_is_the_only_read():
    request = prepare.get_session("app", "s1")
    assert (request.method, request.path, request.mutates) == ("GET", "/apps/app/sessions/s1", False)
    assert prepare.new_session("app", None).mutates


def test_publish_sends_local_tracks_with_the_offer():
    tracks = [LocalTrack("0", "microphone"), LocalTrack("1", "camera", kind="video", bidirectional=True)]
    request = prepare.publish("app", "s1", SDP, tracks)
    assert (request.method, request.path) == ("POST", "/apps/app/sessions/s1/tracks/new")
    assert body(request) == {
        "sessionDescription": {"type": "offer", "sdp": SDP},
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


def test_subscribe_sends_remote_tracks_and_no_description():
    simulcast = Simulcast("h", priority_ordering="asciibetical", rid_not_available="none")
    request = prepare.subscribe("app", "s1", [RemoteTrack("pub", "camera", simulcast=simulcast)])
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


def test_renegotiate_sends_the_answer():
    request = prepare.renegotiate("app", "s1", SessionDescription.answer(SDP))
    assert (request.method, request.path) == ("PUT", "/apps/app/sessions/s1/renegotiate")
    assert body(request) == {"sessionDescription": {"type": "answer", "sdp": SDP}}


def test_update_names_the_mid_and_what_it_is_to_carry():
    (request,) = prepare.update_tracks("app", "s1", [RemoteTrack("pub", "camera", mid="3")]).requests
    assert (request.method, request.path) == ("PUT", "/apps/app/sessions/s1/tracks/update")
    assert body(request) == {
        "tracks": [{"location": "remote", "mid": "3", "sessionId": "pub", "trackName": "camera"}]
    }


def test_a_forced_close_has_no_description_and_a_negotiated_one_has_the_offer():
    (forced,) = prepare.close_tracks("app", "s1", ["0"], force=True, offer=None).requests
    (offered,) = prepare.close_tracks("app", "s1", ["0"], force=False, offer=SDP).requests
    assert (forced.method, forced.path) == ("PUT", "/apps/app/sessions/s1/tracks/close")
    assert body(forced) == {"tracks": [{"mid": "0"}], "force": True}
    assert body(offered) == {
        "tracks": [{"mid": "0"}],
        "force": False,
        "sessionDescription": {"type": "offer", "sdp": SDP},
    }


def test_forced_closes_and_updates_go_64_at_a_time_and_keep_their_order():
    closes = prepare.close_tracks("app", "s1", map(str, range(130)), force=True, offer=None).requests
    updates = prepare.update_tracks("app", "s1", remote(65, mid="m")).requests
    assert [len(body(request)["tracks"]) for request in closes] == [64, 64, 2]
    assert body(closes[1])["tracks"][0] == {"mid": "64"}
    assert [len(body(request)["tracks"]) for request in updates] == [64, 1]


REFUSED = {
    "65 publications": lambda: prepare.publish(
        "app", "s1", SDP, [LocalTrack(str(n), str(n)) for n in range(65)]
    ),
    "65 subscriptions": lambda: prepare.subscribe("app", "s1", remote(65)),
    "65 closes in one offer": lambda: prepare.close_tracks(
        "app", "s1", map(str, range(65)), force=False, offer=SDP
    ),
    "nothing to publish": lambda: prepare.publish("app", "s1", SDP, []),
    "nothing to subscribe to": lambda: prepare.subscribe("app", "s1", []),
    "nothing to update": lambda: prepare.update_tracks("app", "s1", []),
    "nothing to close": lambda: prepare.close_tracks("app", "s1", [], force=True, offer=None),
    "an answer for an offer": lambda: prepare.publish(
        "app", "s1", SessionDescription.answer(SDP), [LocalTrack("0", "a")]
    ),
    "an offer for an answer": lambda: prepare.renegotiate("app", "s1", SessionDescription.offer(SDP)),
    "an empty answer": lambda: prepare.renegotiate("app", "s1", " \r\n"),
    "an update without mid": lambda: prepare.update_tracks("app", "s1", remote(1)),
    "force and an offer": lambda: prepare.close_tracks("app", "s1", ["0"], force=True, offer=SDP),
    "neither force nor an offer": lambda: prepare.close_tracks("app", "s1", ["0"], force=False, offer=None),
    "one string of mids": lambda: prepare.close_tracks("app", "s1", "01", force=True, offer=None),
    "an empty mid": lambda: prepare.close_tracks("app", "s1", [""], force=True, offer=None),
    "no mid": lambda: prepare.publish("app", "s1", SDP, [LocalTrack(None, "a")]),
    "an empty name": lambda: prepare.publish("app", "s1", SDP, [LocalTrack("0", "")]),
    "an empty publisher": lambda: prepare.subscribe("app", "s1", [RemoteTrack("", "a")]),
    "an unknown fall-back": lambda: prepare.subscribe(
        "app", "s1", [RemoteTrack("p", "a", simulcast=Simulcast("h", priority_ordering="best"))]
    ),
    "a path for an id": lambda: prepare.check_session_id("a/../b"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_makes_no_request_is_refused(case):
    with pytest.raises(InvalidRequestError) as caught:
        REFUSED[case]()
    assert SDP not in str(caught.value)


def test_a_request_does_not_show_its_body():
    assert "v=0" not in repr(prepare.publish("app", "s1", SDP, [LocalTrack("0", "a")]))


def test_ids_are_escaped_even_behind_the_check():
    assert prepare.get_session("a/b", "../c?d").path == "/apps/a%2Fb/sessions/..%2Fc%3Fd"
