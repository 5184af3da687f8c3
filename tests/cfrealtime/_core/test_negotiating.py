"""Where an exchange stands after each call, and whether the next one may begin."""

from __future__ import annotations

import asyncio

import pytest

from cfrealtime import SessionState
from cfrealtime._core.decode import interpret
from cfrealtime._core.negotiating import Exchange, after_block, after_call, left_open
from cfrealtime.models import (
    CloseItem,
    CloseResult,
    EstablishResult,
    ItemError,
    SessionDescription,
    TrackResult,
    TracksResult,
)
from tests.cfrealtime._core.calls import CALLS, LOST, UNSENT, answer, refusal

OFFER, ANSWER = SessionDescription.offer("v=0"), SessionDescription.answer("v=0")
TRACK = (TrackResult(mid="0"),)
FAILED = (TrackResult(error=ItemError("empty_track_error")),)
NEGOTIATING = {
    "publish",
    "publish_all",
    "publish_without_offer",
    "subscribe",
    "renegotiate",
    "close_tracks with an offer",
    "establish_data_channels",
}
OF_A_SESSION = {name: request for name, request in CALLS.items() if request.session_id is not None}


@pytest.mark.parametrize(
    ("call", "before", "result", "after"),
    [
        ("publish", "NONE", TracksResult(TRACK, ANSWER), "ANSWERED"),
        ("publish", "ANSWERED", TracksResult(TRACK, ANSWER), "ANSWERED"),
        ("publish_without_offer", "NONE", TracksResult(TRACK, OFFER, requires_renegotiation=True), "OFFERED"),
        ("subscribe", "NONE", TracksResult(TRACK, OFFER, requires_renegotiation=True), "OFFERED"),
        ("subscribe", "NONE", TracksResult(TRACK, OFFER), "OFFERED"),
        ("subscribe", "NONE", TracksResult(FAILED), "NONE"),
        ("subscribe", "ANSWERED", TracksResult(TRACK), "ANSWERED"),
        ("renegotiate", "OFFERED", None, "NONE"),
        ("update_tracks", "NONE", TracksResult(TRACK), "NONE"),
        ("update_tracks", "OFFERED", TracksResult(TRACK), "OFFERED"),
        ("close_tracks with an offer", "NONE", CloseResult((CloseItem("0"),), ANSWER), "ANSWERED"),
        ("close_tracks by force", "NONE", CloseResult((CloseItem("0"),)), "NONE"),
        ("close_tracks by force", "OFFERED", CloseResult((CloseItem("0"),)), "OFFERED"),
        ("establish_data_channels", "NONE", EstablishResult(description=OFFER), "OFFERED"),
        ("establish_data_channels", "NONE", EstablishResult(description=ANSWER), "ANSWERED"),
        ("get_state", "OFFERED", SessionState(), "OFFERED"),
    ],
)
def test_where_an_exchange_stands_after_a_result(call, before, result, after):
    assert after_call(Exchange[before], CALLS[call], result) is Exchange[after]


def frozen(error_of):
    """The calls after which nobody knows whether an exchange was begun or ended."""
    after = {
        name: after_call(Exchange.NONE, request, error_of(request)) for name, request in OF_A_SESSION.items()
    }
    assert set(after.values()) <= {Exchange.NONE, Exchange.UNKNOWN}
    return {name for name, exchange in after.items() if exchange is Exchange.UNKNOWN}


@pytest.mark.parametrize("outcome", [LOST, answer(502), answer(200)], ids=["lost", "edge", "garbled"])
def test_an_exchange_whose_call_was_lost_is_unknown(outcome):
    assert frozen(lambda request: interpret(request, outcome)) == NEGOTIATING


@pytest.mark.parametrize("kind", [asyncio.CancelledError, KeyboardInterrupt, RuntimeError])
def test_an_exchange_whose_call_was_broken_off_is_unknown(kind):
    assert frozen(lambda _: kind()) == NEGOTIATING


@pytest.mark.parametrize(
    "outcome",
    [UNSENT, refusal(406, "invalid_session_description"), refusal(429), refusal(503, "internal_error")],
    ids=["unsent", "not acceptable", "too many", "failed"],
)
def test_a_refusal_leaves_an_exchange_where_it_was(outcome):
    assert frozen(lambda request: interpret(request, outcome)) == set()
    error = interpret(CALLS["renegotiate"], outcome)
    assert after_call(Exchange.OFFERED, CALLS["renegotiate"], error) is Exchange.OFFERED


@pytest.mark.parametrize(
    ("call", "items", "after"),
    [
        ("publish", [{"mid": "0"}], "UNKNOWN"),
        ("publish", [{"mid": "0"}, {"errorCode": "x"}], "UNKNOWN"),
        ("publish", [{"errorCode": "x"}], "NONE"),
        ("close_tracks with an offer", [{"mid": "0"}], "UNKNOWN"),
        ("close_tracks with an offer", [{"mid": "0", "errorCode": "x"}], "NONE"),
        ("close_tracks by force", [{"mid": "0"}], "NONE"),
        ("update_tracks", [{"mid": "0"}], "NONE"),
    ],
)
def test_a_refusal_that_names_successes_has_begun_an_exchange(call, items, after):
    error = interpret(CALLS[call], answer(500, {"errorCode": "internal_error", "tracks": items}))
    assert after_call(Exchange.NONE, CALLS[call], error) is Exchange[after]


@pytest.mark.parametrize("call", OF_A_SESSION)
def test_what_is_unknown_stays_unknown(call):
    for result in (None, TracksResult(TRACK, ANSWER), interpret(CALLS[call], refusal(406))):
        assert after_call(Exchange.UNKNOWN, CALLS[call], result) is Exchange.UNKNOWN


@pytest.mark.parametrize(
    ("before", "failed", "after"),
    [
        ("NONE", False, "NONE"),
        ("NONE", True, "NONE"),
        ("ANSWERED", False, "NONE"),
        ("ANSWERED", True, "ANSWERED"),
        ("OFFERED", False, "OFFERED"),
        ("OFFERED", True, "OFFERED"),
        ("UNKNOWN", False, "UNKNOWN"),
    ],
)
def test_where_an_exchange_stands_when_its_block_is_left(before, failed, after):
    assert after_block(Exchange[before], failed=failed) is Exchange[after]


@pytest.mark.parametrize("exchange", [Exchange.ANSWERED, Exchange.OFFERED, Exchange.UNKNOWN])
def test_the_error_of_an_unfinished_exchange_says_what_is_unfinished(exchange):
    error = left_open("s1", exchange)
    assert error.session_id == "s1"
    assert str(error) == f"The exchange of session s1 is unfinished: {exchange.value}. Replace the session."
