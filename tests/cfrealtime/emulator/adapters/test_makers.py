"""Pictures out of packets: what happens when some of them are lost, broken, or too many."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from cfrealtime.emulator.adapters.frames import VIDEO_PATIENCE
from cfrealtime.emulator.adapters.makers import Pictures
from tests.cfrealtime.emulator.adapters.coding import Camera, packets


class Studio:
    """A camera, the maker that gets its packets, and a clock of its own."""

    def __init__(self) -> None:
        self.now = 0.0
        self.asked = asyncio.Event()
        self.maker = Pictures({96: "vp8"}, lambda: self.now, self.asked.set)
        self._camera = Camera("vp8", 64, 48)
        self._sequence = self._timestamp = 0

    def film(self, *, key: bool = False, lost: bool = False, spoilt: bool = False) -> None:
        coded = self._camera.frame(key=key)
        data = packets(
            "vp8",
            b"\x10" + bytes(20) if spoilt else coded,
            first=self._sequence,
            timestamp=self._timestamp,
            payload_type=96,
        )
        self._sequence += len(data)
        self._timestamp += 3000
        for packet in () if lost else data:
            self.maker.take(packet)

    async def picture(self) -> int:
        """When the next picture was taken, in frames."""
        message = await asyncio.wait_for(self.maker.outbox.take(), 60)
        return message.timestamp // 3000

    async def asks(self) -> None:
        await asyncio.wait_for(self.asked.wait(), 60)


@asynccontextmanager
async def studio() -> AsyncGenerator[Studio]:
    made = Studio()
    running = asyncio.create_task(made.maker.run())
    yield made
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def test_a_lost_frame_makes_it_ask_for_a_key_frame():
    async with studio() as made:
        made.film()
        assert await made.picture() == 0
        assert not made.asked.is_set()
        made.film(lost=True)
        made.now = 1.0
        made.film()
        made.now += VIDEO_PATIENCE
        made.film()
        await made.asks()
        made.film(key=True)
        assert await made.picture() == 4


async def test_a_frame_that_cannot_be_decoded_makes_it_ask_for_a_key_frame():
    async with studio() as made:
        made.film(spoilt=True)
        await asyncio.sleep(0.1)
        made.film()
        await made.asks()
        made.film(key=True)
        assert await made.picture() == 2


async def test_more_than_it_can_decode_in_time_is_dropped():
    async with studio() as made:
        for _ in range(400):
            made.film()
        await made.asks()
        made.film(key=True)
        assert await made.picture() == 400


async def test_of_many_frames_at_once_the_newest_is_shown_and_no_other_within_a_second():
    async with studio() as made:
        for _ in range(10):
            made.film()
        assert await made.picture() == 9
        made.now = 0.99
        made.film()
        await asyncio.sleep(0.1)
        made.now = 1.0
        made.film()
        assert await made.picture() == 11
