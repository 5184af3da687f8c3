"""What every store must do: the same tests over each implementation."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from cfrealtime_rooms.store import Intent, Lease, LeaseLostError, MemoryStore, RoomStore, Saved, StoreError


class Time:
    """A clock that the test moves."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


# A store is made with a clock; add one here and it is held to all of this.
STORES: dict[str, Callable[[Time], RoomStore]] = {"memory": MemoryStore}


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture(params=STORES)
def store(request: pytest.FixtureRequest, time: Time) -> RoomStore:
    return STORES[request.param](time)


async def taken(store: RoomStore, owner: str = "one", room: str = "hall") -> Lease:
    lease = await store.acquire(room, owner, 60)
    assert lease is not None
    return lease


async def test_a_lease_names_its_room_its_owner_and_its_end(store, time):
    lease = await taken(store)
    assert (lease.room_id, lease.owner, lease.expires_at) == ("hall", "one", time.now + 60)


async def test_a_room_has_one_owner(store):
    await taken(store, "one")
    assert await store.acquire("hall", "two", 60) is None


async def test_rooms_are_owned_apart(store):
    await taken(store, "one", "hall")
    assert await store.acquire("attic", "two", 60) is not None


async def test_who_owns_a_room_may_take_it_again_under_a_higher_token(store):
    first = await taken(store)
    again = await taken(store)
    assert again.token > first.token
    with pytest.raises(LeaseLostError):
        await store.renew(first, 60)


async def test_a_lease_that_ran_out_can_be_taken_by_another(store, time):
    first = await taken(store, "one")
    time.now += 60
    second = await taken(store, "two")
    assert second.token > first.token


async def test_renewing_keeps_the_token_and_moves_the_end(store, time):
    lease = await taken(store)
    time.now += 40
    renewed = await store.renew(lease, 60)
    assert (renewed.token, renewed.expires_at) == (lease.token, time.now + 60)
    time.now += 40
    assert await store.acquire("hall", "two", 60) is None


async def test_a_lease_that_ran_out_is_good_until_another_takes_the_room(store, time):
    lease = await taken(store)
    time.now += 1000
    await store.begin(lease, Intent("a", "s", "Subscribe"))
    await store.renew(lease, 60)
    assert await store.acquire("hall", "two", 60) is None


WRITES: dict[str, Callable[[RoomStore, Lease], object]] = {
    "renew": lambda store, lease: store.renew(lease, 60),
    "release": lambda store, lease: store.release(lease),
    "forget": lambda store, lease: store.forget(lease),
    "begin": lambda store, lease: store.begin(lease, Intent("b", "s", "Close")),
    "end": lambda store, lease: store.end(lease, ["a"]),
    "open_intents": lambda store, lease: store.open_intents(lease),
    "save": lambda store, lease: store.save(lease, Saved(9, b"new")),
    "load": lambda store, lease: store.load(lease),
}


@pytest.mark.parametrize("write", WRITES)
async def test_an_earlier_owner_is_refused_everywhere_and_changes_nothing(store, time, write):
    old = await taken(store, "one")
    await store.begin(old, Intent("a", "s", "Publish"))
    await store.save(old, Saved(1, b"state"))
    time.now += 60
    new = await taken(store, "two")

    with pytest.raises(LeaseLostError, match="hall"):
        await WRITES[write](store, old)

    assert await store.open_intents(new) == (Intent("a", "s", "Publish"),)
    assert await store.load(new) == Saved(1, b"state")
    assert await store.acquire("hall", "three", 60) is None


async def test_a_released_room_is_free_at_once_with_all_that_was_written(store):
    lease = await taken(store, "one")
    await store.begin(lease, Intent("a", "s", "Publish"))
    await store.save(lease, Saved(3, b"state"))
    await store.release(lease)

    with pytest.raises(LeaseLostError):
        await store.save(lease, Saved(4, b"late"))
    lease = await taken(store, "two")
    assert await store.open_intents(lease) == (Intent("a", "s", "Publish"),)
    assert await store.load(lease) == Saved(3, b"state")


async def test_a_forgotten_room_is_free_at_once_and_empty(store):
    lease = await taken(store, "one")
    await store.begin(lease, Intent("a", "s", "Publish"))
    await store.save(lease, Saved(3, b"state"))
    await store.forget(lease)

    with pytest.raises(LeaseLostError):
        await store.begin(lease, Intent("b", "s", "Close"))
    lease = await taken(store, "two")
    assert await store.open_intents(lease) == ()
    assert await store.load(lease) is None
    await store.save(lease, Saved(1, b"fresh"))


async def test_tokens_rise_even_after_a_room_was_forgotten(store):
    first = await taken(store)
    await store.forget(first)
    assert (await taken(store)).token > first.token


async def test_intents_stay_open_until_they_are_ended(store):
    lease = await taken(store)
    for name in ("c", "a", "b"):
        await store.begin(lease, Intent(name, None, "NewSession"))
    await store.end(lease, ["a", "unknown"])
    assert [intent.id for intent in await store.open_intents(lease)] == ["c", "b"]


async def test_a_save_must_be_newer_than_the_last(store):
    lease = await taken(store)
    await store.save(lease, Saved(2, b"two"))
    for revision in (1, 2):
        with pytest.raises(StoreError, match="revision"):
            await store.save(lease, Saved(revision, b"older"))
    assert await store.load(lease) == Saved(2, b"two")


async def test_nothing_is_saved_at_first(store):
    assert await store.load(await taken(store)) is None


def test_a_saved_document_is_not_shown():
    assert "token" not in repr(Saved(1, b"token"))
