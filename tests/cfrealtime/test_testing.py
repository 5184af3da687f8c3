"""An emulator in the process of a test: both colours, from every thread and loop, in whose time it may be."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
import time
import unittest

import pytest

from cfrealtime import LocalTrack, OutcomeUnknownError, Realtime, RemoteTrack, SessionGoneError
from cfrealtime.testing import InProcessEmulator
from tests.cfrealtime.colours import run_alone
from tests.cfrealtime.emulator.sdp.endpoint import M, answer, describe

OFFER = describe(M("audio", "0"))
TRACKS = [LocalTrack("0", "microphone")]


def test_blocking_code_publishes_and_subscribes_without_waiting():
    began = time.monotonic()
    with InProcessEmulator() as emulator:
        alice, bob = emulator.realtime.new_session(), emulator.realtime.new_session()
        alice.publish(OFFER, TRACKS)
        offered = bob.subscribe([RemoteTrack(alice.id, "microphone"), RemoteTrack(alice.id, "camera")])
        bob.renegotiate(answer(offered.description.sdp))
        assert [track.session_id for track in bob.get_state().tracks] == [alice.id]
        assert len(emulator.active_tracks()) == 2
        assert emulator.count("new_tracks") == 2
    assert emulator.journal()["breaches"] == []
    assert len(emulator.state()["sessions"]) == 2
    assert time.monotonic() - began < 4.5  # the service would have waited for 5 s


def test_time_goes_by_when_blocking_code_says_so():
    with InProcessEmulator() as emulator:
        session = emulator.realtime.new_session()
        session.publish(OFFER, TRACKS)
        emulator.pass_time(1)
        emulator.media.kill(session.id)
        emulator.pass_time(60)
        with pytest.raises(SessionGoneError):
            session.get_state()


def test_faults_reach_blocking_code():
    with InProcessEmulator() as emulator:
        session = emulator.realtime.new_session()
        emulator.faults.lose_answer("new_tracks")
        with pytest.raises(OutcomeUnknownError):
            session.publish(OFFER, TRACKS)
        assert len(session.get_state().tracks) == 1


def test_faults_that_happen_at_once_reach_blocking_code():
    with InProcessEmulator() as emulator:
        session = emulator.realtime.new_session()
        session.publish(OFFER, TRACKS)
        emulator.faults.kill_session(session.id)
        with pytest.raises(SessionGoneError):
            session.get_state()
        emulator.assert_no_leaks()


def test_faults_that_hold_do_so_until_blocking_code_takes_them_back():
    with InProcessEmulator() as emulator:
        alice, bob = emulator.realtime.new_session(), emulator.realtime.new_session()
        alice.publish(OFFER, TRACKS)
        silence = emulator.faults.silence(alice.id, "microphone")
        emulator.pass_time(10)
        (failed,) = bob.subscribe([RemoteTrack(alice.id, "microphone")]).failed
        assert failed.error.code == "empty_track_error"
        emulator.faults.remove(silence)
        emulator.pass_time(1)
        assert not bob.subscribe([RemoteTrack(alice.id, "microphone")]).failed


def test_a_network_that_is_cut_for_too_long_ends_the_session_in_blocking_code():
    with InProcessEmulator() as emulator:
        brief, long = emulator.realtime.new_session(), emulator.realtime.new_session()
        for session in (brief, long):
            session.publish(OFFER, TRACKS)
            emulator.pass_time(1)
            emulator.faults.cut(session.id)
        emulator.pass_time(20)
        emulator.faults.clear()
        emulator.faults.cut(long.id)
        emulator.pass_time(60)
        assert len(brief.get_state().tracks) == 1
        with pytest.raises(SessionGoneError):
            long.get_state()


def test_the_seed_decides_which_calls_meet_their_fate_by_chance():
    def fates(emulator: InProcessEmulator) -> list[bool]:
        emulator.faults.add("refuse probability=0.5")
        client = emulator.realtime.with_options(max_retries=0)
        return [_lost(client) for _ in range(20)]

    with InProcessEmulator(seed=7) as first, InProcessEmulator() as second, InProcessEmulator() as third:
        second.faults.seed = 7
        assert fates(first) == fates(second) != fates(third)


def _lost(client: Realtime) -> bool:
    try:
        client.new_session()
    except OutcomeUnknownError:
        return True
    return False


async def test_every_part_can_be_touched_from_another_thread():
    async with InProcessEmulator() as emulator:
        session = await emulator.async_realtime.new_session()
        await session.publish(OFFER, TRACKS)
        await asyncio.to_thread(emulator.faults.kill_session, session.id)
        assert emulator.active_tracks() == []


def test_a_late_answer_is_an_unknown_outcome_without_waiting_for_it():
    with InProcessEmulator() as emulator:
        session = emulator.realtime.new_session()
        emulator.faults.delay = 60
        with pytest.raises(OutcomeUnknownError, match="within 20 s"):
            session.publish(OFFER, TRACKS)


@pytest.mark.looptime
async def test_async_code_lives_in_the_time_of_its_loop():
    async with InProcessEmulator() as emulator:
        session = await emulator.async_realtime.new_session()
        emulator.faults.delay = 60
        start = asyncio.get_running_loop().time()
        with pytest.raises(OutcomeUnknownError):
            await session.publish(OFFER, TRACKS)
        assert asyncio.get_running_loop().time() - start == pytest.approx(20)
        emulator.faults.clear()
        unused = await emulator.async_realtime.new_session()
        await asyncio.sleep(120)
        with pytest.raises(SessionGoneError):
            await unused.get_state()


async def test_both_colours_meet_on_one_emulator():
    async with InProcessEmulator() as emulator:
        alice = await emulator.async_realtime.new_session()
        bob = await asyncio.to_thread(emulator.realtime.new_session)
        assert {session["session_id"] for session in emulator.state()["sessions"]} == {alice.id, bob.id}


async def test_a_blocking_call_that_comes_first_is_joined_by_async_ones():
    emulator = InProcessEmulator()
    session = await asyncio.to_thread(emulator.realtime.new_session)
    assert (await emulator.async_realtime.session(session.id).get_state()).tracks == ()
    await asyncio.to_thread(emulator.close)


async def test_a_blocking_call_on_the_loop_is_refused_and_says_what_to_do():
    async with InProcessEmulator() as emulator:
        with pytest.raises(RuntimeError, match=r"asyncio\.to_thread"):
            emulator.realtime.new_session()


def test_a_program_with_a_loop_for_each_request_finds_one_emulator():
    with InProcessEmulator() as emulator:
        session = run_alone(emulator.async_realtime.new_session())
        assert run_alone(emulator.async_realtime.session(session.id).get_state()).tracks == ()
        assert emulator.realtime.session(session.id).get_state().tracks == ()


async def test_another_loop_that_runs_beside_is_served_by_the_first():
    async with InProcessEmulator() as emulator:
        ours = await emulator.async_realtime.new_session()
        beside = emulator.async_realtime.session(ours.id)
        state = await asyncio.to_thread(lambda: run_alone(beside.get_state()))
        assert state.tracks == ()


def test_a_loop_that_has_ended_is_named():
    emulator = InProcessEmulator()
    run_alone(emulator.async_realtime.new_session())
    with pytest.raises(RuntimeError, match="not running"):
        emulator.realtime.new_session()


def test_threads_take_turns():
    with InProcessEmulator() as emulator:
        threads = [threading.Thread(target=emulator.realtime.new_session) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert emulator.count("new_session") == 8


def test_an_emulator_serves_one_loop_after_the_other():
    emulator = InProcessEmulator()

    async def life():
        async with emulator, emulator:
            return (await emulator.async_realtime.new_session()).id

    assert run_alone(life()) != run_alone(life())


def test_turn_credentials_are_there_too():
    with InProcessEmulator() as emulator:
        turn = emulator.realtime.turn("demo-turn", "turn-secret")
        username = turn.generate_ice_servers(60).servers[1].username
        turn.revoke(username)
        assert [credential["revoked"] for credential in emulator.state()["turn_credentials"]] == [True]


class Unittest(unittest.TestCase):
    def setUp(self):
        self.emulator = self.enterContext(InProcessEmulator())

    def test_unittest_enters_it_as_a_context(self):
        assert self.emulator.realtime.new_session().id


def test_without_the_extra_it_says_what_to_install():
    code = "import sys; sys.modules['starlette'] = None; import cfrealtime.testing"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "pip install 'cfrealtime[emulator]'" in done.stderr.splitlines()[-1]
