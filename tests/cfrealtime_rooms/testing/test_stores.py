"""Each check of the kit for stores finds the store that breaks its rule."""

from __future__ import annotations

import pytest

from cfrealtime_rooms.store import StoreError
from cfrealtime_rooms.testing.rules import RuleBrokenError
from cfrealtime_rooms.testing.stores import STORE_RULES, StoreTrial
from tests.cfrealtime_rooms.testing.broken_stores import BROKEN

CASES = [
    pytest.param(rule, store, id=f"{rule}-{store.__name__}")
    for rule in STORE_RULES
    for store in BROKEN[str(rule)]
]


def test_every_rule_has_a_store_that_breaks_it():
    assert [str(rule) for rule in STORE_RULES if not BROKEN[str(rule)]] == []
    assert set(BROKEN) == {str(rule) for rule in STORE_RULES}


@pytest.mark.looptime
@pytest.mark.parametrize(("rule", "store"), CASES)
async def test_a_broken_store_is_found(rule, store):
    with pytest.raises((RuleBrokenError, StoreError, KeyError)) as caught:
        await rule.check(StoreTrial(store()))
    said = str(caught.value) + "".join(getattr(caught.value, "__notes__", ()))
    assert f"The rule: {rule.says}" in said


def test_a_rule_says_what_it_is():
    for rule in STORE_RULES:
        assert rule.says.endswith("."), rule
