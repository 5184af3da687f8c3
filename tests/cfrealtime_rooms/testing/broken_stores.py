"""Stores that each break one rule of the contract, under the name of the rule."""

from __future__ import annotations

import asyncio
import time
import unicodedata
from collections import defaultdict
from fnmatch import fnmatchcase

from attrs import evolve

from cfrealtime_rooms.store import LeaseLostError, MemoryStore, Saved, StoreError


def unfenced(method: str) -> type[MemoryStore]:
    """A store that asks nobody whose lease it is, in one of its methods."""

    async def late(self, lease, *arguments):
        entry = self._rooms.get(lease.room_id)
        return await getattr(MemoryStore, method)(self, entry.lease if entry else lease, *arguments)

    return type(f"Unfenced_{method}", (MemoryStore,), {method: late})


class OtherClock(MemoryStore):
    async def acquire(self, room_id, owner, ttl):
        lease = await super().acquire(room_id, owner, ttl)
        return lease and evolve(lease, expires_at=time.time() + ttl)


class Impatient(MemoryStore):
    async def acquire(self, room_id, owner, ttl):
        lease = await super().acquire(room_id, owner, ttl * 0.4)
        return lease and evolve(lease, expires_at=lease.expires_at + ttl * 0.6)


class LooksThenTakes(MemoryStore):
    def __init__(self):
        super().__init__()
        self.taken = set()

    async def acquire(self, room_id, owner, ttl):
        if room_id in self.taken:
            return None
        await asyncio.sleep(0)
        self.taken.add(room_id)
        self._rooms.pop(room_id, None)
        return await super().acquire(room_id, owner, ttl)


class OneRoom(MemoryStore):
    async def acquire(self, room_id, owner, ttl):
        lease = await super().acquire("the room", owner, ttl)
        return lease and evolve(lease, room_id=room_id)


class Stranger(MemoryStore):
    async def acquire(self, room_id, owner, ttl):
        lease = await super().acquire(room_id, f"{owner} {self._tokens}", ttl)
        return lease and evolve(lease, owner=owner)


class Eternal(MemoryStore):
    async def acquire(self, room_id, owner, ttl):
        lease = await super().acquire(room_id, owner, ttl * 1000)
        return lease and evolve(lease, expires_at=lease.expires_at - ttl * 999)


class Punctual(MemoryStore):
    def _entry(self, lease):
        entry = super()._entry(lease)
        if entry.lease.expires_at <= self._clock():
            raise LeaseLostError("too late")
        return entry


class RenewsAnew(MemoryStore):
    async def renew(self, lease, ttl):
        self._entry(lease)
        return await self.acquire(lease.room_id, lease.owner, ttl)


class RenewsNothing(MemoryStore):
    async def renew(self, lease, ttl):
        self._entry(lease)
        return evolve(lease, expires_at=self._clock() + ttl)


class ReleasesNothing(MemoryStore):
    async def release(self, lease):
        self._entry(lease)


class ReleasesAll(MemoryStore):
    async def release(self, lease):
        await super().forget(lease)


class ForgetsNothing(MemoryStore):
    async def forget(self, lease):
        await super().release(lease)


class CountsAnew(MemoryStore):
    async def forget(self, lease):
        await super().forget(lease)
        self._tokens = 0


class Unknowing(MemoryStore):
    def _entry(self, lease):
        if lease.room_id not in self._rooms:
            raise KeyError(lease.room_id)
        return super()._entry(lease)


class Sorted(MemoryStore):
    async def open_intents(self, lease):
        return tuple(sorted(await super().open_intents(lease), key=lambda intent: intent.id))


class Strict(MemoryStore):
    async def end(self, lease, intent_ids):
        intents = self._entry(lease).intents
        for intent_id in intent_ids:
            del intents[intent_id]


class WritesBehind(MemoryStore):
    def __init__(self):
        super().__init__()
        self.waiting = []

    async def begin(self, lease, intent):
        self._entry(lease)
        self.waiting.append(intent)

    async def save(self, lease, saved):
        for intent in self.waiting:
            await super().begin(lease, intent)
        await super().save(lease, saved)


class Personal(MemoryStore):
    def __init__(self):
        super().__init__()
        self.authors = {}

    async def save(self, lease, saved):
        await super().save(lease, saved)
        self.authors[lease.room_id] = lease.owner

    async def load(self, lease):
        saved = await super().load(lease)
        return saved if saved and self.authors[lease.room_id] == lease.owner else None


class NeverEmpty(MemoryStore):
    async def load(self, lease):
        return await super().load(lease) or Saved(0, b"")


class AnyRevision(MemoryStore):
    """Keeps documents by itself."""

    def __init__(self):
        super().__init__()
        self.documents = {}

    async def save(self, lease, saved):
        self._entry(lease)
        self.documents[lease.room_id] = saved

    async def load(self, lease):
        self._entry(lease)
        return self.documents.get(lease.room_id)


class RevisionsAsText(AnyRevision):
    async def save(self, lease, saved):
        last = await self.load(lease)
        if last and str(saved.revision) <= str(last.revision):
            raise StoreError("older")
        await super().save(lease, saved)


class OldIsLost(MemoryStore):
    async def save(self, lease, saved):
        try:
            await super().save(lease, saved)
        except LeaseLostError:
            raise
        except StoreError:
            raise LeaseLostError("older") from None


class Text(MemoryStore):
    async def save(self, lease, saved):
        await super().save(lease, evolve(saved, document=saved.document.decode(errors="replace").encode()))


class Small(MemoryStore):
    async def save(self, lease, saved):
        await super().save(lease, evolve(saved, document=saved.document[: 1 << 20]))


class Renaming(MemoryStore):
    """Calls rooms by other names inside."""

    @staticmethod
    def name(room_id: str) -> str:
        return room_id

    async def acquire(self, room_id, owner, ttl):
        lease = await super().acquire(self.name(room_id), owner, ttl)
        return lease and evolve(lease, room_id=room_id)

    def _entry(self, lease):
        return super()._entry(evolve(lease, room_id=self.name(lease.room_id)))

    async def forget(self, lease):
        self._entry(lease)
        del self._rooms[self.name(lease.room_id)]


def renaming(change) -> type[MemoryStore]:
    return type("Renamed", (Renaming,), {"name": staticmethod(change)})


class Patterns(MemoryStore):
    async def forget(self, lease):
        self._entry(lease)
        for room_id in list(self._rooms):
            if fnmatchcase(room_id, lease.room_id):
                del self._rooms[room_id]


class Wildcards(MemoryStore):
    async def end(self, lease, intent_ids):
        intents = self._entry(lease).intents
        for name in [name for name in intents if any(fnmatchcase(name, one) for one in intent_ids)]:
            del intents[name]


class ShortNames(MemoryStore):
    async def begin(self, lease, intent):
        await super().begin(lease, evolve(intent, id=intent.id[:64]))


class LastWins(MemoryStore):
    async def begin(self, lease, intent):
        entry = self._entry(lease)
        intents = {**entry.intents, intent.id: intent}
        await asyncio.sleep(0)
        entry.intents = intents


class FewAtATime(MemoryStore):
    async def end(self, lease, intent_ids):
        if len(intent_ids) > 999:
            raise StoreError("too many variables")
        await super().end(lease, intent_ids)


class ChecksThenWrites(MemoryStore):
    async def begin(self, lease, intent):
        entry = self._entry(lease)
        await asyncio.sleep(0)
        entry.intents[intent.id] = intent


class WritesThenChecks(MemoryStore):
    async def begin(self, lease, intent):
        self._rooms[lease.room_id].intents[intent.id] = intent
        self._entry(lease)


class KeepsItsLock(MemoryStore):
    def __init__(self):
        super().__init__()
        self.lock = asyncio.Lock()

    async def save(self, lease, saved):
        await self.lock.acquire()
        await asyncio.sleep(0)
        try:
            await super().save(lease, saved)
        except StoreError:
            self.lock.release()
            raise
        self.lock.release()


class HalfSaved(AnyRevision):
    async def save(self, lease, saved):
        await super().save(lease, evolve(saved, document=b"half"))
        await asyncio.sleep(0)
        await super().save(lease, saved)


BROKEN: dict[str, list[type[MemoryStore]]] = defaultdict(
    list,
    {
        "a_lease_names_its_room_its_owner_and_its_end": [OtherClock],
        "a_room_has_one_owner": [Impatient],
        "of_many_who_ask_at_once_one_gets_the_room": [LooksThenTakes],
        "rooms_are_owned_apart": [OneRoom],
        "its_owner_may_take_a_room_again": [Stranger],
        "a_lease_that_ran_out_may_be_taken_by_another": [Eternal],
        "a_lease_that_ran_out_is_good_until_another_takes_the_room": [Punctual],
        "renewing_keeps_the_token_and_moves_the_end": [RenewsAnew, RenewsNothing],
        "an_earlier_owner_cannot_renew": [unfenced("renew")],
        "an_earlier_owner_cannot_begin_a_call": [unfenced("begin"), WritesThenChecks],
        "an_earlier_owner_cannot_end_an_intent": [unfenced("end")],
        "an_earlier_owner_cannot_save": [unfenced("save")],
        "an_earlier_owner_cannot_read": [unfenced("open_intents"), unfenced("load")],
        "an_earlier_owner_cannot_release": [unfenced("release")],
        "an_earlier_owner_cannot_forget": [unfenced("forget")],
        "a_released_room_is_free_at_once_with_all_that_was_written": [ReleasesNothing, ReleasesAll],
        "a_forgotten_room_is_free_at_once_and_empty": [ForgetsNothing],
        "tokens_rise_even_after_a_room_was_forgotten": [CountsAnew],
        "nobody_acts_for_a_room_that_was_never_taken": [Unknowing],
        "intents_stay_open_until_they_are_ended": [Sorted, Strict],
        "an_intent_outlives_its_owner_from_the_moment_it_is_begun": [WritesBehind],
        "the_next_owner_finds_the_last_state_and_goes_on_from_it": [Personal],
        "nothing_is_saved_at_first": [NeverEmpty],
        "a_save_must_be_newer_than_the_last": [AnyRevision, RevisionsAsText, OldIsLost],
        "a_document_comes_back_byte_for_byte": [Text, Small],
        "rooms_are_kept_apart_whatever_they_are_called": [
            renaming(str.lower),
            renaming(str.strip),
            renaming(lambda room_id: unicodedata.normalize("NFC", room_id)),
            renaming(lambda room_id: room_id.partition("/")[0]),
            Patterns,
        ],
        "ids_of_intents_are_opaque": [Wildcards, ShortNames],
        "many_intents_begun_at_once_are_all_kept": [LastWins, FewAtATime],
        "a_write_that_races_with_a_takeover_is_there_or_was_refused": [ChecksThenWrites],
        "a_call_that_is_cancelled_leaves_the_store_whole": [KeepsItsLock, HalfSaved],
    },
)
