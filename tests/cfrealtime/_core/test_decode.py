"""Every response becomes a value or one typed error, whatever the bytes are."""

from __future__ import annotations

import json
import traceback

import pytest

from cfrealtime import (
    ApiError,
    AuthenticationError,
    BadRequestError,
    CloseItem,
    ItemError,
    LocalTrack,
    NotAcceptableError,
    NotConnectedError,
    NotFoundError,
    OutcomeUnknownError,
    RateLimitError,
    RealtimeError,
    RemoteTrack,
    ServerError,
    SessionDescription,
    SessionGoneError,
    SessionState,
    Simulcast,
    TrackResult,
    UnexpectedAnswerError,
)
from cfrealtime._core.decode import interpret
from cfrealtime._core.exchange import Response
from cfrealtime._core.requests import sessions, tracks
from cfrealtime.models import DataChannelState, TrackState

NEW_SESSION = sessions.new_session("app", None, third_party=False)
PUBLISH = tracks.publish("app", "s1", "v=0", [LocalTrack("0", "microphone"), LocalTrack("1", "camera")])
SUBSCRIBE = tracks.subscribe("app", "s1", [RemoteTrack("p", "camera")])
SUBSCRIBE_IN_PLACE = tracks.subscribe("app", "s1", [RemoteTrack("p", "camera", mid="#camera")])
RENEGOTIATE = sessions.renegotiate("app", "s1", "v=0")
(UPDATE,) = tracks.update_tracks("app", "s1", [RemoteTrack("p", "camera", mid="0")]).requests
(CLOSE,) = tracks.close_tracks("app", "s1", ["0"], force=True, offer=None).requests
(CLOSE_WITH_OFFER,) = tracks.close_tracks("app", "s1", ["0"], force=False, offer="v=0").requests
GET = sessions.get_session("app", "s1")
MUTATIONS = [NEW_SESSION, PUBLISH, SUBSCRIBE, RENEGOTIATE, UPDATE, CLOSE, CLOSE_WITH_OFFER]

ANSWER = {"type": "answer", "sdp": "v=0 answer"}
OFFER = {"type": "offer", "sdp": "v=0 offer"}


def response(content, status=200, **headers):
    raw = content if isinstance(content, bytes) else json.dumps(content).encode()
    return Response(status, {name.replace("_", "-"): value for name, value in headers.items()}, raw)


def decode(request, answer):
    """The value of an answer, or its error raised, as a client does it."""
    value = interpret(request, answer)
    if isinstance(value, RealtimeError):
        raise value
    return value


def error_of(request, content, status=200, **headers):
    with pytest.raises(RealtimeError) as caught:
        decode(request, response(content, status, **headers))
    return caught.value


def name(request):
    return request.operation


def test_a_new_session_is_its_id():
    assert decode(NEW_SESSION, response({"sessionId": "s9", "new": 1}, 201)) == "s9"


def test_a_publish_keeps_every_item_and_the_answer():
    result = decode(
        PUBLISH,
        response(
            {
                "sessionDescription": ANSWER,
                "tracks": [
                    {"location": "local", "mid": "0", "trackName": "microphone", "sessionId": "s1"},
                    {"mid": "1", "errorCode": "repeated_local_track_error", "errorDescription": "twice"},
                ],
            }
        ),
    )
    assert result.description == SessionDescription.answer("v=0 answer")
    assert result.ok == (TrackResult("local", "0", "s1", "microphone"),)
    assert result.failed == (TrackResult(mid="1", error=ItemError("repeated_local_track_error", "twice")),)


def test_a_subscription_holds_the_offer_and_the_flag():
    track = {
        "mid": "0",
        "bidirectionalMediaStream": False,
        "kind": "video",
        "simulcast": {"preferredRid": "h"},
    }
    result = decode(
        SUBSCRIBE,
        response({"sessionDescription": OFFER, "requiresImmediateRenegotiation": True, "tracks": [track]}),
    )
    assert result.requires_renegotiation
    assert result.description == SessionDescription.offer("v=0 offer")
    assert result.ok == (TrackResult(mid="0", kind="video", bidirectional=False, simulcast=Simulcast("h")),)


@pytest.mark.parametrize(
    "nothing", [{}, {"sessionDescription": None}, {"sessionDescription": {"type": "", "sdp": ""}}]
)
def test_items_that_all_failed_without_sdp_are_a_normal_answer_and_an_empty_mid_is_none(nothing):
    item = {"mid": "", "sessionId": "p", "trackName": "camera", "errorCode": "not_found_track_error"}
    result = decode(SUBSCRIBE, response({"tracks": [item]} | nothing))
    assert result.description is None
    assert result.by_mid == {}
    assert result.failed[0].error == ItemError("not_found_track_error")


def test_a_subscription_onto_existing_sections_may_need_no_exchange():
    assert decode(SUBSCRIBE_IN_PLACE, response({"tracks": [{"mid": "0"}]})).description is None


def test_an_update_has_items_and_no_description():
    result = decode(UPDATE, response({"tracks": [{"mid": "0", "errorCode": "update_track_error"}]}))
    assert result.failed == (TrackResult(mid="0", error=ItemError("update_track_error")),)


def test_a_close_keeps_every_item():
    result = decode(
        CLOSE, response({"tracks": [{"mid": "0"}, {"mid": "1", "errorCode": "close_track_error"}]})
    )
    assert result.items == (CloseItem("0"), CloseItem("1", ItemError("close_track_error")))


def test_a_close_with_an_offer_holds_the_answer():
    result = decode(CLOSE_WITH_OFFER, response({"tracks": [{"mid": "0"}], "sessionDescription": ANSWER}))
    assert result.description == SessionDescription.answer("v=0 answer")


def test_an_accepted_answer_is_none_as_a_rule():
    assert decode(RENEGOTIATE, response({})) is None
    assert decode(RENEGOTIATE, response({"sessionDescription": ANSWER})) == SessionDescription.answer(
        "v=0 answer"
    )


def test_a_state_lists_tracks_and_channels():
    state = decode(
        GET,
        response(
            {
                "tracks": [{"location": "remote", "mid": "0", "status": "hibernating"}],
                "dataChannels": [{"dataChannelName": "chat", "id": 3.0, "status": "initializing"}],
            }
        ),
    )
    assert state.tracks == (TrackState("remote", "0", status="hibernating"),)
    assert state.data_channels == (DataChannelState(name="chat", id=3, status="initializing"),)


@pytest.mark.parametrize("content", [{}, {"tracks": None, "dataChannels": None}])
def test_an_empty_session_has_an_empty_state(content):
    assert decode(GET, response(content)) == SessionState()


def test_fields_of_tomorrow_are_kept():
    result = decode(UPDATE, response({"tracks": [{"mid": "0", "colour": "red"}], "region": {"a": [1]}}))
    assert result.extra == {"region": {"a": [1]}}
    assert result.tracks[0].extra == {"colour": "red"}


@pytest.mark.parametrize(
    ("request_", "content"),
    [
        (PUBLISH, {"tracks": [{"mid": "0"}]}),
        (PUBLISH, {"tracks": [{"mid": "0"}], "sessionDescription": OFFER}),
        (PUBLISH, {"tracks": [{"mid": "0"}], "sessionDescription": {"type": "pranswer", "sdp": "v=0"}}),
        (SUBSCRIBE, {"tracks": [{"mid": "0"}], "requiresImmediateRenegotiation": True}),
        (
            SUBSCRIBE,
            {"tracks": [{"mid": "0"}], "sessionDescription": ANSWER, "requiresImmediateRenegotiation": True},
        ),
        (SUBSCRIBE_IN_PLACE, {"tracks": [{"mid": "0"}], "sessionDescription": ANSWER}),
    ],
)
def test_successes_without_their_description_are_uncertain_and_keep_their_mids(request_, content):
    error = error_of(request_, content)
    assert isinstance(error, OutcomeUnknownError)
    assert list(error.partial.by_mid) == ["0"]


def test_a_negotiated_close_without_its_answer_is_uncertain_and_keeps_what_closed():
    error = error_of(CLOSE_WITH_OFFER, {"tracks": [{"mid": "0"}]})
    assert isinstance(error, OutcomeUnknownError)
    assert error.partial.closed_mids == {"0"}


UNREADABLE = [
    b"",
    b"<html><title>520</title></html>",
    b"null",
    b"[]",
    b'"text"',
    b'{"tracks": ',
    b"\xff\xfe",
    b"[" * 100_000,
    b'{"tracks": [' + b"9" * 5000 + b"]}",
]


@pytest.mark.parametrize("raw", UNREADABLE)
@pytest.mark.parametrize("request_", MUTATIONS, ids=name)
def test_a_mutation_with_an_unreadable_answer_is_uncertain(request_, raw):
    error = error_of(request_, raw)
    assert isinstance(error, OutcomeUnknownError)
    assert (error.status, error.operation) == (200, request_.operation)


@pytest.mark.parametrize("raw", UNREADABLE)
def test_a_read_with_an_unreadable_answer_is_an_unexpected_answer(raw):
    assert isinstance(error_of(GET, raw), UnexpectedAnswerError)


@pytest.mark.parametrize(
    "tracks", [None, {}, "", "tracks", 7, [None], ["0"], [[]], [{"mid": 5}], [{"kind": {}}]]
)
@pytest.mark.parametrize("request_", [PUBLISH, SUBSCRIBE, UPDATE, CLOSE], ids=name)
def test_tracks_of_the_wrong_type_are_never_taken_for_something_else(request_, tracks):
    content = {"tracks": tracks, "sessionDescription": OFFER if request_ is SUBSCRIBE else ANSWER}
    if request_ is CLOSE and tracks == [{"kind": {}}]:
        content["tracks"] = [{"mid": {}}]
    assert isinstance(error_of(request_, content), OutcomeUnknownError)


@pytest.mark.parametrize("session_id", [None, "", 5, "a/b", {}])
def test_a_new_session_without_a_usable_id_is_uncertain(session_id):
    assert isinstance(error_of(NEW_SESSION, {"sessionId": session_id}, 201), OutcomeUnknownError)


@pytest.mark.parametrize("flag", ["true", 1, []])
def test_a_flag_of_the_wrong_type_is_not_guessed(flag):
    content = {"tracks": [], "requiresImmediateRenegotiation": flag}
    assert isinstance(error_of(UPDATE, content), OutcomeUnknownError)


@pytest.mark.parametrize(
    ("status", "code", "expected"),
    [
        (400, "decoding_error", BadRequestError),
        (400, None, BadRequestError),
        (400, "invalid_session_description", NotAcceptableError),
        (401, None, AuthenticationError),
        (401, "unauthorized", AuthenticationError),
        (403, "a_code_of_tomorrow", AuthenticationError),
        (404, "not_found", NotFoundError),
        (406, "invalid_session_description", NotAcceptableError),
        (406, "invalid_params", BadRequestError),
        (409, "a_code_of_tomorrow", ApiError),
        (410, "session_error", SessionGoneError),
        (413, "payload_too_large", BadRequestError),
        (425, "session_error", NotConnectedError),
        (429, None, RateLimitError),
        (302, None, ApiError),
        (500, "internal_error", ServerError),
        (503, "temporarily_unavailable_error", ServerError),
        (200, "unauthorized", AuthenticationError),
        (200, "session_error", ApiError),
        (200, "invalid_session_description", NotAcceptableError),
        (200, "internal_error", ServerError),
        (200, "a_code_of_tomorrow", ApiError),
        (201, "not_found", NotFoundError),
    ],
)
def test_a_refusal_has_the_class_of_its_status_and_code(status, code, expected):
    error = error_of(PUBLISH, {"errorCode": code, "errorDescription": "prose"}, status)
    assert type(error) is expected
    assert (error.status, error.code, error.description) == (status, code, "prose")
    assert (error.operation, error.session_id) == ("new_tracks", "s1")


@pytest.mark.parametrize("status", [500, 502, 504, 520, 522, 530, 599])
@pytest.mark.parametrize("raw", [b"", b"<html>", b"{}", b'{"errorCode": null}', b'{"errorCode": 7}', b"[1]"])
def test_a_server_error_without_a_usable_code_leaves_a_mutation_uncertain(status, raw):
    assert type(error_of(PUBLISH, raw, status)) is OutcomeUnknownError
    assert type(error_of(GET, raw, status)) is ServerError


def test_a_refusal_keeps_the_items_it_names():
    content = {"errorCode": "internal_error", "tracks": [{"mid": "0"}, {"mid": "1", "errorCode": "x"}]}
    assert error_of(CLOSE, content, 500).partial.closed_mids == {"0"}
    assert list(error_of(SUBSCRIBE, content).partial.by_mid) == ["0", "1"]
    assert error_of(GET, content, 500).partial is None


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry_after": "3"}, 3.0),
        ({"retry_after": "0.5"}, 0.5),
        ({"retry_after": "-3"}, 0.0),
        ({"retry_after": "soon"}, None),
        ({"retry_after": "nan"}, None),
        ({"retry_after": "inf"}, None),
        ({"retry_after": "Sat, 01 Aug 2026 10:00:30 GMT", "date": "Sat, 01 Aug 2026 10:00:00 GMT"}, 30.0),
        ({"retry_after": "Sat, 01 Aug 2026 10:00:30 GMT"}, None),
    ],
)
def test_a_rate_limit_says_how_long_to_wait(headers, seconds):
    assert error_of(PUBLISH, {}, 429, **headers).retry_after == seconds


@pytest.mark.parametrize(("ray", "kept"), [("8f00abc-AMS", "8f00abc-AMS"), ("x\ny", None), ("a" * 65, None)])
def test_the_trace_id_is_kept_if_it_looks_like_one(ray, kept):
    for error in (error_of(PUBLISH, {}, 404, cf_ray=ray), error_of(PUBLISH, b"", 520, cf_ray=ray)):
        assert error.cf_ray == kept
        assert (kept or "cf-ray") in str(error) or kept is None


@pytest.mark.parametrize(
    ("status", "content"),
    [
        (500, {"errorCode": "internal_error", "errorDescription": "SECRET"}),
        (200, {"errorCode": "SECRET text of the provider"}),
        (200, {"tracks": [{"mid": {"SECRET": 1}}], "sessionDescription": ANSWER}),
        (200, {"tracks": [], "sessionDescription": {"type": "SECRET", "sdp": "SECRET"}}),
        (200, {"tracks": [{"mid": "0"}], "sessionDescription": {"type": "offer", "sdp": "SECRET"}}),
        (502, b"<html>SECRET"),
        (200, b"SECRET"),
    ],
)
def test_no_traceback_repeats_what_the_service_wrote(status, content):
    error = error_of(PUBLISH, content, status)
    shown = "".join(traceback.format_exception(error)) + repr(error) + repr(error.partial)
    assert "SECRET" not in shown
    assert error.__context__ is None
