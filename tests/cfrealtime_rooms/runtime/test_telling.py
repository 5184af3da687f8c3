"""Hooks hear everything in order, and whatever they do holds nobody up."""

from __future__ import annotations

import asyncio
import gc
import threading
import time

import pytest

from cfrealtime_rooms import hooks
from cfrealtime_rooms.hooks import RoomHooks, RoomInfo
from cfrealtime_rooms.runtime.telling import Teller


async def test_what_is_told_is_heard_in_order_on_another_thread_and_before_the_end():
    heard: list[int] = []
    threads: set[int] = set()

    def hear(number: int) -> None:
        heard.append(number)
        threads.add(threading.get_ident())

    teller = Teller()
    for number in range(1000):
        teller.tell(hear, number)
    await teller.finish(60.0)
    assert heard == list(range(1000))
    assert len(threads - {threading.get_ident()}) == 1


async def test_a_hook_that_raises_is_logged_and_told_again(caplog):
    heard: list[int] = []

    def fail(number: int) -> None:
        heard.append(number)
        raise ZeroDivisionError

    teller = Teller()
    teller.tell(fail, 1)
    teller.tell(fail, 2)
    await teller.finish(60.0)
    assert heard == [1, 2]
    assert caplog.text.count("a hook failed on int; the rooms go on") == 2


async def test_a_hook_that_blocks_takes_nobodys_time_and_bounded_memory(caplog):
    stuck, go_on = threading.Event(), threading.Event()
    heard: list[int] = []

    def block(number: int) -> None:
        stuck.set()
        go_on.wait(60)
        heard.append(number)

    teller = Teller(capacity=10)
    began = time.monotonic()
    teller.tell(block, 0)
    assert await asyncio.to_thread(stuck.wait, 60)
    for number in range(1, 100):
        teller.tell(block, number)
    assert time.monotonic() - began < 30
    assert teller.untold == 89
    assert caplog.text.count("too slow") == 1
    go_on.set()
    await teller.finish(60.0)
    assert heard == list(range(11))


async def test_a_hook_that_never_returns_holds_the_end_up_for_so_long_only(caplog):
    go_on = threading.Event()
    teller = Teller()
    teller.tell(lambda _: go_on.wait(60), 1)
    await teller.finish(0.1)
    go_on.set()
    assert "a hook takes too long" in caplog.text


async def test_who_was_never_told_anything_has_no_thread():
    before = threading.active_count()
    teller = Teller()
    teller.tell(None, 1)
    await teller.finish(1.0)
    assert threading.active_count() == before


def test_rooms_that_are_never_closed_leave_no_thread():
    heard = threading.Event()
    teller = Teller()
    teller.tell(lambda _: heard.set(), 1)
    assert heard.wait(60)
    (thread,) = (one for one in threading.enumerate() if one.name == "hooks of rooms")
    del teller
    gc.collect()
    thread.join(60)
    assert not thread.is_alive()


# Several sets of hooks.

INFO = RoomInfo("hall", "opened", 1)


@pytest.mark.parametrize("count", [0, 1, 2])
def test_several_sets_of_hooks_are_one(count):
    heard: list[int] = []
    sets = [RoomHooks(room=lambda _, number=number: heard.append(number)) for number in range(count)]
    told = RoomHooks.of(*sets, RoomHooks())
    assert (told.room is None) == (count == 0)
    if told.room is not None:
        told.room(INFO)
    assert heard == list(range(count))


def test_one_hook_that_raises_leaves_the_others_theirs():
    heard: list[RoomInfo] = []

    def fail(_: RoomInfo) -> None:
        raise ZeroDivisionError

    told = RoomHooks.of(RoomHooks(room=fail), RoomHooks(room=heard.append))
    with pytest.raises(ExceptionGroup):
        told.room(INFO)
    assert heard == [INFO]


def test_every_value_is_public():
    assert {name for name in hooks.__all__ if name.endswith("Info")} == {
        name for name in dir(hooks) if name.endswith("Info") and name != "Info"
    }
