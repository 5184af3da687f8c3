"""What the clients send again, when, and what they leave behind when they are stopped."""

from __future__ import annotations

import asyncio

import httpx
import pytest

from cfrealtime import (
    AsyncRealtime,
    ErrorInfo,
    Hooks,
    NotSentError,
    OutcomeUnknownError,
    RateLimitError,
    RequestInfo,
    RetryInfo,
    SessionState,
)
from tests.cfrealtime.colours import COLOURS, run
from tests.cfrealtime.operations import CASES
from tests.cfrealtime.virtual import Clock, blocking_client, run_in_virtual_time, virtually

both = pytest.mark.parametrize("colour", COLOURS)
NAMED = {case.name: case for case in CASES}
STATE, PUBLISH = NAMED["get_state"], NAMED["publish"]
ONCE = [case for case in CASES if case.once]
REPEATABLE = [case for case in CASES if not case.once]
LOST = httpx.ReadTimeout("late")


def too_many(**headers):
    return httpx.Response(
        429, json={}, headers={name.replace("_", "-"): value for name, value in headers.items()}
    )


def route(router, case, *outcomes):
    """Prepared outcomes of a call, then a good answer."""
    good = httpx.Response(case.status, json=case.answer)
    return router.request(case.method, case.url).mock(side_effect=[*outcomes, good])


@both
@pytest.mark.parametrize("case", REPEATABLE, ids=str)
def test_after_a_lost_answer_these_are_sent_again(colour, case, respx_mock):
    sent = route(respx_mock, case, LOST, LOST)
    ended = virtually(colour, case.call)
    assert (ended.error, sent.call_count) == (None, 3)
    assert ended.seconds <= 0.25 + 0.5


@both
@pytest.mark.parametrize("case", ONCE, ids=str)
def test_after_a_lost_answer_these_are_never_sent_again(colour, case, respx_mock):
    sent = route(respx_mock, case, LOST)
    ended = virtually(colour, case.call)
    assert type(ended.error) is OutcomeUnknownError
    assert (ended.error.attempts, sent.call_count, ended.seconds) == (1, 1, 0.0)


@both
@pytest.mark.parametrize("case", CASES, ids=str)
def test_everything_is_sent_again_when_it_never_left(colour, case, respx_mock):
    sent = route(respx_mock, case, httpx.ConnectError("refused"), httpx.ConnectTimeout("slow"))
    assert virtually(colour, case.call).error is None
    assert sent.call_count == 3


@both
@pytest.mark.parametrize(
    "headers",
    [
        {"retry_after": "3"},
        {"retry_after": "Thu, 01 Oct 2026 08:00:03 GMT", "date": "Thu, 01 Oct 2026 08:00:00 GMT"},
    ],
    ids=["seconds", "date"],
)
def test_what_the_service_asks_to_wait_is_waited(colour, headers, respx_mock):
    sent = route(respx_mock, PUBLISH, too_many(**headers))
    ended = virtually(colour, PUBLISH.call)
    assert (ended.error, sent.call_count) == (None, 2)
    assert ended.seconds == pytest.approx(3.0)


@both
def test_a_wait_beyond_the_calls_time_is_handed_to_the_caller_at_once(colour, respx_mock):
    sent = route(respx_mock, STATE, too_many(retry_after="3600"))
    ended = virtually(colour, STATE.call)
    assert type(ended.error) is RateLimitError
    assert (ended.error.retry_after, ended.error.attempts, ended.seconds) == (3600.0, 1, 0.0)
    assert sent.call_count == 1


@both
def test_attempts_end_with_the_last_error(colour, respx_mock):
    sent = route(respx_mock, STATE, LOST, too_many(), httpx.Response(502))
    ended = virtually(colour, STATE.call)
    assert (ended.error.status, ended.error.attempts, sent.call_count) == (502, 3, 3)


@both
def test_all_attempts_together_take_no_longer_than_the_call_may(colour, respx_mock):
    respx_mock.get(STATE.url).mock(side_effect=LOST)
    ended = virtually(colour, STATE.call, timeout=7, max_retries=1000)
    assert type(ended.error) is OutcomeUnknownError
    assert 7 - 0.25 - 1e-6 <= ended.seconds <= 7
    assert ended.error.attempts > 3


@both
def test_without_retries_everything_is_sent_once(colour, respx_mock):
    respx_mock.get(STATE.url).mock(side_effect=LOST)
    ended = virtually(colour, STATE.call, max_retries=0)
    assert (ended.error.attempts, respx_mock.calls.call_count) == (1, 1)


@both
def test_options_are_changed_in_a_twin_that_shares_the_rest(colour, respx_mock):
    respx_mock.get(STATE.url).mock(side_effect=LOST)
    told = []

    def act(client):
        twin = client.with_options(timeout=5, max_retries=0, hooks=Hooks(error=told.append))
        assert twin._caller.engine is client._caller.engine
        assert twin._caller.limiter is client._caller.limiter
        assert (client._caller.options.timeout, client._caller.options.max_retries) == (20.0, 2)
        again = twin.with_options(timeout=6)._caller.options
        assert (again.timeout, again.max_retries, again.hooks) == (6, 0, twin._caller.options.hooks)
        return twin.session("s1").get_state()

    assert virtually(colour, act).error.attempts == 1
    assert [info.attempt for info in told] == [1]
    assert virtually(colour, STATE.call).error.attempts == 3


@both
def test_closing_a_twin_closes_nothing_and_closing_the_client_closes_both(colour, respx_mock):
    respx_mock.get(STATE.url).respond(json={})

    def blocking(client):
        with client.with_options(timeout=5) as twin:
            pass
        state = STATE.call(client)
        client.close()
        return state, lambda: STATE.call(twin)

    async def on_asyncio(client):
        async with client.with_options(timeout=5) as twin:
            pass
        state = await STATE.call(client)
        await client.aclose()
        return state, lambda: run_in_virtual_time(STATE.call(twin))

    state, later = run(colour, blocking if colour == "sync" else on_asyncio)
    assert state == SessionState()
    with pytest.raises(ValueError, match="this client is closed"):
        later()


def ask(count):
    """So many calls on one session, one after the other, half of them through a twin."""

    def blocking(client):
        clients = [client, client.with_options(timeout=5)]
        return [STATE.call(clients[n % 2]) for n in range(count)]

    async def on_asyncio(client):
        clients = [client, client.with_options(timeout=5)]
        return [await STATE.call(clients[n % 2]) for n in range(count)]

    return {"sync": blocking, "async": on_asyncio}


@both
@pytest.mark.parametrize(("calls", "seconds"), [(50, 0), (51, 1), (151, 3)])
def test_the_fifty_first_call_on_a_session_within_a_second_waits(colour, calls, seconds, respx_mock):
    respx_mock.get(STATE.url).respond(json={})
    ended = virtually(colour, ask(calls)[colour])
    assert (ended.error, respx_mock.calls.call_count) == (None, calls)
    assert ended.seconds == pytest.approx(seconds)


def test_calls_in_flight_share_the_limit_and_those_without_time_are_never_sent(respx_mock):
    respx_mock.get(STATE.url).respond(json={})

    async def act(client):
        return await asyncio.gather(*[STATE.call(client) for _ in range(140)], return_exceptions=True)

    ended = virtually("async", act, timeout=1.5)
    assert [type(one) for one in ended.value] == [SessionState] * 100 + [NotSentError] * 40
    assert respx_mock.calls.call_count == 100


def cancelled(told, seconds, respx_mock):
    """Cancel an async call after some seconds and make another one on the same client."""

    async def main():
        hooks = Hooks(told.append, told.append, told.append, told.append)
        async with AsyncRealtime("app", "hunter2", hooks=hooks) as client:
            call = asyncio.create_task(STATE.call(client))
            await asyncio.sleep(seconds)
            call.cancel()
            with pytest.raises(asyncio.CancelledError):
                await call
            told_of_it = [type(info) for info in told]
            respx_mock.get(STATE.url).respond(json={})
            return told_of_it, await STATE.call(client)

    return run_in_virtual_time(main())


def test_a_cancelled_attempt_leaves_nothing_half_done(respx_mock):
    async def never(_):
        await asyncio.sleep(3600)

    respx_mock.get(STATE.url).mock(side_effect=never)
    told = []
    assert cancelled(told, 1, respx_mock) == ([RequestInfo, ErrorInfo], SessionState())
    assert type(told[1].error) is asyncio.CancelledError
    assert told[1].seconds == pytest.approx(1)


def test_a_cancelled_pause_leaves_nothing_half_done(respx_mock):
    respx_mock.get(STATE.url).mock(side_effect=[too_many(retry_after="3")])
    told = []
    kinds, state = cancelled(told, 1, respx_mock)
    assert (kinds[0], kinds[-2:], state) == (RequestInfo, [RetryInfo, ErrorInfo], SessionState())
    assert type(told[len(kinds) - 1].error) is asyncio.CancelledError


@pytest.mark.parametrize("moment", ["attempt", "pause"])
def test_ctrl_c_leaves_nothing_half_done(moment, respx_mock):
    told, clock = [], Clock()

    def interrupt(_):
        raise KeyboardInterrupt

    if moment == "pause":
        clock.wait = interrupt
    respx_mock.get(STATE.url).mock(side_effect=interrupt if moment == "attempt" else [too_many()])
    with blocking_client(clock, hooks=Hooks(error=told.append)) as client:
        with pytest.raises(KeyboardInterrupt):
            STATE.call(client)
        assert [type(info.error) for info in told] == [KeyboardInterrupt]
        respx_mock.get(STATE.url).respond(json={})
        assert STATE.call(client) == SessionState()
