"""The same person in two tabs, and more people than fit, on the emulator."""

from __future__ import annotations

import asyncio

import pytest

from cfrealtime_rooms.testing import RefusedError
from tests.cfrealtime_rooms.scenarios.scene import API, ROUND_TRIP, scene

pytestmark = pytest.mark.looptime


def slow(emulator):
    emulator.faults.delay = API


@pytest.mark.parametrize(("duplicates", "kept"), [("replace", 1), ("reject", 1), ("allow", 2)])
async def test_the_same_person_in_two_tabs_under_each_policy(duplicates, kept):
    settings = {"duplicates": duplicates}
    async with scene(settings=settings, setup=slow, latency=ROUND_TRIP / 2) as stage:
        bob = await stage.join("bob")
        older, newer = await stage.arrive("ann"), await stage.arrive("ann")
        await older.join()
        refused = await asyncio.gather(newer.join(), return_exceptions=True)  # while the older one negotiates
        await stage.rest(20)
        assert [type(one) for one in refused if one] == ([RefusedError] if duplicates == "reject" else [])
        assert older.closed == ("replaced" if duplicates == "replace" else None)
        assert sum(p["identity"] == "ann" for p in stage.room()["participants"]) == kept
        here = {"replace": [newer], "reject": [older], "allow": [older, newer]}[duplicates]
        stage.check(bob, *here)


async def test_one_more_than_fit_at_once_costs_no_call_for_the_one():
    async with scene(settings={"max_participants": 4}, setup=slow, latency=ROUND_TRIP / 2) as stage:
        guests = [await stage.arrive(f"p{n}") for n in range(5)]
        joins = await asyncio.gather(*(guest.join() for guest in guests), return_exceptions=True)
        await stage.rest(20)
        (refused,) = [one for one in joins if one is not None]
        assert "room_full: The room takes 4 participants" in str(refused)
        stage.check(*(guest for guest in guests if guest.joined))
        assert stage.emulator.count() == 4 * 4
