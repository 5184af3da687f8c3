"""Glare: one session publishes and receives, and both sides may want to offer."""

from __future__ import annotations

import asyncio

import pytest

from tests.cfrealtime_rooms.scenarios.scene import intercept, release, say, scene, slow, sources

pytestmark = pytest.mark.looptime

TRACK = {"mid": "9", "source": "screen", "kind": "video"}


async def test_offers_of_both_sides_in_one_moment_both_succeed():
    """A client offer crosses an SFU offer."""
    async with scene(latency=0.05, setup=slow) as stage:
        ann, bob = await stage.meet("ann", "bob")
        before = stage.epochs()
        await asyncio.gather(ann.publish("screen"), bob.publish("screen"))
        await stage.rest()
        assert ("bob", "screen") in ann.receiving()
        assert ("ann", "screen") in bob.receiving()
        assert stage.epochs() == before
        stage.check(ann, bob)


@pytest.mark.parametrize("grant", [0, 1, 2, 99])
async def test_an_offer_while_the_rooms_own_is_open_is_refused(grant):
    """A client offer crosses an SFU offer: without a grant it is refused, and the SFU's goes on."""
    async with scene() as stage:
        ann, bob = await stage.meet("ann", "bob")
        kept = intercept(bob, "offer")
        await ann.publish("screen")
        await stage.until(bob, "AwaitingAnswer")
        say(bob, "offer", grant=grant, sdp="v=0", tracks=[TRACK])
        await stage.rest(1)
        assert [error.code for error in bob.errors] == ["no_grant"]
        await release(bob, "offer", kept)
        await stage.rest()
        assert stage.epochs() == {"ann": 1, "bob": 1}
        stage.check(ann, bob)


@pytest.mark.parametrize("phase", ["Calling", "AwaitingAnswer"])
async def test_an_offer_nobody_asked_for_on_a_busy_lane_is_refused(phase):
    """An unsolicited offer while the lane is busy."""
    async with scene(setup=slow, latency=0.05) as stage:
        (bob,) = await stage.meet("bob")
        ann = await stage.join("ann")
        await stage.until(bob, phase)
        say(bob, "offer", grant=1, sdp="v=0", tracks=[TRACK])
        await stage.rest()
        assert [error.code for error in bob.errors] == ["no_grant"]
        assert stage.epochs() == {"bob": 1, "ann": 1}
        stage.check(ann, bob)


async def test_a_client_that_dies_with_a_grant_holds_nobody_up():
    """The client dies after it was granted an offer."""
    async with scene(settings={"grace": 3.0}) as stage:
        ann, bob = await stage.meet("ann", "bob")
        intercept(ann, "grant")
        say(ann, "negotiate")
        await stage.until(ann, "AwaitingOffer")
        await ann.aclose()
        cy = await stage.join("cy")
        await stage.rest(5)
        assert set(bob.others) == {"cy"}
        stage.check(bob, cy)


async def test_a_grant_that_is_never_used_lapses_and_the_lane_goes_on():
    """The client was granted an offer and says nothing: its grant lapses, its session stays."""
    async with scene() as stage:
        (ann,) = await stage.meet("ann")
        intercept(ann, "grant")
        say(ann, "negotiate")
        await stage.until(ann, "AwaitingOffer")
        bob = await stage.join("bob")
        await stage.rest(9)
        assert ann.receiving() == {}
        await stage.rest(3)
        assert stage.epochs() == {"ann": 1, "bob": 1}
        stage.check(ann, bob)


async def test_a_client_that_never_applies_is_replaced_alone():
    """The SFU's answer was sent, "applied" never comes."""
    async with scene() as stage:
        (bob,) = await stage.meet("bob")
        ann = await stage.arrive("ann")
        kept = intercept(ann, "answer")
        await ann.join()
        await stage.rest(14)
        assert stage.epochs() == {"bob": 1, "ann": 1}
        await stage.rest(2)
        assert stage.epochs() == {"bob": 1, "ann": 2}
        await release(ann, "answer", kept[1:])
        await stage.rest(20)
        assert set(bob.receiving()) == sources("ann")
        stage.check(ann, bob)
