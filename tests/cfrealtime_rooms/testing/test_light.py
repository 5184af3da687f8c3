"""Two light peers back to back: real sockets, DTLS and SRTP, no SFU between them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest

from cfrealtime_rooms.testing.light import LightPeer
from cfrealtime_rooms.testing.negotiator import Outgoing, PeerError
from cfrealtime_rooms.testing.waiting import Waiters

CAMERA, MICROPHONE = Outgoing("camera", "video"), Outgoing("microphone", "audio")


class Pair:
    def __init__(self) -> None:
        self.ann, self.bob = LightPeer(timeout=3.0), LightPeer(timeout=3.0)
        self.bob._ice.role = "controlling"  # one of two clients has to be the DTLS server
        self._waiters = Waiters()
        for peer in (self.ann, self.bob):
            peer.on_change = self._waiters.look

    async def until(self, condition: Callable[[], bool]) -> None:
        assert await self._waiters.until(condition, 60.0)

    async def publish(self, sender: LightPeer, receiver: LightPeer, *add: Outgoing) -> dict[str, str]:
        offer, mids = await sender.create_offer(add)
        await sender.apply_answer(await receiver.answer(offer))
        return mids


@pytest.fixture
async def pair() -> AsyncIterator[Pair]:
    pair = Pair()
    yield pair
    await pair.ann.close()
    await pair.bob.close()


async def test_pictures_and_sound_arrive_both_ways(pair: Pair):
    mids = await pair.publish(pair.ann, pair.bob, MICROPHONE, CAMERA)
    await pair.until(lambda: pair.bob.received(mids["camera"]).decodable)
    await pair.until(lambda: pair.bob.received(mids["microphone"]).audible > 0)
    assert pair.bob.received(mids["camera"]).size == (320, 240)
    assert pair.ann.sending == {"microphone", "camera"}
    back = await pair.publish(pair.bob, pair.ann, Outgoing("screen", "video"))
    await pair.until(lambda: pair.ann.received(back["screen"]).size == (640, 360))


async def test_a_muted_microphone_keeps_sending_silence(pair: Pair):
    mids = await pair.publish(pair.ann, pair.bob, Outgoing("microphone", "audio", muted=True))
    await pair.until(lambda: pair.bob.received(mids["microphone"]).packets > 10)
    assert pair.bob.received(mids["microphone"]).audible == 0
    pair.ann.mute("microphone", muted=False)
    await pair.until(lambda: pair.bob.received(mids["microphone"]).audible > 0)


async def test_an_unpublished_source_falls_silent_and_the_rest_goes_on(pair: Pair):
    mids = await pair.publish(pair.ann, pair.bob, MICROPHONE, CAMERA)
    await pair.until(lambda: pair.bob.received(mids["camera"]).decodable)
    pair.ann.unpublish("camera")
    assert pair.ann.sending == {"microphone"}
    await pair.publish(pair.ann, pair.bob)
    await asyncio.sleep(0.1)  # a picture may be on its way
    heard, seen = pair.bob.received(mids["microphone"]).packets, pair.bob.received(mids["camera"]).packets
    await pair.until(lambda: pair.bob.received(mids["microphone"]).packets > heard + 10)
    assert pair.bob.received(mids["camera"]).packets == seen


async def test_a_lost_network_is_noticed_by_both(pair: Pair):
    await pair.publish(pair.ann, pair.bob, MICROPHONE)
    await pair.until(lambda: pair.ann.state == pair.bob.state == "connected")
    pair.ann.break_connection()
    await pair.until(lambda: pair.ann.state == pair.bob.state == "failed")
    assert pair.ann.sending == frozenset()


async def test_a_close_is_noticed_at_once(pair: Pair):
    await pair.publish(pair.ann, pair.bob, MICROPHONE)
    await pair.until(lambda: pair.ann.state == pair.bob.state == "connected")
    await pair.ann.close()
    async with asyncio.timeout(2.0):  # sooner than consent expires
        await pair.until(lambda: pair.bob.state == "failed")


async def test_an_sfu_that_does_not_answer_fails_the_connection(pair: Pair):
    offer, _ = await pair.ann.create_offer([MICROPHONE])
    answer = await pair.bob.answer(offer)
    await pair.bob.close()
    await pair.ann.apply_answer(answer)
    await pair.until(lambda: pair.ann.state == "failed")


async def test_a_closed_connection_negotiates_no_more(pair: Pair):
    await pair.ann.close()
    with pytest.raises(PeerError, match="closed"):
        await pair.ann.create_offer([CAMERA])
