"""Every store of the package keeps the contract, by the kit that hosts run on theirs."""

from __future__ import annotations

import pytest

from cfrealtime_rooms.store import MemoryStore, Saved
from cfrealtime_rooms.testing.stores import STORE_RULES, StoreTrial


@pytest.mark.looptime
@pytest.mark.parametrize("rule", STORE_RULES, ids=str)
async def test_memory(rule):
    await rule.check(StoreTrial(MemoryStore()))


async def test_a_store_in_memory_goes_by_the_clock_it_is_given():
    now = 1000.0
    store = MemoryStore(lambda: now)
    lease = await store.acquire("hall", "one", 60)
    assert lease.expires_at == 1060
    assert await store.acquire("hall", "two", 60) is None
    now = 1060.0
    assert await store.acquire("hall", "two", 60) is not None


def test_a_saved_document_is_not_shown():
    assert "token" not in repr(Saved(1, b"token"))
