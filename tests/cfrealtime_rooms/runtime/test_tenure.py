"""Lease, intents and saves of one room, over stores that are good, slow, broken or another's."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from cfrealtime_rooms.core.calls import Close, NewSession, Subscribe
from cfrealtime_rooms.core.inputs import AdoptDebt
from cfrealtime_rooms.core.state import Debt, Operation, Room
from cfrealtime_rooms.runtime.tenure import Tenure
from cfrealtime_rooms.store import Intent, Lease, MemoryStore, Saved, StoreError
from cfrealtime_rooms.store.codec import dump, load

pytestmark = pytest.mark.looptime

CLOSE = Operation(1, Close("s1", ("0",)))


class Store(MemoryStore):
    """A store in which everything, or some methods, can raise or stall."""

    def __init__(self) -> None:
        super().__init__()
        self.fault: dict[str, BaseException | None] = {}
        """By method; None stalls for ever."""
        self.saves: list[int] = []

    async def _fail(self, method: str) -> None:
        if method in self.fault:
            error = self.fault[method]
            if error is None:
                await asyncio.Event().wait()
            else:
                raise error

    async def acquire(self, *given: Any) -> Lease | None:
        await self._fail("acquire")
        return await super().acquire(*given)

    async def renew(self, *given: Any) -> Lease:
        await self._fail("renew")
        return await super().renew(*given)

    async def begin(self, *given: Any) -> None:
        await self._fail("begin")
        await super().begin(*given)

    async def end(self, *given: Any) -> None:
        await self._fail("end")
        await super().end(*given)

    async def save(self, lease: Lease, saved: Saved) -> None:
        self.saves.append(saved.revision)
        await super().save(lease, saved)
        await self._fail("save")  # after it has landed: the answer is lost


class Owner:
    """A tenure with what it was told, and its keeper."""

    def __init__(self, store: MemoryStore, name: str = "one") -> None:
        self.losses = 0
        self.room = Room("hall")
        self.tenure = Tenure(store, self.room, name, self._lost)
        self.keeper: asyncio.Task[None] | None = None

    def _lost(self) -> None:
        self.losses += 1

    async def begin(self) -> list[AdoptDebt]:
        debts = await self.tenure.take()
        self.keeper = asyncio.create_task(self.tenure.keep())
        return debts

    async def __aenter__(self) -> Owner:
        await self.begin()
        return self

    async def __aexit__(self, *_: object) -> None:
        self.keeper.cancel()
        await asyncio.wait({self.keeper})


async def left(store: MemoryStore, owner: str = "next") -> tuple[Saved | None, list[str]]:
    """What the next owner would find."""
    lease = await store.acquire("hall", owner, 60)
    assert lease is not None
    return await store.load(lease), [intent.call for intent in await store.open_intents(lease)]


async def test_no_call_before_its_intent_is_written():
    store = Store()
    async with Owner(store) as owner:
        assert await owner.tenure.may_call(CLOSE, 20)
        await owner.tenure.end(settled=False)
    assert (await left(store))[1] == ["Close"]


async def test_a_call_waits_until_the_room_is_owned():
    owner = Owner(Store())
    asking = asyncio.create_task(owner.tenure.may_call(CLOSE, 20))
    await asyncio.sleep(1)
    assert not asking.done()
    await owner.tenure.take()
    assert await asking


async def test_a_call_that_may_outlive_the_lease_is_no_call():
    owner = Owner(Store())
    await owner.tenure.take()
    await asyncio.sleep(41)
    assert not await owner.tenure.may_call(CLOSE, 20)


async def test_the_lease_is_renewed_for_as_long_as_the_room_is_kept():
    async with Owner(Store()) as owner:
        for _ in range(10):
            await asyncio.sleep(37)
            assert await owner.tenure.may_call(CLOSE, 20)


@pytest.mark.parametrize("fault", [StoreError("down"), ConnectionError("s3cr3t"), None])
async def test_a_store_that_refuses_or_stalls_allows_no_call_and_costs_nothing_else(fault, caplog):
    store = Store()
    async with Owner(store) as owner:
        store.fault["begin"] = fault
        assert not await owner.tenure.may_call(CLOSE, 20)
        store.fault.clear()
        assert await owner.tenure.may_call(CLOSE, 20)
        assert owner.losses == 0
    assert "the store refused a write" in caplog.text
    assert "s3cr3t" not in caplog.text


@pytest.mark.parametrize("fault", [StoreError("down"), ConnectionError(), None])
async def test_a_store_that_is_down_for_a_while_costs_no_room(fault):
    store = Store()
    async with Owner(store) as owner:
        store.fault = {"renew": fault, "save": fault}
        owner.tenure.changed()
        await asyncio.sleep(100)
        assert not await owner.tenure.may_call(CLOSE, 20)
        store.fault.clear()
        await asyncio.sleep(20)
        assert await owner.tenure.may_call(CLOSE, 20)
        assert owner.losses == 0


@pytest.mark.parametrize("fault", [StoreError("down"), ConnectionError(), None])
async def test_a_room_that_cannot_be_taken_is_a_store_error_and_makes_no_call(fault):
    store = Store()
    store.fault["acquire"] = fault
    owner = Owner(store)
    with pytest.raises(StoreError):
        await owner.begin()
    assert not await owner.tenure.may_call(CLOSE, 20)
    await owner.tenure.end(settled=True)


async def test_a_room_of_another_process_is_not_taken():
    store = Store()
    async with Owner(store, "one"):
        with pytest.raises(StoreError, match="another process"):
            await Owner(store, "two").begin()


async def test_a_lost_lease_is_told_once_and_nothing_is_written_any_more():
    store = Store()
    async with Owner(store) as owner:
        await store.acquire("hall", "one", 60)  # the same owner's newer lease fences this one out
        assert not await owner.tenure.may_call(CLOSE, 20)
        assert not await owner.tenure.may_call(CLOSE, 20)
        owner.tenure.changed()
        await asyncio.sleep(30)
        assert owner.losses == 1
        assert owner.keeper.done()
        await owner.tenure.end(settled=False)
    assert store.saves == []


async def test_a_lease_lost_while_nothing_happens_is_noticed():
    store = Store()
    async with Owner(store) as owner:
        await store.acquire("hall", "one", 60)
        await asyncio.sleep(30)
        assert owner.losses == 1


async def test_a_changed_room_is_saved_now_and_then_and_a_quiet_one_is_not():
    store = Store()
    async with Owner(store) as owner:
        for _ in range(40):
            owner.tenure.changed()
            await asyncio.sleep(0.2)
        assert store.saves == [1]
        await asyncio.sleep(60)
        assert store.saves == [1, 2]


async def test_intents_end_with_the_save_that_holds_their_outcome():
    store = Store()
    async with Owner(store) as owner:
        ended, still_open = Operation(1, NewSession()), Operation(2, Subscribe("s1", ()))
        for operation in (ended, still_open):
            await owner.tenure.may_call(operation, 20)
        owner.tenure.called(ended)
        owner.tenure.changed()
        await asyncio.sleep(6)
        await owner.tenure.end(settled=False)
    assert (await left(store))[1] == ["Subscribe"]


@pytest.mark.parametrize("method", ["save", "end"])
@pytest.mark.parametrize("fault", [StoreError("down"), None])
async def test_a_save_whose_answer_was_lost_is_made_again(method, fault):
    store = Store()
    async with Owner(store) as owner:
        await owner.tenure.may_call(CLOSE, 20)
        owner.tenure.called(CLOSE)
        owner.tenure.changed()
        store.fault = {method: fault}
        await asyncio.sleep(12)
        store.fault.clear()
        await asyncio.sleep(12)
        await owner.tenure.end(settled=False)
    saved, intents = await left(store)
    assert saved.revision == store.saves[-1] == len(store.saves)
    assert intents == []


async def test_a_settled_room_is_forgotten():
    store = Store()
    async with Owner(store) as owner:
        await owner.tenure.may_call(CLOSE, 20)
        await owner.tenure.end(settled=True)
    assert await left(store) == (None, [])


async def test_what_is_owed_at_the_end_is_kept_for_the_next_owner_who_may_begin_at_once():
    store = Store()
    async with Owner(store) as owner:
        owner.room.debts["s9"] = Debt("s9", {"0"}, since=0.0)
        await owner.tenure.may_call(CLOSE, 20)
        await owner.tenure.end(settled=False)
    async with Owner(store, "two") as second:
        assert await second.tenure.may_call(CLOSE, 20)
    saved, _ = await left(store, "two")
    assert load(saved.document).debts.keys() == {"s9"}


async def test_the_next_owner_inherits_debts_and_uncertain_calls_and_puts_intents_away():
    store = Store()
    async with Owner(store) as owner:
        owner.room.debts["s9"] = Debt("s9", {"0"}, since=0.0)
        await owner.tenure.may_call(CLOSE, 20)
        await owner.tenure.end(settled=False)

    second = Owner(store, "two")
    debts = await second.begin()
    assert debts == [AdoptDebt("s1", None), AdoptDebt("s9", ("0",))]
    await second.tenure.may_call(CLOSE, 20)  # the same number as the first owner's
    await asyncio.sleep(6)
    second.keeper.cancel()
    await second.tenure.end(settled=False)
    assert (await left(store))[1] == ["Close"]


@pytest.mark.parametrize("document", [b"garbage", dump(Room("hall")).replace(b'"2.0"', b'"9.0"')])
async def test_a_document_nobody_can_read_is_told_and_does_not_close_the_room(document, caplog):
    store = Store()
    lease = await store.acquire("hall", "old", 60)
    await store.save(lease, Saved(41, document))
    await store.begin(lease, Intent("x", "s1", "Publish"))
    await store.release(lease)

    async with Owner(store) as owner:
        assert await owner.tenure.may_call(CLOSE, 20)
        owner.tenure.changed()
        await asyncio.sleep(6)
    assert store.saves == [41, 42]
    assert "what its last owner saved is lost" in caplog.text
