"""What every store must keep about intents and states: all of it, for whoever owns the room next."""

from __future__ import annotations

import asyncio
from typing import Final

from cfrealtime_rooms.store import Intent, Lease, LeaseLostError, Saved, StoreError
from cfrealtime_rooms.testing.rules import RuleBrokenError, Rules, expect
from cfrealtime_rooms.testing.store_trial import StoreTrial

WRITE_RULES: Final = Rules[StoreTrial]()

ODD: Final = (
    "Hall",
    "hall ",
    "a",
    "a/b",
    "a:b",
    "a'b",
    'a"b',
    "a%b",
    "a_b",
    "axb",
    "a*b",
    "a?b",
    "a[b]",
    "a{b}",
    "a\\b",
    "a\nb",
    "../hall",
    "; drop table rooms",
    "ha\N{COMBINING DIAERESIS}ll",
    "h\N{LATIN SMALL LETTER A WITH DIAERESIS}ll",
    "\N{GRINNING FACE}",
    "\N{ARABIC LETTER ALEF}",
    "h" * 200,
)
"""Names that a store may take for something else, or for each other. Hosts choose ids of rooms freely."""


@WRITE_RULES.rule
async def intents_stay_open_until_they_are_ended(trial: StoreTrial) -> None:
    """Open intents are told oldest first; ending unknown ones, or none, does not matter."""
    lease = await trial.take(trial.one)
    for name in ("c", "a", "b"):
        await trial.one.begin(lease, Intent(name, None, "NewSession"))
    await trial.one.end(lease, ["a", "unknown"])
    await trial.one.end(lease, [])
    left = [intent.id for intent in await trial.two.open_intents(lease)]
    expect(left == ["c", "b"], f"of c, a, b all but a are open, and the store tells {left}")


@WRITE_RULES.rule
async def an_intent_outlives_its_owner_from_the_moment_it_is_begun(trial: StoreTrial) -> None:
    """Once `begin` has returned, a crash loses nothing: the next owner finds the intent."""
    old = await trial.take(trial.one, "one")
    begun = (Intent("1", None, "NewSession"), Intent("2", "s", "Publish"))
    for intent in begun:
        await trial.one.begin(old, intent)
    await trial.outlast()
    new = await trial.take(trial.two, "two")
    found = await trial.two.open_intents(new)
    expect(found == begun, f"the next owner finds {found}")
    expect(await trial.two.load(new) is None, "a state is there that nobody saved")


@WRITE_RULES.rule
async def the_next_owner_finds_the_last_state_and_goes_on_from_it(trial: StoreTrial) -> None:
    """States and intents are the room's, not its owner's: the next one reads, ends and saves over them."""
    old = await trial.take(trial.one, "one")
    await trial.one.begin(old, Intent("1", "s", "Publish"))
    await trial.one.save(old, Saved(4, b"one's"))
    await trial.outlast()
    new = await trial.take(trial.two, "two")
    expect(await trial.two.load(new) == Saved(4, b"one's"), "the next owner does not find the last state")
    await trial.two.save(new, Saved(5, b"two's"))
    await trial.two.end(new, ["1"])
    expect(await trial.one.load(new) == Saved(5, b"two's"), "what the next owner saved is not there")
    expect(await trial.one.open_intents(new) == (), "the next owner could not end an intent")


@WRITE_RULES.rule
async def nothing_is_saved_at_first(trial: StoreTrial) -> None:
    """A new room has no state and no intents."""
    lease = await trial.take(trial.one)
    expect(await trial.one.load(lease) is None, "a new room has a state")
    expect(await trial.one.open_intents(lease) == (), "a new room has intents")


@WRITE_RULES.rule
async def a_save_must_be_newer_than_the_last(trial: StoreTrial) -> None:
    """A revision that is not above the stored one is a StoreError, and no lost lease."""
    lease = await trial.take(trial.one)
    await trial.one.save(lease, Saved(9, b"nine"))
    for revision in (8, 9):
        try:
            await trial.one.save(lease, Saved(revision, b"older"))
        except LeaseLostError:
            expect(holds=False, otherwise="a save that is not newer is taken for a lost lease")
        except StoreError:
            continue
        expect(holds=False, otherwise=f"revision {revision} was saved over revision 9")
    expect(await trial.two.load(lease) == Saved(9, b"nine"), "a refused save left something")
    await trial.one.save(lease, Saved(10, b"ten"))  # a number, not its digits
    expect(await trial.two.load(lease) == Saved(10, b"ten"), "revision 10 is not taken for newer than 9")


@WRITE_RULES.rule
async def a_document_comes_back_byte_for_byte(trial: StoreTrial) -> None:
    """Documents are bytes: of every value, of none, and megabytes of them."""
    lease = await trial.take(trial.one)
    for revision, document in enumerate((bytes(range(256)), b"", b"room" * 1_000_000), 1):
        await trial.one.save(lease, Saved(revision, document))
        loaded = await trial.two.load(lease)
        same = loaded is not None and loaded.document == document
        expect(same, f"a document of {len(document)} bytes comes back as another")


@WRITE_RULES.rule
async def rooms_are_kept_apart_whatever_they_are_called(trial: StoreTrial) -> None:
    """Ids are opaque: no two are the same, and none means something to the store."""
    rooms = ["hall", *ODD]
    leases = {room: await trial.take(trial.one, "one", room) for room in rooms}
    for room, lease in leases.items():
        await trial.one.begin(lease, Intent("1", room, "Publish"))
        await trial.one.save(lease, Saved(1, room.encode()))
    for room, lease in leases.items():
        saved, intents = await trial.two.load(lease), await trial.two.open_intents(lease)
        expect(saved == Saved(1, room.encode()), f"the state of {room!a} is {saved and saved.document!r}")
        expect(intents == (Intent("1", room, "Publish"),), f"the intents of {room!a} are {intents!a}")
    await trial.one.forget(leases["a*b"])
    expect(await trial.two.load(leases["axb"]) is not None, "forgetting a*b forgets axb")


@WRITE_RULES.rule
async def ids_of_intents_are_opaque(trial: StoreTrial) -> None:
    """Whatever an intent and its session are called, that is what is found and ended."""
    lease = await trial.take(trial.one)
    begun = [Intent(name, name, "Publish") for name in ODD]
    for intent in begun:
        await trial.one.begin(lease, intent)
    found = list(await trial.two.open_intents(lease))
    expect(found == begun, f"{[i.id for i in begun if i not in found]!a} do not come back as they were")
    await trial.one.end(lease, [ODD[0], "%", "*"])
    left = [intent.id for intent in await trial.two.open_intents(lease)]
    expect(left == list(ODD[1:]), "ending one intent ended others")


@WRITE_RULES.rule
async def many_intents_begun_at_once_are_all_kept(trial: StoreTrial) -> None:
    """A room makes many calls at once, and ends thousands of intents with one write."""
    lease = await trial.take(trial.one)
    names = [f"{n}" for n in range(200)]
    await asyncio.gather(*(trial.one.begin(lease, Intent(name, "s", "Subscribe")) for name in names))
    found = {intent.id for intent in await trial.two.open_intents(lease)}
    expect(found == set(names), f"of {len(names)} intents begun at once {len(found)} are open")
    await trial.one.end(lease, [*names[1:], *(f"unknown {n}" for n in range(5000))])
    left = [intent.id for intent in await trial.two.open_intents(lease)]
    expect(left == ["0"], f"all but one were ended at once, and {len(left)} are open")


@WRITE_RULES.rule
async def a_write_that_races_with_a_takeover_is_there_or_was_refused(trial: StoreTrial) -> None:
    """The token is compared in the same step that writes: nothing lands after another has taken the room."""
    for n in range(24):
        old = await trial.take(trial.one, room=f"{n}")
        written, there = await asyncio.gather(_begun(trial, old, n), _found(trial, f"{n}", 8))
        expect(there == written, f"begin says {written}, and the next owner finds the intent: {there}")


async def _begun(trial: StoreTrial, lease: Lease, turns: int) -> bool:
    await _yield(turns)
    try:
        await trial.one.begin(lease, Intent("racing", "s", "Publish"))
    except LeaseLostError:
        return False
    return True


async def _found(trial: StoreTrial, room: str, turns: int) -> bool:
    """Take the room, as its owner may at any time, and look at once, as the next owner does."""
    await _yield(turns)
    lease = await trial.take(trial.two, room=room)
    return bool(await trial.two.open_intents(lease))


async def _yield(turns: int) -> None:
    for _ in range(turns):
        await asyncio.sleep(0)


@WRITE_RULES.rule
async def a_call_that_is_cancelled_leaves_the_store_whole(trial: StoreTrial) -> None:
    """Rooms stop waiting for a slow store: what was asked landed or did not, and the next is answered."""
    lease = await trial.take(trial.one)
    for n in range(12):
        await trial.one.save(lease, Saved(3 * n + 1, b"before"))
        asked = [
            asyncio.ensure_future(trial.one.save(lease, Saved(3 * n + 2, b"cancelled"))),
            asyncio.ensure_future(trial.one.begin(lease, Intent(f"{n}", "s", "Publish"))),
            asyncio.ensure_future(trial.one.renew(lease, trial.lease)),
        ]
        await _yield(n)
        for one in asked:
            one.cancel()
        await asyncio.wait(asked)
        try:
            async with asyncio.timeout(5):
                left = await trial.two.load(lease)
                await trial.one.save(lease, Saved(3 * n + 3, b"after"))
                saved = await trial.two.load(lease)
        except TimeoutError:
            raise RuleBrokenError("after a call that was cancelled the store answers no more") from None
        whole = (Saved(3 * n + 1, b"before"), Saved(3 * n + 2, b"cancelled"))
        expect(left in whole, f"a save that was cancelled left {left and left.document!r}")
        expect(saved == Saved(3 * n + 3, b"after"), f"after a call that was cancelled the state is {saved}")
    known = {f"{n}" for n in range(12)}
    expect({i.id for i in await trial.two.open_intents(lease)} <= known, "intents that nobody began")
