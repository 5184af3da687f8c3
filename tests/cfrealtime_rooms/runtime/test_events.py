"""What happens, as the host's subscribers hear of it."""

from __future__ import annotations

import asyncio
import gc

import pytest

from cfrealtime_rooms.core.events import RoomClosed, RoomOpened
from cfrealtime_rooms.runtime.events import EventHub, EventStream

pytestmark = pytest.mark.looptime


async def rest(stream: EventStream) -> list[str]:
    return [event.room async for event in stream]


async def test_every_subscriber_gets_every_event_from_its_call_on_in_order():
    hub = EventHub()
    early = hub.subscribe()
    hub.emit(RoomOpened("a"))
    late = hub.subscribe()
    hub.emit(RoomClosed("b", "empty"))
    hub.close()
    assert await rest(early) == ["a", "b"]
    assert await rest(late) == ["b"]


async def test_a_waiting_subscriber_hears_at_once_and_ends_with_the_rooms():
    hub = EventHub()
    heard = asyncio.create_task(rest(hub.subscribe()))
    await asyncio.sleep(1)
    hub.emit(RoomOpened("a"))
    await asyncio.sleep(1)
    hub.close()
    assert await heard == ["a"]


async def test_who_subscribes_after_the_end_waits_for_nothing():
    hub = EventHub()
    hub.close()
    stream = hub.subscribe()
    assert await rest(stream) == []
    assert await rest(stream) == []


async def test_a_slow_subscriber_loses_the_oldest_and_is_warned_of_once(caplog):
    stream = EventStream(capacity=3)
    for name in "abcdef":
        stream.put(RoomOpened(name))
    assert caplog.text.count("too slow") == 1
    stream.end()
    assert await rest(stream) == ["d", "e", "f"]


async def test_a_subscriber_that_has_caught_up_is_warned_of_again(caplog):
    stream = EventStream(capacity=1)
    for _ in range(2):
        stream.put(RoomOpened("a"))
        stream.put(RoomOpened("b"))
        assert (await anext(stream)).room == "b"
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(1):
                await anext(stream)
    assert caplog.text.count("too slow") == 2


async def test_a_cancelled_wait_loses_no_event():
    hub = EventHub()
    stream = hub.subscribe()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(1):
            await anext(stream)
    hub.emit(RoomOpened("a"))
    assert (await anext(stream)).room == "a"


async def test_a_subscriber_that_went_away_is_forgotten():
    hub = EventHub()
    hub.subscribe()
    gc.collect()
    assert len(hub._streams) == 0
