"""A client's outgoing messages, when the host's `send` and `close` are good, slow, stuck or broken."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from cfrealtime_rooms.core.notices import Closed, Delta, Error, Message, Mids, Notice, Snapshot
from cfrealtime_rooms.runtime.outbox import Letter, Outbox

pytestmark = pytest.mark.looptime


class Host:
    """A host's channel that keeps what it gets. `hold` holds every send back."""

    def __init__(self, fault: BaseException | None = None) -> None:
        self.got: list[dict[str, object]] = []
        self.closed: list[tuple[int, str]] = []
        self.calls: list[str] = []
        self.open = asyncio.Event()
        self.open.set()
        self.sending = 0
        self.fault = fault

    async def send(self, text: str) -> None:
        assert self.sending == 0, "one at a time"
        self.sending += 1
        try:
            await self.open.wait()
            if self.fault is not None:
                raise self.fault
            self.got.append(json.loads(text))
        finally:
            self.sending -= 1

    async def close(self, code: int, reason: str) -> None:
        self.closed.append((code, reason))

    @property
    def types(self) -> list[object]:
        return [message["type"] for message in self.got]


@asynccontextmanager
async def outbox(
    host: Host, *, close: Callable[[int, str], Awaitable[object]] | None = None, capacity: int = 8
):
    box = Outbox(
        host.send,
        close or host.close,
        overflowed=lambda: host.calls.append("overflowed"),
        broken=lambda: host.calls.append("broken"),
        capacity=capacity,
    )
    try:
        yield box
    finally:
        await box.finish()
        assert [task.get_name() for task in asyncio.all_tasks()].count("room outbox") == 0


def put(box: Outbox, *notices: Notice) -> None:
    for notice in notices:
        box.put(Letter(notice))


async def soon() -> None:
    await asyncio.sleep(0.01)


async def test_messages_go_out_in_order_and_one_at_a_time():
    async with outbox(host := Host()) as box:
        put(box, *(Mids(epoch, {}) for epoch in range(5)))
        await soon()
    assert [message["epoch"] for message in host.got] == [0, 1, 2, 3, 4]


async def test_a_slow_client_loses_deltas_and_messages_and_gets_one_snapshot_instead():
    host = Host()
    async with outbox(host) as box:
        host.open.clear()
        put(box, Mids(1, {}), *(Delta(n, n + 1) for n in range(5)), Message(None, "hi"), Mids(2, {}))
        await soon()
        put(box, *(Delta(n, n + 1) for n in range(5, 20)))
        host.open.set()
        await soon()
        assert host.types == ["mids", "mids"]
        assert host.calls == ["overflowed"]
        put(box, Delta(20, 21), Snapshot(21, (), {}), Delta(21, 22))
        await soon()
    assert host.types == ["mids", "mids", "snapshot", "delta"]
    assert host.calls == ["overflowed"]


async def test_a_snapshot_that_is_too_late_itself_is_asked_for_again():
    host = Host()
    async with outbox(host, capacity=4) as box:
        for _ in range(2):
            host.open.clear()
            put(box, Snapshot(1, (), {}), *(Delta(n, n + 1) for n in range(8)))
            await soon()
            put(box, *(Delta(n, n + 1) for n in range(8)))
            host.open.set()
            await soon()
    assert host.calls == ["overflowed", "overflowed"]


async def test_negotiation_is_never_left_out_for_lack_of_room_but_the_channel_ends():
    host = Host()
    async with outbox(host) as box:
        host.open.clear()
        put(box, Mids(0, {}))
        await soon()
        put(box, *(Mids(epoch, {}) for epoch in range(8)))
        await soon()
        assert host.calls == []
        put(box, Error("bad_message", "No."))
        await soon()
        assert host.calls == ["broken"]
        assert host.closed == [(1013, "try again")]
    assert host.got == []


@pytest.mark.parametrize(
    "fault",
    [RuntimeError("s3cr3t"), ConnectionError(), TypeError(), asyncio.CancelledError(), TimeoutError()],
)
async def test_a_send_that_raises_ends_its_channel(fault, caplog):
    caplog.set_level("DEBUG", "cfrealtime_rooms")
    async with outbox(host := Host(fault)) as box:
        put(box, Mids(1, {}), Mids(2, {}))
        await soon()
        assert host.calls == ["broken"]
        assert host.closed == [(1013, "try again")]
        put(box, Mids(3, {}))
    assert host.calls == ["broken"]
    assert "s3cr3t" not in caplog.text


async def test_a_send_that_is_no_coroutine_ends_its_channel():
    host = Host()
    box = Outbox(
        lambda text: None,
        host.close,
        overflowed=lambda: None,
        broken=lambda: host.calls.append("broken"),
    )
    put(box, Mids(1, {}))
    await soon()
    assert host.calls == ["broken"]
    await box.finish()


async def test_a_send_that_blocks_for_ever_ends_its_channel_after_ten_seconds(looptime):
    async with outbox(host := Host()) as box:
        host.open.clear()
        put(box, Mids(1, {}))
        await asyncio.sleep(9.9)
        assert host.calls == []
        await asyncio.sleep(0.2)
        assert host.calls == ["broken"]
        assert host.closed == [(1013, "try again")]


async def test_a_channel_is_closed_after_what_was_queued_and_takes_nothing_more():
    async with outbox(host := Host()) as box:
        host.open.clear()
        put(box, Mids(1, {}), Closed("removed"))
        box.hang_up(4002, "removed")
        box.hang_up(1012, "too late")
        put(box, Mids(2, {}))
        await soon()
        assert host.closed == []
        host.open.set()
        await soon()
        assert host.types == ["mids", "closed"]
        assert host.closed == [(4002, "removed")]
    assert host.calls == []


async def test_a_reason_fits_into_a_close_frame():
    async with outbox(host := Host()) as box:
        box.hang_up(4000, "é" * 100)
        await soon()
    assert host.closed == [(4000, "é" * 61)]


@pytest.mark.parametrize("stuck", [False, True])
async def test_a_close_that_raises_or_blocks_costs_its_channel_only(stuck):
    async def close(code: int, reason: str) -> None:
        if stuck:
            await asyncio.Event().wait()
        raise RuntimeError

    host = Host()
    async with outbox(host, close=close) as box:
        put(box, Closed("removed"))
        box.hang_up(4002, "removed")
        await asyncio.sleep(11)
    assert host.types == ["closed"]
    assert host.calls == []


async def test_a_host_that_gives_no_close_is_not_asked_to():
    host = Host()
    box = Outbox(host.send, None, overflowed=lambda: None, broken=lambda: host.calls.append("broken"))
    put(box, Closed("removed"))
    box.hang_up(4002, "removed")
    await box.finish()
    assert host.types == ["closed"]
    assert host.calls == []


async def test_finishing_stops_a_blocked_send_at_once(looptime):
    async with outbox(host := Host()) as box:
        host.open.clear()
        put(box, Mids(1, {}))
        await soon()
    assert looptime < 0.1
    assert host.calls == []


async def test_finishing_waits_for_the_last_word_but_not_for_ever(looptime):
    async with outbox(host := Host()) as box:
        host.open.clear()
        put(box, *(Mids(epoch, {}) for epoch in range(5)))
        box.hang_up(4002, "removed")
        await box.finish(within=3)
        await soon()
        assert looptime < 3.1
    assert host.got == []


async def test_a_cancelled_finish_leaves_no_task():
    async with outbox(host := Host()) as box:
        host.open.clear()
        put(box, Closed("removed"))
        box.hang_up(4002, "removed")
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(1):
                await box.finish()


async def test_what_cannot_be_written_is_left_out_alone(caplog):
    async with outbox(host := Host()) as box:
        put(box, Mids(1, {}), Message(None, None, data={1, 2}), Mids(2, {}))
        await soon()
    assert host.types == ["mids", "mids"]
    assert host.calls == []
    assert "a Message cannot be written as JSON" in caplog.text


def test_a_letter_is_written_once_and_only_when_it_is_sent():
    letter = Letter(Mids(1, {}))
    assert "text" not in vars(letter)
    assert letter.text is letter.text
