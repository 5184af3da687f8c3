"""Requests about a session as a whole have the published form, and ids and descriptions are checked first."""

from __future__ import annotations

import json

import pytest

from cfrealtime._core.exchange import Safety
from cfrealtime._core.ids import check_session_id
from cfrealtime._core.requests import sessions
from cfrealtime.errors import InvalidRequestError
from cfrealtime.models import SessionDescription

SDP = "v=0\r\n"


def new_session(label=None, *, third_party=False):
    return sessions.new_session("app", label, third_party=third_party)


def test_new_session_has_no_body_and_no_query():
    request = new_session()
    assert (request.operation, request.method, request.path) == (
        "new_session",
        "POST",
        "/apps/app/sessions/new",
    )
    assert (request.query, request.body, request.session_id) == ({}, None, None)


def test_what_is_said_of_a_new_session_goes_into_the_query():
    assert new_session("visit 7").query == {"correlationId": "visit 7"}
    assert new_session(third_party=True).query == {"thirdparty": "true"}


def test_get_session_names_the_session_and_nothing_else():
    request = sessions.get_session("app", "s1")
    assert (request.method, request.path, request.body) == ("GET", "/apps/app/sessions/s1", None)
    assert (request.operation, request.session_id) == ("get_session", "s1")


@pytest.mark.parametrize("answer", [SDP, SessionDescription.answer(SDP)])
def test_renegotiate_sends_the_answer(answer):
    request = sessions.renegotiate("app", "s1", answer)
    assert (request.operation, request.method) == ("renegotiate", "PUT")
    assert request.path == "/apps/app/sessions/s1/renegotiate"
    assert json.loads(request.body) == {"sessionDescription": {"type": "answer", "sdp": SDP}}


def test_only_a_read_changes_nothing_and_only_a_new_session_may_be_made_twice():
    assert new_session().safety is Safety.WASTEFUL
    assert sessions.get_session("app", "s1").safety is Safety.READ
    assert sessions.renegotiate("app", "s1", SDP).safety is Safety.ONCE


REFUSED = {
    "an offer": SessionDescription.offer(SDP),
    "nothing": "",
    "blanks": " \r\n",
    "bytes": SDP.encode(),
    "a dict": {"type": "answer", "sdp": SDP},
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_no_answer_is_refused(case):
    with pytest.raises(InvalidRequestError, match=r"^renegotiate on session s1 was not sent: ") as caught:
        sessions.renegotiate("app", "s1", REFUSED[case])
    assert "v=0" not in str(caught.value)


@pytest.mark.parametrize(
    "identity", ["a/../b", "..", ".", "a%2fb", "a b", "", "a\n", "é", "a" * 129, None, 7]
)
def test_a_session_id_that_a_path_would_read_otherwise_is_refused(identity):
    with pytest.raises(InvalidRequestError):
        check_session_id(identity)


@pytest.mark.parametrize("identity", ["a", "0af9~_.-", "a" * 128])
def test_a_session_id_stays_as_it_is(identity):
    assert check_session_id(identity) == identity


def test_ids_are_escaped_even_behind_the_check():
    assert sessions.get_session("a/b", "../c?d").path == "/apps/a%2Fb/sessions/..%2Fc%3Fd"


def test_a_request_shows_neither_its_body_nor_its_path():
    shown = repr(sessions.renegotiate("secret-app", "s1", SDP))
    assert "v=0" not in shown
    assert "secret-app" not in shown
