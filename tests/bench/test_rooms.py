"""The bench of the rooms, small: every question is answered, and what can be counted is right."""

from __future__ import annotations

import pytest

from cfrealtime_rooms.core.policy import everyone
from tests.bench.rooms import core, whole
from tests.bench.rooms.hall import Hall, newest, on_stage

JOIN, PUBLISH, MUTE, LEAVE = core.EVENTS


def test_a_room_as_values_is_at_rest_once_it_is_made():
    for hall in (Hall(5, 5, everyone), Hall(12, 12, newest), Hall(8, 2, everyone, on_stage)):
        hall.look()
        assert (hall.calls, hall.messages) == (0, 0)


def test_a_mesh_is_reconciled_with_two_calls_for_each_batch():
    hall = Hall(40, 40, everyone, received=False)
    hall.look()
    assert hall.calls == 40 * 2 * 2  # 78 tracks are two batches
    assert all(len(one.lane.subscriptions) == 78 for one in hall.room.participants.values())


@pytest.mark.parametrize("shape", core.SHAPES, ids=lambda shape: shape.name)
def test_an_event_asks_those_it_touches_so_often_that_it_is_bounded(shape):
    size = 12
    hall = shape.hall(size, counted=True)
    bounds = {JOIN: 3, PUBLISH: 4, MUTE: 0, LEAVE: 2}
    for event, times in bounds.items():
        hall.forget()
        getattr(hall, event)("newcomer")
        assert hall.policies <= times * (size + 1) + 8, event
        assert hall.visibles <= 2 * 2 * size + 2 * size, event


def test_the_tables_hold_what_was_asked():
    (reconciled,) = core.reconcile(4, 1)
    assert "24 subscriptions" in reconciled.title
    tables = core.events([4], 1)
    assert [table.title for table in tables] == [f"One {event}" for event in core.EVENTS]
    assert all(len(table.lines) == len(core.SHAPES) for table in tables)


async def test_small_rooms_fill_and_calls_are_compared_with_plain_ones():
    (filled,) = await whole.many(2, 3)
    assert all(line.figure > 0 for line in filled.lines)
    (compared,) = await whole.calls(1)
    assert compared.lines[0].ratio == 1.0
    assert len(compared.lines) == 3


async def test_memory_is_counted_while_nothing_happens(monkeypatch):
    monkeypatch.setattr(whole, "REST", 0.2)
    (held,) = await whole.memory(6)
    participant, subscription = (line.figure for line in held.lines)
    assert 1 < participant < 200
    assert subscription < participant
