"""Who listens is told of every attempt, in order, and changes nothing; the log gives nothing away."""

from __future__ import annotations

import asyncio
import logging

import pytest

from cfrealtime import ErrorInfo, Hooks, NotSentError, RequestInfo, ResponseInfo, RetryInfo, SessionState
from cfrealtime._core.conduct import BrokenOff
from cfrealtime._core.limiter import SessionLimiter
from cfrealtime._core.requests import turn
from cfrealtime.models import SessionDescription
from tests.cfrealtime._core.calls import CALLS, LOST, SESSION, UNSENT, Play, answer, play, refusal, tracks

GET = CALLS["get_state"]
STATE = answer(200, {}, cf_ray="8f-AMS")


def recorder():
    """Hooks, and the list of what they are told."""
    told = []
    return Hooks(told.append, told.append, told.append, told.append), told


def story(request, *outcomes, **options):
    """What hooks are told of a call: which of them, and of which attempt."""
    hooks, told = recorder()
    finished = play(request, *outcomes, hooks=hooks, **options)
    assert len({info.call_id for info in told}) == 1
    assert {(info.operation, info.session_id) for info in told} == {(request.operation, request.session_id)}
    return [(type(info).__name__.removesuffix("Info").lower(), info.attempt) for info in told], told, finished


@pytest.mark.parametrize(
    ("outcomes", "expected"),
    [
        ([STATE], "request 1, response 1"),
        ([refusal(404)], "request 1, response 1, error 1"),
        ([LOST, STATE], "request 1, retry 1, request 2, response 2"),
        ([refusal(429), STATE], "request 1, response 1, retry 1, request 2, response 2"),
        (
            [UNSENT, LOST, refusal(500)],
            "request 1, retry 1, request 2, retry 2, request 3, response 3, error 3",
        ),
        (
            [answer(200)] * 3,
            "request 1, response 1, retry 1, request 2, response 2, retry 2, request 3, response 3, error 3",
        ),
    ],
)
def test_hooks_are_told_of_every_attempt_in_order(outcomes, expected):
    told, _, _ = story(GET, *outcomes)
    assert ", ".join(f"{kind} {attempt}" for kind, attempt in told) == expected


def test_what_hooks_are_told_of_a_call_that_was_repeated():
    _, (request, first, retry, again, second), finished = story(
        GET, refusal(429), STATE, took=0.5, chance=1.0
    )
    about = (request.call_id, "get_session", "s1")
    assert request == RequestInfo(*about, 1, "GET")
    assert first == ResponseInfo(*about, 1, 429, None, 0.5, retry.error)
    assert retry == RetryInfo(*about, 1, retry.error, 0.25, leaves_something=False)
    assert (type(retry.error).__name__, again.attempt) == ("RateLimitError", 2)
    assert second == ResponseInfo(*about, 2, 200, "8f-AMS", 0.5, None)
    assert finished.seconds == 1.25


def test_what_hooks_are_told_of_a_call_that_failed():
    _, (*_, last), finished = story(CALLS["publish"], LOST, took=0.5)
    assert last == ErrorInfo(last.call_id, "new_tracks", "s1", 1, finished.value, 0.5)


def test_calls_have_ids_of_their_own():
    hooks, told = recorder()
    for _ in range(3):
        play(GET, STATE, hooks=hooks)
    assert len({info.call_id for info in told}) == 3


@pytest.mark.parametrize("steps", [1, 2], ids=["an attempt", "a pause"])
def test_a_call_that_is_cancelled_ends_with_the_cancellation(steps):
    hooks, told = recorder()
    call = Play(GET, hooks=hooks)
    next(call.steps)
    if steps == 2:
        call.steps.send((100.5, LOST))
    cancellation = asyncio.CancelledError()
    with pytest.raises(BrokenOff):
        call.steps.throw(BrokenOff(cancellation, 107.0))
    assert [type(info) for info in told] == [RequestInfo, RetryInfo, ErrorInfo][:: 3 - steps]
    assert (told[-1].error, told[-1].attempt, told[-1].seconds) == (cancellation, 1, 7.0)


def test_a_call_that_finds_no_place_is_told_as_one_without_attempts():
    limiter = SessionLimiter(requests=1)
    limiter.reserve("s1", 100.0, 0.0)
    told, (info,), _ = story(GET, limiter=limiter, timeout=0.5)
    assert told == [("error", 0)]
    assert isinstance(info.error, NotSentError)


@pytest.mark.parametrize("name", ["new_session", "generate_ice_servers"])
def test_a_session_or_credential_that_may_be_left_behind_is_told(name):
    _, told, _ = story(CALLS[name], LOST, UNSENT, refusal(400))
    assert [info.leaves_something for info in told if isinstance(info, RetryInfo)] == [True, False]


def test_a_hook_that_raises_changes_nothing(caplog):
    def broken(_):
        raise ValueError("a bug")

    hooks = Hooks(broken, broken, broken, broken)
    finished = play(GET, LOST, STATE, hooks=hooks)
    assert (finished.value, finished.attempts) == (SessionState(), 2)
    failed = play(GET, refusal(404), hooks=hooks)
    assert failed.value.status == 404
    assert [record.message for record in caplog.records if record.levelno == logging.ERROR] == [
        f"A hook failed on {info}; the call goes on."
        for info in (
            "RequestInfo",
            "RetryInfo",
            "RequestInfo",
            "ResponseInfo",
            "RequestInfo",
            "ResponseInfo",
            "ErrorInfo",
        )
    ]


def test_several_sets_of_hooks_are_told_in_their_order():
    order = []
    first = Hooks(
        request=lambda _: order.append("first request"), error=lambda _: order.append("first error")
    )
    second = Hooks(request=lambda _: order.append("second request"))
    play(GET, refusal(404), hooks=Hooks.of(first, Hooks(), second))
    assert order == ["first request", "second request", "first error"]


def test_one_of_several_that_raises_keeps_the_others_from_nothing(caplog):
    def broken(_):
        raise ValueError("a bug")

    hooks, told = recorder()
    play(GET, STATE, hooks=Hooks.of(Hooks(request=broken, response=broken), hooks))
    assert [type(info) for info in told] == [RequestInfo, ResponseInfo]
    assert [record.levelname for record in caplog.records] == ["ERROR", "ERROR"]


def test_no_hooks_make_no_hooks():
    assert Hooks.of() == Hooks.of(Hooks(), Hooks()) == Hooks()
    only = Hooks(retry=print)
    assert Hooks.of(Hooks(), only) == only


SDP = "v=0\r\na=ice-pwd:canary"
SECRET_CALLS = [
    (tracks.publish(*SESSION, SDP, [tracks.LocalTrack("0", "camera")]), {"errorDescription": "canary"}),
    (
        tracks.subscribe(*SESSION, [tracks.RemoteTrack("s2", "x")]),
        {"tracks": [{"mid": "0"}], "sessionDescription": {"type": "answer", "sdp": SDP}},
    ),
    (turn.revoke("key", "canary"), {"errorCode": "canary is not a code", "errorDescription": "canary"}),
    (CALLS["generate_ice_servers"], {"iceServers": [{"urls": [7], "credential": "canary"}]}),
]


@pytest.mark.parametrize(("request_", "document"), SECRET_CALLS)
@pytest.mark.parametrize("status", [200, 429, 500])
def test_neither_the_log_nor_what_hooks_are_told_shows_what_calls_carry(request_, document, status, caplog):
    caplog.set_level(logging.DEBUG)
    hooks, told = recorder()
    finished = play(request_, *[answer(status, document)] * 3, hooks=hooks)
    assert len(caplog.records) >= len(told) >= 3
    assert "canary" not in caplog.text + repr(told) + repr(finished) + repr(request_)


def test_the_log_tells_a_repetition_at_info_and_all_else_at_debug(caplog):
    caplog.set_level(logging.DEBUG)
    play(GET, LOST, STATE)
    assert [(record.name, record.levelname) for record in caplog.records] == [
        ("cfrealtime", level) for level in ("DEBUG", "INFO", "DEBUG", "DEBUG")
    ]
    assert [record.getMessage() for record in caplog.records] == [
        "get_session s1: attempt 1",
        "get_session s1: attempt 1 failed, again in 0.125 s: The outcome of get_session on session s1 is "
        "unknown: no complete answer within 10 s. It changes nothing: ask again.",
        "get_session s1: attempt 2",
        "get_session s1: 200 after 0.500 s, cf-ray 8f-AMS",
    ]


def test_who_does_not_listen_is_not_told(caplog):
    caplog.set_level(logging.WARNING)
    play(GET, LOST, STATE)
    assert caplog.records == []


def test_a_description_is_shown_in_no_repr():
    assert "canary" not in repr(SessionDescription.offer(SDP))
