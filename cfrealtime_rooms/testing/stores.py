"""A kit for those who keep rooms in a store of their own: every rule of the contract as a check.

    @pytest.mark.parametrize("rule", STORE_RULES, ids=str)
    async def test_my_store(rule):
        async with my_store() as one, my_store() as two:
            await rule.check(StoreTrial(one, two, lease=0.5))

Leases of half a second are waited for. A store that takes a clock is quicker to try, with one that
`pass_time` moves.
"""

from __future__ import annotations

from typing import Final

from cfrealtime_rooms.testing.rules import Rule, RuleBrokenError, Rules
from cfrealtime_rooms.testing.store_leases import LEASE_RULES
from cfrealtime_rooms.testing.store_trial import StoreTrial
from cfrealtime_rooms.testing.store_writes import WRITE_RULES

STORE_RULES: Final[Rules[StoreTrial]] = Rules([*LEASE_RULES, *WRITE_RULES])

__all__ = ["STORE_RULES", "Rule", "RuleBrokenError", "StoreTrial"]
