"""The SDK and the emulator together: what people do in a meeting, and what goes wrong on the way."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager

import httpx
import pytest

from cfrealtime import (
    AsyncRealtime,
    AuthenticationError,
    BadRequestError,
    LocalTrack,
    NotAcceptableError,
    NotFoundError,
    OutcomeUnknownError,
    RateLimitError,
    Realtime,
    RemoteTrack,
    SessionGoneError,
    Simulcast,
)
from cfrealtime.emulator import Emulator, ManualMediaPlane
from tests.cfrealtime.emulator.sdp.endpoint import M, answer, describe, stopped

SECTIONS = (M("audio", "0"), M("video", "1"))
TRACKS = [LocalTrack("0", "microphone"), LocalTrack("1", "camera")]
EVERYTHING = ("microphone", "camera")


@asynccontextmanager
async def meeting(app_id="demo", app_secret="secret"):
    """An emulator and a client of it, in this process and in virtual time."""
    async with (
        Emulator() as emulator,
        AsyncRealtime(
            app_id,
            app_secret,
            base_url="http://emulator/v1",
            transport=httpx.ASGITransport(emulator.app),
        ) as client,
    ):
        yield emulator, client


async def publisher(client):
    """A session that has published microphone and camera, and sends."""
    session = await client.new_session()
    result = await session.publish(describe(*SECTIONS), TRACKS)
    assert result.description.type == "answer"
    assert [track.mid for track in result.ok] == ["0", "1"]
    await asyncio.sleep(0.1)
    return session


async def subscriber(client, *tracks):
    """A session that receives, and the mids it receives on."""
    session = await client.new_session()
    result = await session.subscribe(tracks)
    assert result.requires_renegotiation
    assert await session.renegotiate(answer(result.description.sdp)) is None
    await asyncio.sleep(1)
    return session, [track.mid for track in result.ok]


def of(session, *names):
    return [RemoteTrack(session.id, name) for name in names]


@pytest.mark.looptime
async def test_what_one_publishes_another_receives():
    async with meeting() as (emulator, client):
        alice = await publisher(client)
        bob, mids = await subscriber(client, *of(alice, *EVERYTHING))
        state = await bob.get_state()
        assert [track.mid for track in state.tracks] == mids
        assert [(track.session_id, track.track_name, track.status) for track in state.tracks] == [
            (alice.id, "microphone", "active"),
            (alice.id, "camera", "active"),
        ]
        assert emulator.journal()["breaches"] == []


@pytest.mark.looptime
async def test_one_bad_track_of_three_fails_alone():
    async with meeting() as (_, client):
        alice = await publisher(client)
        bob = await client.new_session()
        result = await bob.subscribe(of(alice, "microphone", "screen", "camera"))
        assert [track.track_name for track in result.ok] == ["microphone", "camera"]
        (failed,) = result.failed
        assert (failed.track_name, failed.error.code, failed.mid) == ("screen", "not_found_track_error", None)
        assert failed.error.retryable


@pytest.mark.looptime
async def test_items_that_all_failed_leave_nothing_to_answer():
    async with meeting() as (_, client):
        alice = await publisher(client)
        bob = await client.new_session()
        result = await bob.subscribe(of(alice, "screen"))
        assert (result.ok, result.description, result.by_mid) == ((), None, {})
        assert not result.requires_renegotiation


@pytest.mark.looptime
async def test_a_receiving_mid_is_pointed_at_another_publication():
    async with meeting() as (_, client):
        alice, carol = await publisher(client), await publisher(client)
        bob, (mid,) = await subscriber(client, *of(alice, "camera"))
        again = RemoteTrack(carol.id, "camera", mid=mid)
        assert (await bob.update_tracks([again])).failed == ()
        (track,) = (await bob.get_state()).tracks
        assert (track.mid, track.session_id) == (mid, carol.id)


@pytest.mark.looptime
async def test_a_layer_is_chosen_when_subscribing():
    async with meeting() as (_, client):
        alice = await client.new_session()
        await alice.publish(describe(M("video", "0", rids=("h", "l"))), [LocalTrack("0", "camera")])
        await asyncio.sleep(0.1)
        wanted = RemoteTrack(alice.id, "camera", simulcast=Simulcast("l", rid_not_available="asciibetical"))
        _, mids = await subscriber(client, wanted)
        assert len(mids) == 1


@pytest.mark.looptime
async def test_a_forced_close_can_be_repeated():
    async with meeting() as (emulator, client):
        alice = await publisher(client)
        for _ in range(2):
            assert (await alice.close_tracks(["0", "1"], force=True)).closed_mids == {"0", "1"}
        assert emulator.active_tracks(alice.id) == []


@pytest.mark.looptime
async def test_a_close_with_an_offer_is_answered():
    async with meeting() as (_, client):
        alice = await publisher(client)
        offer = describe(SECTIONS[0], stopped(SECTIONS[1]))
        result = await alice.close_tracks(["1"], offer=offer)
        assert result.closed_mids == {"1"}
        assert result.description.type == "answer"


@pytest.mark.looptime
async def test_refusals_have_their_own_errors():
    async with meeting(app_secret="wrong") as (_, client):
        with pytest.raises(AuthenticationError):
            await client.new_session()
    async with meeting(app_id="unknown") as (_, client):
        with pytest.raises((NotFoundError, AuthenticationError)):
            await client.new_session()
    async with meeting() as (_, client):
        session = await client.new_session()
        with pytest.raises(NotAcceptableError):
            await session.publish("this is not SDP", TRACKS)
        with pytest.raises(BadRequestError):
            await session.publish(describe(*SECTIONS), [LocalTrack("7", "microphone")])


@pytest.mark.looptime
async def test_a_call_that_crosses_an_open_exchange_is_not_acceptable():
    async with meeting() as (emulator, client):
        alice = await publisher(client)
        bob = await client.new_session()
        await bob.subscribe(of(alice, "microphone"))
        with pytest.raises(NotAcceptableError):
            await bob.subscribe(of(alice, "camera"))
        assert len(emulator.journal()["breaches"]) == 1


@pytest.mark.looptime
async def test_a_dead_session_is_gone():
    async with meeting() as (emulator, client):
        alice = await publisher(client)
        emulator.media.kill(alice.id)
        await asyncio.sleep(60)
        with pytest.raises(SessionGoneError):
            await alice.publish(describe(*SECTIONS, M("audio", "2")), [LocalTrack("2", "screen_audio")])


@pytest.mark.looptime
@pytest.mark.parametrize("landed", [True, False])
async def test_a_lost_answer_is_an_unknown_outcome_and_the_state_tells(landed):
    async with meeting() as (emulator, client):
        session = await client.new_session()
        (emulator.faults.lose_answer if landed else emulator.faults.refuse)("new_tracks")
        with pytest.raises(OutcomeUnknownError):
            await session.publish(describe(*SECTIONS), TRACKS)
        assert len((await session.get_state()).tracks) == (2 if landed else 0)
        assert emulator.count("new_tracks") == 1


@pytest.mark.looptime
@pytest.mark.parametrize(("field", "known"), [("sessionDescription", ["0", "1"]), ("tracks", None)])
async def test_a_publish_whose_answer_lacks_what_it_must_hold_is_an_unknown_outcome(field, known):
    async with meeting() as (emulator, client):
        session = await client.new_session()
        emulator.faults.add(f"omit operation=new_tracks field={field}")
        with pytest.raises(OutcomeUnknownError) as caught:
            await session.publish(describe(*SECTIONS), TRACKS)
        partial = caught.value.partial
        assert (partial and [track.mid for track in partial.ok]) == known
        assert emulator.count("new_tracks") == 1


@pytest.mark.looptime
async def test_an_answer_without_its_flag_is_an_offer_all_the_same():
    async with meeting() as (emulator, client):
        alice, bob = await publisher(client), await client.new_session()
        emulator.faults.add("omit operation=new_tracks field=requiresImmediateRenegotiation")
        result = await bob.subscribe(of(alice, "microphone"))
        assert result.description.type == "offer"
        await bob.renegotiate(answer(result.description.sdp))


@pytest.mark.looptime
async def test_what_a_close_does_not_name_is_not_known_to_be_closed():
    async with meeting() as (emulator, client):
        alice = await publisher(client)
        emulator.faults.add("omit operation=close_tracks field=item track=camera nth=1")
        result = await alice.close_tracks(["0", "1"], force=True)
        assert [item.mid for item in result.items] == ["0"]


@pytest.mark.looptime
async def test_an_answer_that_is_late_is_an_unknown_outcome():
    async with meeting() as (emulator, client):
        session = await client.new_session()
        emulator.faults.delay = 60.0
        start = asyncio.get_running_loop().time()
        with pytest.raises(OutcomeUnknownError, match="within 20 s"):
            await session.publish(describe(*SECTIONS), TRACKS)
        assert asyncio.get_running_loop().time() - start == pytest.approx(20)


@pytest.mark.looptime
async def test_a_call_that_the_service_holds_for_a_silent_track_ends_by_itself():
    async with meeting() as (emulator, client):
        alice, bob = await client.new_session(), await client.new_session()
        await alice.publish(describe(*SECTIONS), TRACKS)
        emulator.faults.silence(alice.id)
        await asyncio.sleep(5)
        start = asyncio.get_running_loop().time()
        (failed,) = (await bob.subscribe([RemoteTrack(alice.id, "microphone")])).failed
        assert failed.error.code == "empty_track_error"
        assert asyncio.get_running_loop().time() - start > 8


@pytest.mark.looptime
async def test_a_rate_limit_says_when_to_come_back_and_the_call_does():
    async with meeting() as (emulator, client):
        emulator.faults.answer_with("new_session", 429, code="rate_limited", retry_after=3)
        assert (await client.new_session()).id
        assert asyncio.get_running_loop().time() == pytest.approx(3, abs=0.1)
        emulator.faults.answer_with("new_session", 429, code="rate_limited", retry_after=3)
        with pytest.raises(RateLimitError) as caught:
            await client.with_options(max_retries=0).new_session()
        assert caught.value.retry_after == 3


def block(base_url):
    """A publisher and a subscriber, one blocking call after the other."""
    with Realtime("demo", "secret", base_url=base_url) as client:
        alice, bob = client.new_session(), client.new_session()
        alice.publish(describe(*SECTIONS), TRACKS)
        offered = bob.subscribe(of(alice, *EVERYTHING))
        bob.renegotiate(answer(offered.description.sdp))
        received = [track.track_name for track in bob.get_state().tracks]
        closed = bob.close_tracks(offered.by_mid, force=True).closed_mids
        return received, closed == offered.by_mid.keys()


async def test_the_blocking_client_does_the_same_over_a_real_server():
    at_once = ManualMediaPlane(connect_after=0)
    async with Emulator(media=at_once) as emulator, emulator.serve() as base_url:
        assert await asyncio.to_thread(block, base_url) == (list(EVERYTHING), True)
        assert emulator.journal()["breaches"] == []
