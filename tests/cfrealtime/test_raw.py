"""`with_raw_response`: the same value, and every answer that it was made from."""

from __future__ import annotations

import json

import httpx
import pytest

from cfrealtime import Answer, OutcomeUnknownError
from tests.cfrealtime.colours import BASE, COLOURS
from tests.cfrealtime.either import play
from tests.cfrealtime.operations import CASES

pytestmark = pytest.mark.parametrize("colour", COLOURS)
STATE = next(case for case in CASES if case.name == "get_state")


class Raw:
    """A client whose calls all go through `with_raw_response`, also on what it makes."""

    def __init__(self, of):
        self._of = of

    def __getattr__(self, name):
        if name in {"session", "turn"}:
            return lambda *args: Raw(getattr(self._of, name)(*args))
        return Raw(self._of.adapters) if name == "adapters" else getattr(self._of.with_raw_response, name)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_every_call_gives_its_value_and_what_it_came_in(colour, case, respx_mock):
    headers = {"CF-Ray": "8f-AMS", "X-Other": "1"}
    respx_mock.request(case.method, case.url).mock(
        side_effect=lambda _: httpx.Response(case.status, json=case.answer, headers=headers)
    )

    async def scenario(client):
        return await case.call(client), await case.call(Raw(client))

    value, raw = play(colour, scenario)
    assert repr(raw.value) == repr(value)
    (answer,) = raw.answers
    assert raw.answer is answer
    assert (answer.operation, answer.attempts) == (case.operation, 1)
    assert (raw.status, raw.cf_ray, raw.headers["x-other"]) == (case.status, "8f-AMS", "1")
    assert answer.seconds >= 0.0


def test_attempts_are_counted_and_the_last_answer_is_kept(colour, respx_mock):
    outcomes = [httpx.ConnectError("refused"), httpx.Response(429), httpx.Response(200, json={})]
    respx_mock.get(STATE.url).mock(side_effect=outcomes)
    raw = play(colour, lambda client: client.session("s1").with_raw_response.get_state())
    assert [(answer.status, answer.attempts) for answer in raw.answers] == [(200, 3)]


def test_a_call_that_was_split_lists_every_answer(colour, respx_mock):
    def handle(request):
        tracks = json.loads(request.content)["tracks"]
        return httpx.Response(200, json={"tracks": tracks}, headers={"cf-ray": str(len(tracks))})

    respx_mock.put(f"{STATE.url}/tracks/close").mock(side_effect=handle)
    mids = [str(mid) for mid in range(130)]
    raw = play(colour, lambda client: client.session("s1").with_raw_response.close_tracks(mids, force=True))
    assert [answer.cf_ray for answer in raw.answers] == ["64", "64", "2"]
    assert (raw.value.closed_mids, raw.cf_ray) == (frozenset(mids), "2")


def test_calls_do_not_mix_their_answers_up(colour, respx_mock):
    respx_mock.get(STATE.url).respond(json={})

    async def scenario(client):
        session = client.session("s1")
        raw = session.with_raw_response
        first, second = await raw.get_state(), await raw.get_state()
        plain = await session.get_state()
        return first, second, plain

    first, second, plain = play(colour, scenario)
    assert (len(first.answers), len(second.answers)) == (1, 1)
    assert first.answers[0] is not second.answers[0]
    assert plain == first.value == second.value


def test_the_session_that_a_raw_call_made_is_a_plain_one(colour, respx_mock):
    respx_mock.post(f"{BASE}/new").respond(201, json={"sessionId": "s1"})
    respx_mock.get(STATE.url).respond(json={})

    async def scenario(client):
        raw = await client.with_raw_response.new_session(correlation_id="visit")
        return raw, raw.value._caller.tape

    raw, tape = play(colour, scenario)
    assert (raw.value.id, raw.status, len(raw.answers), tape) == ("s1", 201, 1, None)


def test_errors_are_raised_as_ever(colour, respx_mock):
    respx_mock.put(f"{STATE.url}/renegotiate").mock(side_effect=httpx.ReadTimeout("late"))
    with pytest.raises(OutcomeUnknownError):
        play(colour, lambda client: client.session("s1").with_raw_response.renegotiate("v=0"))


def test_headers_are_not_in_the_repr(colour, respx_mock):
    respx_mock.get(STATE.url).respond(json={}, headers={"set-cookie": "canary"})
    raw = play(colour, lambda client: client.session("s1").with_raw_response.get_state())
    assert isinstance(raw.answer, Answer)
    assert "canary" not in repr(raw)
