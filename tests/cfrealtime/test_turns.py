"""One at a time negotiates with a session, first come, first served: tasks, threads and event loops."""

from __future__ import annotations

import asyncio
import threading
import time
from contextlib import contextmanager

import httpx
import pytest

from cfrealtime import AsyncRealtime, ExchangeOpenError, Realtime
from cfrealtime._queues import SessionQueue
from tests.cfrealtime.colours import run_alone


@pytest.fixture
def session():
    return Realtime("app", "hunter2").session("s1")


@pytest.fixture
def async_session():
    return AsyncRealtime("app", "hunter2").session("s1")


@contextmanager
def turn_held(session):
    """Somebody has the turn for the time of a block, and leaves it in good order."""
    queue = session._queue()
    assert queue.take(lambda: None)
    yield queue
    queue.leave()


async def visit(session, name, order, **options):
    """Take a turn, note it, and hold it for a second."""
    async with session.negotiate(**options):
        order.append(name)
        await asyncio.sleep(1)


def free(session):
    """Whether nobody has the turn or waits for it."""
    queue = session._queue()
    return not queue._taken and not queue._waiting


@pytest.mark.looptime
async def test_tasks_get_their_turns_in_the_order_in_which_they_came(async_session):
    order = []
    async with asyncio.TaskGroup() as tasks:
        for name in range(5):
            tasks.create_task(visit(async_session, name, order))
    assert order == list(range(5))
    assert asyncio.get_running_loop().time() == pytest.approx(5)
    assert free(async_session)


@pytest.mark.looptime
async def test_a_task_that_waits_too_long_gives_its_place_on(async_session):
    order = []
    tasks = [
        asyncio.create_task(visit(async_session, name, order, timeout=patience))
        for name, patience in enumerate([None, 0.5, 10])
    ]
    with pytest.raises(ExchangeOpenError, match=r"within 0\.5 s"):
        await tasks[1]
    assert asyncio.get_running_loop().time() == pytest.approx(0.5)
    await asyncio.gather(tasks[0], tasks[2])
    assert (order, free(async_session)) == ([0, 2], True)


@pytest.mark.looptime
@pytest.mark.parametrize("moment", [0.5, 1], ids=["while it waits", "when its turn comes"])
async def test_a_task_that_is_cancelled_gives_its_place_on(async_session, moment):
    order = []
    tasks = [asyncio.create_task(visit(async_session, name, order)) for name in range(3)]
    await asyncio.sleep(moment)
    tasks[1].cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert (order, tasks[1].cancelled(), free(async_session)) == ([0, 2], True, True)


@pytest.mark.looptime
async def test_a_cancellation_in_the_very_moment_of_the_turn_passes_it_on(async_session):
    order = []
    with turn_held(async_session) as queue:
        tasks = [asyncio.create_task(visit(async_session, name, order)) for name in range(2)]
        await asyncio.sleep(0.1)
        assert len(queue._waiting) == 2
    tasks[0].cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert (order, tasks[0].cancelled(), free(async_session)) == ([1], True, True)


@pytest.mark.looptime
async def test_an_unfit_session_is_told_to_everybody_who_waits(async_session):
    async def leave_in_a_mess():
        async with async_session.negotiate() as exchange:
            await asyncio.sleep(1)
            exchange._turns.exchange = type(exchange._turns.exchange).UNKNOWN

    results = await asyncio.gather(
        leave_in_a_mess(), *[visit(async_session, n, []) for n in range(3)], return_exceptions=True
    )
    assert [type(error) for error in results] == [ExchangeOpenError] * 4
    assert free(async_session)


@pytest.mark.looptime
async def test_a_session_whose_call_was_cancelled_is_unfit():
    async def never(_):
        await asyncio.sleep(3600)

    async with AsyncRealtime("app", "hunter2", transport=httpx.MockTransport(never)) as client:
        session = client.session("s1")

        async def publish():
            async with session.negotiate() as exchange:
                await exchange.publish_all("v=0")

        with pytest.raises(TimeoutError):
            await asyncio.wait_for(publish(), 1)
        with pytest.raises(ExchangeOpenError, match="nobody knows"):
            await publish()


def waiting(session, count):
    """Wait until so many stand in a session's queue."""
    deadline = time.monotonic() + 60
    while len(session._queue()._waiting) < count:
        assert time.monotonic() < deadline
        time.sleep(0.001)


def test_threads_get_their_turns_in_the_order_in_which_they_came(session):
    order = []

    def visit(name):
        with session.negotiate():
            order.append(name)

    threads = [threading.Thread(target=visit, args=[name]) for name in range(5)]
    with turn_held(session):
        for count, thread in enumerate(threads, 1):
            thread.start()
            waiting(session, count)
        assert order == []
    for thread in threads:
        thread.join(60)
    assert (order, free(session)) == (list(range(5)), True)


def test_a_thread_that_waits_too_long_leaves_no_place_behind(session):
    with turn_held(session) as queue:
        with pytest.raises(ExchangeOpenError, match=r"within 0\.005 s"), session.negotiate(timeout=0.005):
            raise AssertionError
        assert not queue._waiting
    assert free(session)


def test_a_thread_that_is_interrupted_leaves_no_place_behind(session, monkeypatch):
    class Interrupted(threading.Event):
        def wait(self, timeout=None):
            raise KeyboardInterrupt

    with turn_held(session) as queue:
        monkeypatch.setattr(threading, "Event", Interrupted)
        with pytest.raises(KeyboardInterrupt), session.negotiate():
            raise AssertionError
        assert not queue._waiting
    assert free(session)


def test_event_loops_of_several_threads_share_a_queue(async_session):
    order = []

    async def visit(name):
        async with async_session.negotiate():
            order.append(name)

    threads = [threading.Thread(target=lambda name=name: run_alone(visit(name))) for name in range(3)]
    with turn_held(async_session):
        for count, thread in enumerate(threads, 1):
            thread.start()
            waiting(async_session, count)
    for thread in threads:
        thread.join(60)
    assert (order, free(async_session)) == ([0, 1, 2], True)


def test_whoever_waits_on_a_loop_that_is_closed_is_passed_over():
    queue, order = SessionQueue(), []
    closed = asyncio.new_event_loop()
    closed.close()
    assert queue.take(lambda: None)
    queue.take(lambda: closed.call_soon_threadsafe(order.append, "closed"))
    queue.take(lambda: order.append("alive"))
    queue.leave()
    assert order == ["alive"]
    queue.leave()
    assert queue.take(lambda: None)
