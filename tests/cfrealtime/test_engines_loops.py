"""Every engine survives cancellation, closing, several event loops, threads and many calls at once."""

from __future__ import annotations

import asyncio
import gc
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest

from cfrealtime import NotSentError, OutcomeUnknownError, RealtimeError, TracksResult
from cfrealtime._direct import MAX_CONNECTIONS, MAX_KEEPALIVE
from tests.cfrealtime.certificates import Authority
from tests.cfrealtime.colours import run_alone
from tests.cfrealtime.engines import ASYNC, ASYNC_OURS, PUBLISHED, SYNC, many, outcome, publish
from tests.cfrealtime.raw_server import Server, answer_of, full_port

both = pytest.mark.parametrize("engine", ASYNC_OURS, ids=str)
OK = answer_of(PUBLISHED)
CLOSING = answer_of(PUBLISHED, b"200 OK", b"Connection: close")


def ok(peer, _):
    peer.send(OK)


@pytest.fixture(params=["http", "https"])
def tls(request, tmp_path, monkeypatch):
    """What a server needs that the client trusts; nothing where there is no TLS."""
    if request.param == "http":
        return None
    authority = Authority(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.file))
    return authority.server()


async def reached(condition):
    """Wait for something that happens in another thread."""
    assert await asyncio.to_thread(condition)


async def cancelled(task):
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    assert task.cancelled()


@both
@pytest.mark.parametrize(
    "start", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{"], ids=["headers", "body"]
)
async def test_a_call_cancelled_while_it_waits_leaves_nothing(engine, start, tls):
    def answer(peer, _):
        if len(server.requests) == 1:
            peer.send(start)
            peer.hold()
        else:
            peer.send(OK)

    with Server(answer, tls) as server:
        async with engine.open(server.base) as client:
            task = asyncio.create_task(publish(client))
            await reached(lambda: server.wait_for_requests(1))
            await asyncio.sleep(0.05)
            await cancelled(task)
            await reached(server.wait_until_all_are_gone)
            assert isinstance(await publish(client), TracksResult)
        await reached(server.wait_until_all_are_gone)
    gc.collect()


@both
async def test_a_call_cancelled_in_its_handshake_leaves_nothing(engine):
    with Server(lambda peer, _: peer.hold(), reads=False) as server:
        async with engine.open(f"https://{server.address}", timeout=0.2) as client:
            task = asyncio.create_task(publish(client))
            await reached(lambda: server.wait_for_connections(1))
            await cancelled(task)
            await reached(server.wait_until_all_are_gone)
            assert isinstance(await outcome(publish(client)), NotSentError)
            await reached(server.wait_until_all_are_gone)
    gc.collect()


@both
async def test_a_call_cancelled_while_it_connects_leaves_nothing(engine):
    with full_port() as address:
        async with engine.open(f"http://{address}", timeout=0.2) as client:
            task = asyncio.create_task(publish(client))
            await asyncio.sleep(0.05)
            await cancelled(task)
            assert isinstance(await outcome(publish(client)), NotSentError)
    gc.collect()


@both
async def test_a_call_cancelled_at_any_moment_leaves_nothing(engine, tls):
    with Server(ok, tls) as server:
        async with engine.open(server.base) as client:
            for rounds in [*range(40), *range(40, 400, 15)]:
                task = asyncio.create_task(publish(client, f"s{rounds}"))
                for _ in range(rounds):
                    await asyncio.sleep(0)
                task.cancel()
                with suppress(asyncio.CancelledError):
                    await task
            # All of them at once, and the limit is not used up.
            await asyncio.gather(*many(client, MAX_CONNECTIONS))
        await reached(server.wait_until_all_are_gone)
    gc.collect()


@both
async def test_twice_as_many_calls_as_connections_wait_for_each_other(engine):
    ready = threading.Event()

    def answer(peer, _):
        if len(server.requests) >= MAX_CONNECTIONS:
            ready.set()
        ready.wait(60)
        peer.send(OK)

    with Server(answer) as server:
        async with engine.open(server.base) as client:
            results = await asyncio.gather(*many(client, 2 * MAX_CONNECTIONS))
        assert len(server.requests) == len(results) == 2 * MAX_CONNECTIONS
        assert server.most_at_once == MAX_CONNECTIONS


@both
@pytest.mark.parametrize("proxied", [False, True], ids=["direct", "proxy"])
async def test_calls_that_all_run_out_of_time_cost_no_place(engine, proxied, monkeypatch):
    everyone, well = threading.Barrier(MAX_CONNECTIONS), threading.Event()

    def answer(peer, _):
        if not well.is_set():
            peer.hold()
        else:
            with suppress(threading.BrokenBarrierError):
                everyone.wait(30)
                peer.send(OK)

    with Server(answer) as server:
        if proxied:
            monkeypatch.setenv("HTTP_PROXY", f"http://{server.address}")
        async with engine.open("http://sfu.test" if proxied else server.base, timeout=40) as client:
            stalled = client.with_options(timeout=0.5)
            for _ in range(2):
                outcomes = await asyncio.gather(*map(outcome, many(stalled, 2 * MAX_CONNECTIONS)))
                assert {type(each) for each in outcomes} <= {OutcomeUnknownError, NotSentError}
            well.set()
            await asyncio.gather(*many(client, MAX_CONNECTIONS))
        await reached(server.wait_until_all_are_gone)
    gc.collect()


@both
async def test_of_idle_connections_some_are_kept_for_some_time(engine, monkeypatch):
    for module in ("cfrealtime.aio.direct", "cfrealtime.aio.fast"):
        monkeypatch.setattr(f"{module}.KEEPALIVE_EXPIRY", 1.0)
    with Server(ok) as server:
        async with engine.open(server.base) as client:
            await publish(client)
            await publish(client)
            assert server.connections == 1
            await asyncio.sleep(1.1)
            await publish(client)
            assert server.connections == 2
            assert await asyncio.to_thread(server.wait, lambda: server.open == 1)


async def test_no_more_connections_are_kept_than_httpx_keeps():
    with Server(ok) as server:
        async with ASYNC.open(server.base) as client:
            await asyncio.gather(*many(client, 2 * MAX_KEEPALIVE))
            assert server.connections > MAX_KEEPALIVE
            assert await asyncio.to_thread(server.wait, lambda: server.open == MAX_KEEPALIVE)


def test_a_thread_that_gets_no_connection_in_time_sent_nothing(monkeypatch):
    monkeypatch.setattr("cfrealtime.blocking.pool.MAX_CONNECTIONS", 1)
    with (
        Server(lambda peer, _: peer.hold()) as server,
        SYNC.blocking(server.base, timeout=3) as client,
        ThreadPoolExecutor(1) as threads,
    ):
        first = threads.submit(publish, client)
        assert server.wait_for_requests(1)
        with pytest.raises(NotSentError, match=r"no connection within 0\.2 s"):
            publish(client.with_options(timeout=0.2))
        with pytest.raises(OutcomeUnknownError):
            first.result()
        assert len(server.requests) == 1


@both
def test_every_event_loop_has_connections_of_its_own(engine, tls):
    with Server(lambda peer, _: peer.send(CLOSING), tls) as server:
        client = engine.client(server.base)

        async def calls(*, last):
            await asyncio.gather(*many(client, 3))
            if last:
                await client.aclose()

        # Loops that are gone are forgotten, and ask for nothing.
        for last in (False, False, False, True):
            run_alone(calls(last=last))
        assert server.wait_until_all_are_gone()
        assert len(server.requests) == 12
    gc.collect()


@both
def test_two_event_loops_at_once_share_a_client(engine):
    with Server(ok) as server:
        client, done = engine.client(server.base), threading.Barrier(4)

        async def calls():
            for turn in range(20):
                assert isinstance(await publish(client, f"s{turn}"), TracksResult)
            done.wait(60)
            await client.aclose()

        threads = [threading.Thread(target=run_alone, args=(calls(),)) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(server.requests) == 80
        assert server.wait_until_all_are_gone()
    gc.collect()


@both
async def test_closing_ends_the_calls_under_way(engine, tls):
    with Server(lambda peer, _: peer.hold(), tls) as server:
        async with engine.open(server.base) as client:
            calls = asyncio.gather(*(outcome(publish(client)) for _ in range(3)))
            await reached(lambda: server.wait_for_requests(3))
            await client.aclose()
            assert {type(each) for each in await calls} == {OutcomeUnknownError}
        await reached(server.wait_until_all_are_gone)
    gc.collect()


@both
async def test_closing_ends_the_connections_that_are_being_made(engine):
    with Server(lambda peer, _: peer.hold(), reads=False) as server:
        async with engine.open(f"https://{server.address}", timeout=0.5) as client:
            call = asyncio.create_task(outcome(publish(client)))
            await reached(lambda: server.wait_for_connections(1))
            await client.aclose()
            assert isinstance(await call, NotSentError)
        await reached(server.wait_until_all_are_gone)
    gc.collect()


@both
async def test_a_connection_that_comes_about_after_closing_is_not_kept(engine, tmp_path, monkeypatch):
    authority, ready = Authority(tmp_path), threading.Event()
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.file))
    with Server(ok, authority.server(), first=ready.wait) as server:
        async with engine.open(server.base) as client:
            call = asyncio.create_task(outcome(publish(client)))
            await reached(lambda: server.wait_for_connections(1))
            await client.aclose()
            ready.set()
            await call
        await reached(server.wait_until_all_are_gone)
    gc.collect()


@both
async def test_a_call_that_waits_to_be_repeated_is_not_sent_by_a_closed_client(engine):
    with Server(lambda peer, _: peer.hang_up()) as server:
        async with engine.open(server.base, max_retries=1) as client:
            call = asyncio.create_task(outcome(client.session("s1").get_state()))
            await reached(lambda: server.wait_for_requests(1))
            await reached(server.wait_until_all_are_gone)
            await client.aclose()
            assert isinstance(await call, RealtimeError)
        assert len(server.requests) == 1


def test_threads_share_a_blocking_client(tls):
    with Server(ok, tls) as server:
        with SYNC.blocking(server.base) as client, ThreadPoolExecutor(20) as threads:
            results = list(threads.map(lambda number: publish(client, f"s{number % 20}"), range(200)))
        assert len(results) == len(server.requests) == 200
        assert server.most_at_once <= 20
        assert server.wait_until_all_are_gone()


def test_a_blocking_client_tries_every_address_in_its_time(monkeypatch):
    import socket

    real = socket.getaddrinfo
    with Server(ok) as server, socket.create_server(("127.0.0.2", server.port), backlog=0) as full:
        fillers = [socket.socket() for _ in range(3)]
        for filler in fillers:
            filler.setblocking(False)
            filler.connect_ex(full.getsockname())

        def lookup(host, *rest, **options):
            both = ["127.0.0.2", "127.0.0.1"] if host == "sfu.test" else [host]
            return [place for each in both for place in real(each, *rest, **options)]

        monkeypatch.setattr(socket, "getaddrinfo", lookup)
        with SYNC.blocking(f"http://sfu.test:{server.port}", timeout=3) as client:
            started = time.monotonic()
            assert isinstance(publish(client), TracksResult)
            assert time.monotonic() - started < 3
        for filler in fillers:
            filler.close()
