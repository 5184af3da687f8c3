"""A host without a network: its channels are pipes of a few texts. And hosts that do one thing wrong."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from cfrealtime_rooms import Rooms
from cfrealtime_rooms.testing.channels import ChannelEndedError


class Pipe:
    """Both ends of one channel."""

    def __init__(self) -> None:
        self.up: asyncio.Queue[str] = asyncio.Queue(8)
        self.down: asyncio.Queue[str | ChannelEndedError] = asyncio.Queue(8)
        self.lost = asyncio.Event()
        """The client is gone."""
        self.closed = asyncio.Event()
        """The host has closed it."""
        self.end: ChannelEndedError | None = None

    # The client's end.

    async def send(self, text: str) -> None:
        if not await self._unless(self.up.put(text), self.lost, self.closed):
            raise ChannelEndedError

    async def receive(self) -> str:
        if self.end is None:
            got = await self._unless(self.down.get(), self.lost)
            if got and isinstance(got[0], str):
                return got[0]
            self.end = got[0] if got else ChannelEndedError()
        raise self.end

    async def lose(self) -> None:
        self.lost.set()

    # The host's end.

    async def tell(self, text: str) -> None:
        if not await self._unless(self.down.put(text), self.lost):
            raise ConnectionError("nobody there")

    async def heard(self) -> str | None:
        got = await self._unless(self.up.get(), self.lost, self.closed)
        return got[0] if got else None

    async def close(self, code: int, reason: str) -> None:
        await self._unless(self.down.put(ChannelEndedError(code, reason)), self.lost)
        self.closed.set()

    @staticmethod
    async def _unless(step, *ends: asyncio.Event) -> tuple | None:
        """The step's result in a tuple; None if one of the ends came first."""
        if any(end.is_set() for end in ends):
            step.close()
            return None
        doing = asyncio.ensure_future(step)
        waiting = [asyncio.ensure_future(end.wait()) for end in ends]
        try:
            await asyncio.wait([doing, *waiting], return_when=asyncio.FIRST_COMPLETED)
            return (doing.result(),) if doing.done() else None
        finally:
            for task in (doing, *waiting):
                task.cancel()


class Host:
    """As it should be: what the guide says in twelve lines."""

    def __init__(self, rooms: Rooms) -> None:
        self.rooms = rooms
        self.pipes: list[Pipe] = []
        self.tasks: set[asyncio.Task[None]] = set()

    @asynccontextmanager
    async def open(self, room_id: str, identity: str) -> AsyncIterator[Pipe]:
        pipe = Pipe()
        self.pipes.append(pipe)
        serving = asyncio.create_task(self.serve(pipe, room_id, identity))
        self.tasks.add(serving)
        serving.add_done_callback(self.tasks.discard)
        try:
            yield pipe
        finally:
            pipe.lost.set()

    async def serve(self, pipe: Pipe, room_id: str, identity: str) -> None:
        async with self.rooms.connect(
            room_id,
            identity=identity,
            name=identity,
            send=lambda text: self.tell(pipe, text),
            close=lambda code, reason: self.close(pipe, code, reason),
        ) as connection:
            while (text := await self.heard(pipe)) is not None:
                await connection.receive(text)

    async def aclose(self) -> None:
        for task in list(self.tasks):
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)

    async def tell(self, pipe: Pipe, text: str) -> None:
        await pipe.tell(text)

    async def heard(self, pipe: Pipe) -> str | None:
        return await pipe.heard()

    async def close(self, pipe: Pipe, code: int, reason: str) -> None:
        await pipe.close(code, reason)


class WaitsForTheClient(Host):
    async def serve(self, pipe, room_id, identity):
        text = await pipe.heard()
        if text is not None:
            pipe.up.put_nowait(text)
            await super().serve(pipe, room_id, identity)


class ReordersWhatItSends(Host):
    kept: str | None = None

    async def tell(self, pipe, text):
        if '"data":70}' in text:
            self.kept = text
            return
        await pipe.tell(text)
        if self.kept:
            kept, self.kept = self.kept, None
            await pipe.tell(kept)


class ReordersWhatItHears(Host):
    async def heard(self, pipe):
        text = await pipe.heard()
        if text and not pipe.up.empty() and '"message"' in text:
            pipe.up.put_nowait(text)
            return pipe.up.get_nowait()
        return text


class HalfDuplex(Host):
    def __init__(self, rooms):
        super().__init__(rooms)
        self.reading = asyncio.Event()

    async def heard(self, pipe):
        await self.reading.wait()
        return await pipe.heard()

    async def tell(self, pipe, text):
        self.reading.clear()
        await pipe.tell(text)
        self.reading.set()


class Truncates(Host):
    async def heard(self, pipe):
        text = await pipe.heard()
        return text and text[: 1 << 16]


class CutsWhatIsLarge(Host):
    limit = 1 << 16

    async def heard(self, pipe):
        text = await pipe.heard()
        if text and len(text) > self.limit:
            await pipe.close(1009, "too large")
            return None
        return text


class TruncatesWhatItSends(Host):
    async def tell(self, pipe, text):
        await pipe.tell(text[:500_000])


class Latin(Host):
    async def heard(self, pipe):
        text = await pipe.heard()
        return text and text.encode("latin-1", "replace").decode("latin-1")


class Lines(Host):
    def __init__(self, rooms):
        super().__init__(rooms)
        self.lines = {}

    async def heard(self, pipe):
        lines = self.lines.setdefault(pipe, [])
        if not lines:
            text = await pipe.heard()
            if text is None:
                return None
            lines += text.splitlines() or [""]
        return lines.pop(0)


class FailsOnGarbage(Host):
    async def heard(self, pipe):
        text = await pipe.heard()
        if text is not None and not text.startswith('{"type": "'):
            await pipe.close(1011, "what?")
            return None
        return text


class DropsEmptyTexts(Host):
    async def heard(self, pipe):
        while (text := await pipe.heard()) == "":
            pass
        return text


class MixesPeopleUp(Host):
    who = ""

    async def serve(self, pipe, room_id, identity):
        self.who = identity
        await asyncio.sleep(0)
        await super().serve(pipe, room_id, self.who)


class NeverWaits(Host):
    async def tell(self, pipe, text):
        pipe.down._maxsize = 0
        pipe.down.put_nowait(text)


class OneAtATime(Host):
    def __init__(self, rooms):
        super().__init__(rooms)
        self.sending = asyncio.Lock()

    async def tell(self, pipe, text):
        async with self.sending:
            await pipe.tell(text)


class SwallowsClose(Host):
    async def close(self, pipe, code, reason):
        pass


class ClosesAsUsual(Host):
    async def close(self, pipe, code, reason):
        await pipe.close(1000, "")


class ClosesWithoutTheLastWord(Host):
    async def tell(self, pipe, text):
        asyncio.get_running_loop().call_later(0.01, pipe.down.put_nowait, text)


class OneOfEach(Host):
    async def serve(self, pipe, room_id, identity):
        if identity in {task.get_name() for task in self.tasks}:
            await pipe.close(1008, "here already")
            return
        asyncio.current_task().set_name(identity)
        await super().serve(pipe, room_id, identity)


class ClosesOnce(Host):
    done = False

    async def close(self, pipe, code, reason):
        if not self.done:
            self.done = True
            await pipe.close(code, reason)


class FailsWhileItCloses(Host):
    closing = failed = False

    async def heard(self, pipe):
        text = await pipe.heard()
        self.failed = self.failed or (self.closing and text is not None)
        return text

    async def close(self, pipe, code, reason):
        self.closing = True
        await asyncio.sleep(0.05)
        await (pipe.close(1011, "unexpected") if self.failed else pipe.close(code, reason))


class StopsForGood(Host):
    async def close(self, pipe, code, reason):
        if code == 1012:
            await pipe.tell('{"type": "closed", "reason": "the end"}')
        await pipe.close(code, reason)


class NoticesNothing(Host):
    async def heard(self, pipe):
        text = await pipe.heard()
        if text is None and pipe.lost.is_set():
            await asyncio.Event().wait()
        return text

    async def tell(self, pipe, text):
        if not pipe.lost.is_set():
            await pipe.tell(text)


class LeavesForThem(Host):
    async def heard(self, pipe):
        text = await pipe.heard()
        return '{"type": "leave"}' if text is None and not pipe.closed.is_set() else text


class NewNames(Host):
    async def serve(self, pipe, room_id, identity):
        await super().serve(pipe, room_id, f"{identity} {len(self.pipes)}")


class FallsWithOne(Host):
    async def tell(self, pipe, text):
        try:
            await pipe.tell(text)
        except ConnectionError:
            for one in self.pipes:
                await one.close(1011, "fault")
            raise


class LeavesTasks(Host):
    async def serve(self, pipe, room_id, identity):
        task = asyncio.create_task(asyncio.Event().wait())
        self.tasks.add(task)
        await super().serve(pipe, room_id, identity)


BROKEN: dict[str, list[type[Host]]] = {
    "the_room_speaks_first": [WaitsForTheClient],
    "messages_keep_their_order": [ReordersWhatItSends, ReordersWhatItHears],
    "both_ends_may_speak_at_once": [HalfDuplex],
    "a_message_of_the_greatest_size_arrives": [Truncates, CutsWhatIsLarge],
    "a_message_that_is_too_large_is_answered": [CutsWhatIsLarge],
    "the_room_may_say_much_at_once": [TruncatesWhatItSends],
    "every_character_arrives_as_it_was": [Latin, Lines],
    "garbage_is_answered_and_does_no_harm": [FailsOnGarbage, DropsEmptyTexts],
    "channels_do_not_mix": [MixesPeopleUp],
    "one_who_does_not_read_costs_nobody_anything": [NeverWaits, OneAtATime],
    "who_leaves_is_let_go": [SwallowsClose],
    "who_is_removed_hears_why": [ClosesAsUsual, ClosesWithoutTheLastWord],
    "who_is_banned_is_told_at_the_door": [ClosesWithoutTheLastWord],
    "who_comes_twice_is_replaced": [OneOfEach],
    "a_room_that_is_closed_says_so_to_all": [ClosesOnce],
    "what_is_said_after_the_end_does_no_harm": [FailsWhileItCloses],
    "a_host_that_stops_lets_clients_come_back": [ClosesAsUsual, StopsForGood],
    "a_lost_connection_is_missed_then_gone": [NoticesNothing],
    "a_page_that_is_closed_is_missed_then_gone": [LeavesForThem],
    "who_comes_back_in_time_goes_on": [NewNames],
    "a_channel_that_breaks_under_the_room_is_noticed": [FallsWithOne],
    "nothing_is_left_of_channels_that_ended": [LeavesTasks],
}
