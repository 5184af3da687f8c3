"""The property that holds the lines together: random operations and random faults, then rest."""

from __future__ import annotations

import pytest

from tests.cfrealtime_rooms.storm.storm import episode

pytestmark = pytest.mark.looptime


@pytest.mark.parametrize("seed", range(10))
async def test_after_any_storm_everybody_has_everything_and_nothing_is_left_over(seed):
    """What each session receives equals what the policy wants, the cleanup ledger is empty, no lane is stuck.

    No track is left on the SFU after its participant left, and the number of calls is within its bound.
    """
    assert (await episode(f"ci/{seed}", 60))["calls"] > 0
