"""Hooks and counts of rooms at work, on the emulator in virtual time."""

from __future__ import annotations

import threading
from collections import Counter
from typing import Any

import attrs
import pytest

from cfrealtime.models import CloseItem, CloseResult, ItemError
from cfrealtime_rooms import Rooms
from cfrealtime_rooms.core.calls import Succeeded
from cfrealtime_rooms.core.history import result_of
from cfrealtime_rooms.hooks import (
    BacklogInfo,
    CallInfo,
    ExchangeInfo,
    LedgerInfo,
    OutcomeInfo,
    ReplacementInfo,
    RoomHooks,
    RoomInfo,
)
from cfrealtime_rooms.runtime.watching import MOST_CODES, Totals
from cfrealtime_rooms.testing import Guests

from ..hosting import hosting, nowhere, settle, viewer
from ..scenarios.scene import API, intercept, release, scene, slow

pytestmark = pytest.mark.looptime


class Heard:
    """Hooks that keep what they are told."""

    def __init__(self) -> None:
        self.all: list[Any] = []
        self.hooks = RoomHooks(*[self.all.append] * len(attrs.fields(RoomHooks)))

    def of(self, kind: type[Any]) -> list[Any]:
        """Values of one kind, in order."""
        return [one for one in self.all if isinstance(one, kind)]


async def test_every_call_is_told_as_it_leaves_and_as_it_ends():
    heard = Heard()
    async with scene(settings={"hooks": heard.hooks}, setup=slow) as stage:
        ann, _ = await stage.meet("ann", "bob")
        session = stage.session(ann)
        made = stage.emulator.count()
    calls, outcomes = heard.of(CallInfo), heard.of(OutcomeInfo)
    assert len({one.call_id for one in calls}) == len(calls)
    assert Counter(one.call_id for one in calls) == Counter(one.call.call_id for one in outcomes)
    assert {one.result for one in outcomes} == {"succeeded"}
    assert {round(one.seconds, 3) for one in outcomes} == {API}
    anns = [one for one in calls if one.participant == ann.participant_id]
    assert {(one.room, one.identity, one.epoch) for one in anns} == {("demo", "ann", 1)}
    assert [(one.operation, one.tracks, one.session_id) for one in anns[:4]] == [
        ("new_session", 0, None),
        ("publish", 2, session),
        ("subscribe", 2, session),
        ("renegotiate", 0, session),
    ]
    closes = [one for one in calls if one.operation == "close_tracks"]
    assert {one.participant for one in closes} == {None}
    assert made == len(calls) - len(closes)


async def test_exchanges_are_told_with_the_clients_share():
    heard = Heard()
    async with scene(settings={"hooks": heard.hooks}, setup=slow, latency=0.15) as stage:
        await stage.meet("ann", "bob")
    exchanges = heard.of(ExchangeInfo)
    assert Counter((one.identity, one.kind, one.end) for one in exchanges) == {
        ("ann", "publish", "finished"): 1,
        ("ann", "subscribe", "finished"): 1,
        ("bob", "publish", "finished"): 1,
        ("bob", "subscribe", "finished"): 1,
    }
    for one in exchanges:
        own = API if one.kind == "publish" else 2 * API
        assert one.seconds - one.client_seconds == pytest.approx(own, abs=0.001)
        assert one.client_seconds > 0.1


async def test_what_waits_for_a_busy_session_says_for_how_long():
    heard = Heard()
    async with scene(settings={"hooks": heard.hooks}, setup=slow) as stage:
        (ann,) = await stage.meet("ann")
        kept = intercept(ann, "offer")
        await stage.join("bob")
        await stage.until(ann, "AwaitingAnswer")
        await stage.join("cy")
        await stage.rest(5)
        await release(ann, "offer", kept)
        await stage.rest(20)
        stage.check(ann)
    calls = [one for one in heard.of(CallInfo) if one.identity == "ann"]
    assert [one.waited > 4 for one in calls if one.operation == "subscribe"] == [False, True]
    assert {one.waited for one in calls if one.operation != "subscribe"} == {0.0}


async def test_a_refusal_is_told_with_status_and_code_and_tried_again():
    heard = Heard()
    async with scene(settings={"hooks": heard.hooks}) as stage:
        stage.faults.answer_with("new_session", 429, code="too_many_requests")
        await stage.meet("ann")
    first, second = [one for one in heard.of(OutcomeInfo) if one.call.operation == "new_session"]
    assert (first.result, first.status, first.code) == ("refused", 429, "too_many_requests")
    assert [one.call.attempt for one in (first, second)] == [1, 2]


async def test_a_replacement_its_abandoned_exchange_and_its_debt_are_told():
    heard = Heard()
    async with scene(settings={"hooks": heard.hooks}) as stage:
        ann, bob = await stage.meet("ann", "bob")
        stage.faults.lose_answer("new_tracks")
        await stage.join("cy")
        await stage.rest(30)
        stage.check(ann, bob)
        metrics = stage.rooms.metrics()
    (replaced,) = heard.of(ReplacementInfo)
    assert (replaced.room, replaced.identity, replaced.epoch) == ("demo", "cy", 2)
    assert "nobody knows" in replaced.reason
    assert [one.end for one in heard.of(ExchangeInfo) if one.epoch == 1 and one.identity == "cy"] == [
        "abandoned"
    ]
    assert [one.size for one in heard.of(LedgerInfo)][:2] == [1, 0]
    assert all((one.oldest is None) == (one.size == 0) for one in heard.of(LedgerInfo))
    assert metrics.replacements == {replaced.reason: 1}
    assert metrics.exchanges["publish"]["abandoned"] == 1


async def test_what_cannot_be_closed_is_told_as_a_leak(caplog):
    heard = Heard()
    async with scene(settings={"hooks": heard.hooks}) as stage:
        ann, _ = await stage.meet("ann", "bob")
        stage.faults.answer_with("close_tracks", 500, nth=None)
        await ann.leave()
        await stage.rest(300)
        now = stage.rooms.metrics()
        assert (now.debts, now.oldest_debt, now.leaks) == (1, pytest.approx(300, abs=1), 0)
        await stage.rest(400)
        stage.faults.clear()
        metrics = stage.rooms.metrics()
    assert sum(one.leaked for one in heard.of(LedgerInfo)) == metrics.leaks == 1
    assert (metrics.debts, metrics.oldest_debt) == (0, None)
    assert "could not be closed in time" in caplog.text


async def test_rooms_say_when_they_open_and_close_and_how_many_are_in_them():
    heard = Heard()
    async with hosting(hooks=heard.hooks) as (rooms, _):
        async with viewer(rooms, "ann"), viewer(rooms, "bob") as (_, says):
            await says.receive('{"type": "leave"}')
            await settle()
        rooms.close_room("hall")
        await settle()
    assert heard.of(RoomInfo) == [
        RoomInfo("hall", "opened", 1),
        RoomInfo("hall", "participants", 2),
        RoomInfo("hall", "participants", 1),
        RoomInfo("hall", "closed", 0),
    ]


async def test_a_client_that_reads_too_slowly_is_told():
    heard = Heard()
    async with hosting(hooks=heard.hooks) as (rooms, _), viewer(rooms, "ann"):
        (outbox,) = rooms._open["hall"]._outboxes.values()
        outbox._capacity = 5
        for number in range(10):
            rooms.say("hall", text=str(number))
        await settle()
        metrics = rooms.metrics()
    (one,) = heard.of(BacklogInfo)
    assert (one.room, one.identity, one.dropped) == ("hall", "ann", 6)
    assert one.participant is not None
    assert metrics.overflows == 1


async def test_a_hook_that_blocks_or_raises_disturbs_nobody(caplog):
    go_on = threading.Event()

    def block(_: object) -> None:
        go_on.wait(10)
        raise ZeroDivisionError

    async with hosting(hooks=RoomHooks(call=block, room=block)) as (rooms, _), Guests(rooms) as guests:
        ann, bob = await guests.join_at_once("ann", "bob")
        await ann.wait_until(lambda: bool(ann.others) and not ann.missing() and not bob.missing())
        go_on.set()
    assert "a hook failed on CallInfo" in caplog.text


async def test_metrics_count_what_is_and_what_was():
    async with scene() as stage:
        ann, _ = await stage.meet("ann", "bob")
        now = stage.rooms.metrics()
        assert (now.rooms, now.participants, now.sessions) == (1, 2, 2)
        assert (now.publications, now.subscriptions) == (4, 4)
        assert (now.calls_under_way, now.messages_waiting, now.debts, now.oldest_debt) == (0, 0, 0, None)
        assert {name: dict(by) for name, by in now.calls.items()} == {
            "new_session": {"succeeded": 2},
            "publish": {"succeeded": 2},
            "subscribe": {"succeeded": 2},
            "renegotiate": {"succeeded": 2},
        }
        assert now.exchanges == {"publish": {"finished": 2}, "subscribe": {"finished": 2}}
        assert (now.retries, now.failed_items, now.replacements, now.leaks, now.untold) == (0, {}, {}, 0, 0)
        await ann.leave()
        await stage.rest()
        now = stage.rooms.metrics()
        assert (now.participants, now.subscriptions, now.debts) == (1, 0, 0)
        assert now.calls["close_tracks"] == {"succeeded": 1}


def test_rooms_that_were_never_used_have_metrics():
    assert Rooms(nowhere()).metrics().rooms == 0


def test_codes_take_bounded_memory():
    totals = Totals()
    for number in range(10 * MOST_CODES):
        totals.item_failed(f"code {number}", 2)
    totals.item_failed("code 0", 1)
    assert len(totals.failed_items) == MOST_CODES + 1
    assert totals.failed_items["code 0"] == 3
    assert totals.failed_items["others"] == 2 * 9 * MOST_CODES


def test_a_close_that_closed_half_is_partial():
    half = Succeeded(CloseResult((CloseItem("0"), CloseItem("1", ItemError("internal_error")))))
    assert result_of(half) == "partial"
