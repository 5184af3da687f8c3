"""What every store must keep about leases: one owner, and nobody of the past."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from cfrealtime_rooms.store import Intent, Lease, RoomStore, Saved
from cfrealtime_rooms.testing.rules import Rules, expect
from cfrealtime_rooms.testing.store_trial import StoreTrial, refused

LEASE_RULES: Final = Rules[StoreTrial]()

LATE: Final[dict[str, Callable[[RoomStore, Lease], Awaitable[object]]]] = {
    "renew": lambda store, lease: store.renew(lease, 60),
    "begin": lambda store, lease: store.begin(lease, Intent("late", "s", "Close")),
    "end": lambda store, lease: store.end(lease, ["a"]),
    "open_intents": lambda store, lease: store.open_intents(lease),
    "save": lambda store, lease: store.save(lease, Saved(9, b"late")),
    "load": lambda store, lease: store.load(lease),
    "release": lambda store, lease: store.release(lease),
    "forget": lambda store, lease: store.forget(lease),
}
"""Everything that a holder of a lease can ask for."""


@LEASE_RULES.rule
async def a_lease_names_its_room_its_owner_and_its_end(trial: StoreTrial) -> None:
    """A lease says whose it is, of what, and until when on the event loop's clock."""
    loop = asyncio.get_running_loop()
    before = loop.time()
    lease = await trial.take(trial.one)
    after = loop.time()
    expect((lease.room_id, lease.owner) == (trial.room(), "one"), f"the lease of hall for one is {lease}")
    ends = before + trial.lease <= lease.expires_at <= after + trial.lease
    expect(ends, f"asked at {before} for {trial.lease} s, the lease ends at {lease.expires_at}")


@LEASE_RULES.rule
async def a_room_has_one_owner(trial: StoreTrial) -> None:
    """While one owner holds a room, another gets None."""
    await trial.take(trial.one)
    expect(await trial.held(), "two owners hold one room")
    await trial.pass_time(trial.lease * 0.5)
    expect(await trial.held(), "a room is given away before its lease has run out")


@LEASE_RULES.rule
async def of_many_who_ask_at_once_one_gets_the_room(trial: StoreTrial) -> None:
    """Asking for a room and getting it is one step."""
    stores = [trial.one, trial.two] * 6
    leases = await asyncio.gather(
        *(store.acquire(trial.room(), f"owner {n}", trial.lease) for n, store in enumerate(stores))
    )
    got = sum(lease is not None for lease in leases)
    expect(got == 1, f"{got} of {len(stores)} owners who asked at once got the room")


@LEASE_RULES.rule
async def rooms_are_owned_apart(trial: StoreTrial) -> None:
    """Who holds one room holds no other."""
    await trial.take(trial.one, "one", "hall")
    await trial.take(trial.two, "two", "attic")


@LEASE_RULES.rule
async def its_owner_may_take_a_room_again(trial: StoreTrial) -> None:
    """The same owner gets a new lease with a higher token at once, and the one before is over."""
    first = await trial.take(trial.one)
    again = await trial.take(trial.one)
    expect(again.token > first.token, f"the token went from {first.token} to {again.token}")
    await refused(trial.one.renew(first, trial.lease), "renew")
    await trial.one.renew(again, trial.lease)


@LEASE_RULES.rule
async def a_lease_that_ran_out_may_be_taken_by_another(trial: StoreTrial) -> None:
    """When its time is over, a room goes to whoever asks, under a higher token."""
    first = await trial.take(trial.one, "one")
    await trial.outlast()
    second = await trial.take(trial.two, "two")
    expect(second.token > first.token, f"the token went from {first.token} to {second.token}")


@LEASE_RULES.rule
async def a_lease_that_ran_out_is_good_until_another_takes_the_room(trial: StoreTrial) -> None:
    """The token decides, not the clock: a late owner whom nobody has followed may write and renew."""
    lease = await trial.take(trial.one)
    await trial.outlast()
    await trial.one.begin(lease, Intent("a", "s", "Subscribe"))
    await trial.one.save(lease, Saved(1, b"state"))
    await trial.one.renew(lease, trial.lease)
    expect(await trial.held(), "a lease that was renewed late does not hold")


@LEASE_RULES.rule
async def renewing_keeps_the_token_and_moves_the_end(trial: StoreTrial) -> None:
    """A renewed lease is the same lease, for as many seconds from now."""
    lease = await trial.take(trial.one)
    await trial.pass_time(trial.lease * 0.7)
    loop = asyncio.get_running_loop()
    before = loop.time()
    renewed = await trial.one.renew(lease, trial.lease)
    ends = before + trial.lease <= renewed.expires_at <= loop.time() + trial.lease
    expect(renewed.token == lease.token, f"renewing made token {lease.token} into {renewed.token}")
    expect(ends, f"renewed at {before} for {trial.lease} s, the lease ends at {renewed.expires_at}")
    await trial.pass_time(trial.lease * 0.7)
    expect(await trial.held(), "a renewed lease ran out at its first end")
    await trial.one.begin(lease, Intent("a", "s", "Close"))  # the earlier value names the same lease


async def _after_a_takeover(trial: StoreTrial, name: str) -> None:
    old = await trial.take(trial.one, "one")
    await trial.one.begin(old, Intent("a", "s", "Publish"))
    await trial.one.save(old, Saved(1, b"state"))
    await trial.outlast()
    new = await trial.take(trial.two, "two")

    await refused(LATE[name](trial.one, old), name)

    intents, saved = await trial.two.open_intents(new), await trial.two.load(new)
    expect(intents == (Intent("a", "s", "Publish"),), f"{name} of an earlier owner left intents {intents}")
    expect(saved == Saved(1, b"state"), f"{name} of an earlier owner left {saved}")
    stranger = await trial.one.acquire(trial.room(), "a stranger", trial.lease)
    expect(stranger is None, f"{name} of an earlier owner ended the lease of the next")
    await trial.two.renew(new, trial.lease)


@LEASE_RULES.rule
async def an_earlier_owner_cannot_renew(trial: StoreTrial) -> None:
    """Renewing is refused once another owner has the room."""
    await _after_a_takeover(trial, "renew")


@LEASE_RULES.rule
async def an_earlier_owner_cannot_begin_a_call(trial: StoreTrial) -> None:
    """An intent is refused once another owner has the room: there is no call."""
    await _after_a_takeover(trial, "begin")


@LEASE_RULES.rule
async def an_earlier_owner_cannot_end_an_intent(trial: StoreTrial) -> None:
    """Intents that the next owner has found stay until it ends them."""
    await _after_a_takeover(trial, "end")


@LEASE_RULES.rule
async def an_earlier_owner_cannot_save(trial: StoreTrial) -> None:
    """A state is refused once another owner has the room, however high its revision."""
    await _after_a_takeover(trial, "save")


@LEASE_RULES.rule
async def an_earlier_owner_cannot_read(trial: StoreTrial) -> None:
    """Reading is refused as well, so that whoever is over hears of it."""
    await _after_a_takeover(trial, "open_intents")
    await refused(trial.one.load(Lease(trial.room(), "one", 0, 0.0)), "load")


@LEASE_RULES.rule
async def an_earlier_owner_cannot_release(trial: StoreTrial) -> None:
    """Releasing is refused once another owner has the room."""
    await _after_a_takeover(trial, "release")


@LEASE_RULES.rule
async def an_earlier_owner_cannot_forget(trial: StoreTrial) -> None:
    """Forgetting is refused once another owner has the room."""
    await _after_a_takeover(trial, "forget")


@LEASE_RULES.rule
async def a_released_room_is_free_at_once_with_all_that_was_written(trial: StoreTrial) -> None:
    """Releasing hands a room over; its lease is over for whoever held it, too."""
    old = await trial.take(trial.one, "one")
    await trial.one.begin(old, Intent("a", "s", "Publish"))
    await trial.one.save(old, Saved(3, b"state"))
    await trial.one.release(old)
    for name, late in LATE.items():
        await refused(late(trial.one, old), f"{name} after release")

    new = await trial.take(trial.two, "two")
    expect(new.token > old.token, f"the token went from {old.token} to {new.token}")
    expect(await trial.two.open_intents(new) == (Intent("a", "s", "Publish"),), "releasing lost an intent")
    expect(await trial.two.load(new) == Saved(3, b"state"), "releasing lost the state")


@LEASE_RULES.rule
async def a_forgotten_room_is_free_at_once_and_empty(trial: StoreTrial) -> None:
    """Forgetting deletes all: the next owner begins with nothing, at any revision."""
    old = await trial.take(trial.one, "one")
    await trial.one.begin(old, Intent("a", "s", "Publish"))
    await trial.one.save(old, Saved(3, b"state"))
    await trial.one.forget(old)
    for name, late in LATE.items():
        await refused(late(trial.one, old), f"{name} after forget")

    new = await trial.take(trial.two, "two")
    expect(await trial.two.open_intents(new) == (), "an intent outlived its room")
    expect(await trial.two.load(new) is None, "a state outlived its room")
    await trial.two.save(new, Saved(1, b"fresh"))


@LEASE_RULES.rule
async def tokens_rise_even_after_a_room_was_forgotten(trial: StoreTrial) -> None:
    """What is late from before must not fit the lease of after."""
    first = await trial.take(trial.one)
    await trial.one.forget(first)
    second = await trial.take(trial.two)
    expect(second.token > first.token, f"the token went from {first.token} to {second.token}")


@LEASE_RULES.rule
async def nobody_acts_for_a_room_that_was_never_taken(trial: StoreTrial) -> None:
    """An unknown room is a lease that is over, not an error of another kind and not a new room."""
    made_up = Lease(trial.room("nowhere"), "one", 1, asyncio.get_running_loop().time() + 60)
    for name, act in LATE.items():
        await refused(act(trial.one, made_up), f"{name} for an unknown room")
    await trial.take(trial.two, "two", "nowhere")
