"""Every engine says the same of connections that do not come about, break, stall or trickle."""

from __future__ import annotations

import socket
import time

import pytest

from cfrealtime import NotSentError, OutcomeUnknownError, TracksResult
from tests.cfrealtime.engines import (
    EVERY,
    PUBLISHED,
    SYNC_HTTPX,
    SYNC_TRANSPORT,
    TRACKS,
    force_close,
    get_state,
    publish,
    talk,
)
from tests.cfrealtime.raw_server import Server, answer_of, full_port

every_engine = pytest.mark.parametrize("engine", EVERY, ids=str)
# A blocking httpx client can be held by trickled headers: `cfrealtime._http` says so.
on_time = pytest.mark.parametrize(
    "engine", [e for e in EVERY if e not in (SYNC_HTTPX, SYNC_TRANSPORT)], ids=str
)

OK = answer_of(PUBLISHED)
LONG = 8.0
"""Seconds that a busy machine may add. Whoever does not look at the time waits for 20 or for ever."""
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n"


def timed(engine, base, *, timeout=0.2):
    started = time.monotonic()
    (outcome,) = talk(engine, base, publish, timeout=timeout)
    return outcome, time.monotonic() - started


@every_engine
def test_a_closed_port_is_not_reached(engine):
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]
    outcome, _ = timed(engine, f"http://127.0.0.1:{port}", timeout=60)
    assert isinstance(outcome, NotSentError)
    assert "there is no connection" in str(outcome)


@every_engine
def test_a_connection_that_nobody_takes_sent_nothing(engine):
    with full_port() as address:
        outcome, seconds = timed(engine, f"http://{address}")
    assert isinstance(outcome, NotSentError)
    assert "no connection within 0.2 s" in str(outcome)
    assert 0.15 < seconds < LONG


@every_engine
def test_a_handshake_that_hangs_sent_nothing(engine):
    with Server(lambda peer, _: peer.hold(), reads=False) as server:
        outcome, seconds = timed(engine, f"https://{server.address}")
    assert isinstance(outcome, NotSentError)
    assert "no connection within 0.2 s" in str(outcome)
    assert seconds < LONG


@every_engine
def test_a_handshake_that_breaks_sent_nothing(engine):
    with Server(lambda peer, _: peer.hang_up(), reads=False) as server:
        outcome, _ = timed(engine, f"https://{server.address}", timeout=60)
    assert isinstance(outcome, NotSentError)
    assert "there is no connection" in str(outcome)


@every_engine
@pytest.mark.parametrize(
    "error", [socket.gaierror(-2, "Name or service not known"), UnicodeError("label too long")]
)
def test_a_host_without_an_address_is_not_reached(engine, error, monkeypatch):
    def lookup(*_, **__):
        raise error

    monkeypatch.setattr(socket, "getaddrinfo", lookup)
    outcome, _ = timed(engine, "http://sfu.test", timeout=60)
    assert isinstance(outcome, NotSentError)
    assert error.args[-1] in str(outcome)


BREAKS = {
    "at once": b"",
    "in the status": b"HTTP/1.",
    "in the headers": b"HTTP/1.1 200 OK\r\nContent-Ty",
    "in the body": HEAD + b'{"tracks": "prose"',
    "in a chunk": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n50\r\nprose",
    "between chunks": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nprose\r\n",
}


@every_engine
@pytest.mark.parametrize("call", [publish, force_close, get_state])
def test_a_connection_that_breaks_leaves_the_outcome_open_and_is_not_tried_again(engine, call):
    def answer(peer, _):
        peer.send(list(BREAKS.values())[len(server.requests) - 1])
        peer.hang_up()

    with Server(answer) as server:
        outcomes = talk(engine, server.base, *[call] * len(BREAKS))
        assert len(server.requests) == len(BREAKS)
    assert [type(outcome) for outcome in outcomes] == [OutcomeUnknownError] * len(BREAKS)
    assert all("connection broke before the answer was complete" in str(outcome) for outcome in outcomes)
    assert "prose" not in "".join(map(str, outcomes))


@every_engine
@pytest.mark.parametrize(
    "garbage", [b"SSH-2.0-prose\r\n\r\n", b"HTTP/1.1 prose prose\r\n\r\n", b"\x00" * 100]
)
def test_what_is_no_http_leaves_the_outcome_open(engine, garbage):
    def answer(peer, _):
        peer.send(garbage)
        peer.hang_up()

    with Server(answer) as server:
        outcome, _ = timed(engine, server.base, timeout=60)
    assert isinstance(outcome, OutcomeUnknownError)
    assert "prose" not in str(outcome)


@every_engine
@pytest.mark.parametrize("call", [publish, force_close, get_state])
def test_a_reused_connection_that_drops_has_taken_the_request_once(engine, call):
    def answer(peer, _):
        if peer.count == 2:
            peer.hang_up()
        else:
            peer.send(OK)

    with Server(answer) as server:
        outcomes = talk(engine, server.base, publish, call)
        assert (len(server.requests), server.connections) == (2, 1)
    assert isinstance(outcomes[0], TracksResult)
    assert isinstance(outcomes[1], OutcomeUnknownError)


@every_engine
def test_a_connection_that_was_closed_meanwhile_costs_nothing(engine):
    def answer(peer, _):
        peer.send(OK)
        peer.hang_up()

    def later(client):
        assert server.wait_until_all_are_gone()
        return publish(client)

    with Server(answer) as server:
        outcomes = talk(engine, server.base, publish, later)
    assert [type(outcome) for outcome in outcomes] == [TracksResult, TracksResult]


STALLS = {"silence": b"", "half the headers": HEAD[:20], "half the body": HEAD + b'{"tracks":'}


def second(engine, answer):
    """The outcome of a second call and its seconds: it has a connection, however busy the machine is.

    One that was held up for so long that nothing was sent in time is given more.
    """
    outcome, seconds = _second(engine, answer, 0.2)
    return (outcome, seconds) if not isinstance(outcome, NotSentError) else _second(engine, answer, 3.0)


def _second(engine, answer, timeout):
    started = 0.0

    def answers(peer, request):
        if peer.count == 1:
            peer.send(OK)
        else:
            answer(peer, request)

    def late(client):
        nonlocal started
        started = time.monotonic()
        return publish(client.with_options(timeout=timeout))

    with Server(answers) as server:
        _, outcome = talk(engine, server.base, publish, late)
        seconds = time.monotonic() - started
        assert server.wait_until_all_are_gone()
        assert server.connections == 1
    return outcome, seconds


@every_engine
@pytest.mark.parametrize("start", STALLS.values(), ids=STALLS)
def test_an_answer_that_stalls_is_left_on_time(engine, start):
    def answer(peer, _):
        peer.send(start)
        peer.hold()

    outcome, seconds = second(engine, answer)
    assert isinstance(outcome, OutcomeUnknownError)
    assert "no complete answer within" in str(outcome)
    # Those on a blocking httpx client have twice the time; a busy machine adds to it.
    assert 0.15 < seconds < LONG


@on_time
@pytest.mark.parametrize("start", [b"HTTP/1.1 200 OK\r\nX-Slow: ", HEAD], ids=["headers", "body"])
def test_an_answer_that_trickles_is_left_on_time(engine, start):
    def answer(peer, _):
        peer.send(start)
        peer.trickle(b" " * 1000)

    outcome, seconds = second(engine, answer)
    assert isinstance(outcome, OutcomeUnknownError)
    assert "no complete answer within" in str(outcome)
    assert 0.15 < seconds < LONG


@on_time
def test_hints_without_end_are_left_on_time(engine):
    def answer(peer, _):
        while peer.send(b"HTTP/1.1 103 Early Hints\r\n\r\n"):
            pass

    outcome, seconds = second(engine, answer)
    assert isinstance(outcome, OutcomeUnknownError)
    assert seconds < LONG


@on_time
def test_a_server_that_reads_slowly_is_left_on_time(engine):
    sdp = "v=0\r\n" + "a=x\r\n" * 2_000_000

    def answer(peer, _):
        while not peer.stopping.wait(0.01) and peer.read(10_000):
            pass

    with Server(answer, reads=False) as server:
        started = time.monotonic()
        (outcome,) = talk(engine, server.base, lambda c: c.session("s1").publish(sdp, TRACKS), timeout=0.5)
    assert isinstance(outcome, OutcomeUnknownError)
    assert time.monotonic() - started < LONG
