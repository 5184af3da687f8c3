"""Media truth: what is shown as published is there, and what is there is received."""

from __future__ import annotations

import asyncio

import pytest

from cfrealtime.errors import NotSentError
from cfrealtime_rooms import Settings
from cfrealtime_rooms.testing import SilentPeer
from tests.cfrealtime_rooms.scenarios.scene import scene, slow, sources

pytestmark = pytest.mark.looptime


async def test_nobody_subscribes_before_the_publisher_sends():
    """Subscribing before the publisher sends: not before its report, or ten seconds."""
    async with scene() as stage:
        (bob,) = await stage.meet("bob")
        ann = await stage.join("ann", peer_factory=lambda: SilentPeer(send_after=4.0))
        before = stage.emulator.count()
        await stage.rest(3.9)
        assert stage.asked(before, of=bob) == []
        await stage.rest(0.5)
        assert set(bob.receiving()) == sources("ann")
        await stage.rest()
        stage.check(ann, bob)


async def test_a_client_that_never_reports_counts_as_sending_after_ten_seconds():
    """Subscribing before the publisher sends: one that never reports is tried after ten seconds."""
    async with scene() as stage:
        ann = await stage.join("ann")
        ann._report = lambda: None
        bob = await stage.join("bob")
        await stage.rest(5)
        assert bob.receiving() == {}
        await stage.rest(6)
        stage.check(ann, bob)


async def test_a_publisher_collected_for_silence_publishes_anew_and_others_follow():
    """A publisher garbage-collected after 30 s of silence: republish, subscribers follow."""
    async with scene() as stage:
        ann, bob = await stage.meet("ann", "bob")
        before = stage.sessions()
        camera = next(one.id for one in ann.me.publications if one.source == "camera")
        stage.media.silence(stage.session(ann), stage.mid(ann, "camera"))
        await stage.rest(31)
        cy = await stage.join("cy")  # finds it missing
        await stage.rest()
        stage.check(ann, bob, cy)
        assert before.items() <= stage.sessions().items()
        assert next(one.id for one in ann.me.publications if one.source == "camera") == camera


@pytest.mark.parametrize("repointing", [True, False])
@pytest.mark.parametrize("moment", [None, 0.02, 0.12, 0.2, 0.3, 0.45, 0.6, 3.0])
async def test_a_publisher_replaced_around_a_call_costs_no_other_session(moment, repointing):
    """A publisher replaced before, during and after a subscriber's call: the latter's session survives."""
    async with scene(latency=0.05, setup=slow) as stage:
        stage.faults.repointing = repointing
        (bob,) = await stage.meet("bob")
        ann = await stage.join("ann")
        if moment is not None:
            await stage.until(bob, "Calling")
            await stage.rest(moment)
        ann.peer.fail()
        await stage.rest(20)
        assert stage.epochs() == {"ann": 2, "bob": 1}
        stage.check(ann, bob)


@pytest.mark.parametrize("replaced", [False, True])
async def test_a_result_in_flight_resurrects_nothing(replaced):
    """A result in flight must not resurrect a track closed meanwhile."""
    async with scene() as stage:
        ann, bob = await stage.meet("ann", "bob")
        stage.wire.hold("new_tracks", 3, session_id=stage.session(bob))
        await ann.publish("screen")
        await stage.until(bob, "Calling")
        ann.unpublish("screen")
        if replaced:
            ann.peer.fail()
        await stage.rest(4)
        assert ("ann", "screen") not in bob.receiving()
        assert set(bob.mids.values()) <= {one.id for one in bob.others["ann"].publications}
        await stage.rest(20)
        stage.check(ann, bob)


@pytest.mark.parametrize("times", [1, 3])
async def test_a_session_that_is_not_connected_yet_is_waited_for(times):
    """425 before connected: asked again, and nothing is replaced."""
    async with scene() as stage:
        (bob,) = await stage.meet("bob")
        for nth in range(2, 2 + times):
            stage.faults.answer_with("new_tracks", 425, code="session_error", nth=nth)
        ann = await stage.join("ann")
        await stage.rest(20)
        assert stage.epochs() == {"ann": 1, "bob": 1}
        stage.check(ann, bob)


async def test_a_session_that_is_gone_with_work_waiting_is_replaced_once():
    """410 with queued work: one replacement."""
    async with scene() as stage:
        ann, bob = await stage.meet("ann", "bob")
        stage.media.kill(stage.session(bob))
        bob.unpublish("microphone")
        await asyncio.gather(ann.publish("screen"), stage.join("cy"), bob.publish("screen", within=30))
        await stage.rest(20)
        assert stage.epochs() == {"ann": 1, "bob": 2, "cy": 1}
        stage.check(ann, bob)


async def test_a_410_about_the_publisher_retires_no_subscriber():
    """A 410 that is about the publisher's session retires no subscriber."""
    async with scene() as stage:
        ann, bob = await stage.meet("ann", "bob")
        stage.faults.answer_with("new_tracks", 410, code="session_error", session_id=stage.session(bob))
        cy = await stage.join("cy")
        await stage.rest()
        assert "get_session" in stage.operations(of=bob)
        assert stage.epochs() == {"ann": 1, "bob": 1, "cy": 1}
        stage.check(ann, bob, cy)


async def test_who_stops_everything_keeps_its_session_and_publishes_on_fresh_mids():
    """The last media section negotiated away; a mid that was force-closed is not published on again."""
    async with scene() as stage:
        (ann,) = await stage.meet("ann")
        before, used = stage.sessions(), {stage.mid(ann, "camera"), stage.mid(ann, "microphone")}
        ann.unpublish("camera")
        ann.unpublish("microphone")
        await stage.rest()
        assert stage.emulator.active_tracks() == []
        await ann.publish("camera")
        bob = await stage.join("bob")
        await stage.rest()
        assert stage.sessions().items() >= before.items()
        assert stage.mid(ann, "camera") not in used
        stage.check(ann, bob)


async def test_everybody_reloads_at_once_and_everybody_ends_with_everything():
    """Everybody reloads at once: everybody ends with everything."""
    async with scene(latency=0.05, setup=slow) as stage:
        people = await stage.meet("ann", "bob", "cy", "dan")
        for one in people:
            await one.drop()
        await asyncio.gather(*(one.reconnect(reload=True) for one in people))
        await stage.rest(20)
        assert set(stage.epochs().values()) == {2}
        stage.check(*people)


@pytest.mark.parametrize("minutes", [1, 30])
async def test_after_a_long_outage_sound_and_pictures_come_back(minutes):
    """After a long outage audio and video both come back."""
    async with scene() as stage:
        people = await stage.meet("ann", "bob", "cy")
        for session, _ in stage.sessions().values():
            stage.media.kill(session)
        for operation in ("new_session", "new_tracks", "renegotiate", "close_tracks", "get_session"):
            stage.faults.refuse(operation, nth=None)
        for one in people:
            one.peer.fail()
        await stage.rest(60 * minutes)
        stage.faults.clear()
        await stage.rest(60)
        assert [one.closed for one in people] == [None] * 3
        assert set(people[0].receiving()) == sources("bob") | sources("cy")
        stage.check(*people)


@pytest.mark.parametrize("repointing", [True, False])
async def test_sections_stay_bounded_however_many_come_and_go(repointing):
    """Media sections stay bounded under churn."""
    async with scene(settings={"settings": Settings(max_sections=20)}) as stage:
        stage.faults.repointing = repointing
        (bob,) = await stage.meet("bob")
        most = 0
        for n in range(25):
            guest = await stage.join(f"p{n}")
            await stage.rest(6)
            most = max(most, stage.member(bob)["sections"])
            await guest.leave()
        await stage.rest(20)
        assert most <= (6 if repointing else 24)
        stage.check(bob)


async def test_while_the_service_cannot_be_reached_nobody_loses_a_session():
    """After a long outage nobody who was connected has lost a session."""
    async with scene() as stage:
        ann, bob = await stage.join_at_once("ann", "bob")
        await stage.rest()
        before = stage.sessions()
        actor = stage.rooms._open["demo"]
        realtime, actor._services.realtime = actor._services.realtime, unreachable()
        cy = await stage.join("cy", sources=())
        ann.unpublish("camera")
        await stage.rest(90)
        assert stage.sessions() == before | {"cy": (None, 1)}
        actor._services.realtime = realtime
        await stage.rest(15)
        stage.check(ann, bob, cy)
        assert before.items() <= stage.sessions().items()


def unreachable():
    """An SDK whose every call finds no connection."""

    class Nothing:
        def session(self, session_id):
            return self

        def __getattr__(self, operation):
            async def call(*_, **__):
                raise NotSentError("no route", operation=operation)

            return call

    return Nothing()
