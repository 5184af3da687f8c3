"""Sessions that die, fall silent and lose their network, and time that runs, on demand."""

from __future__ import annotations

import asyncio

import httpx
import pytest

from cfrealtime.emulator import Emulator, ManualMediaPlane
from cfrealtime.emulator.limits import PACKETS_WAIT
from tests.cfrealtime.emulator.data_peer import DataPeer, heard, told
from tests.cfrealtime.emulator.peer import Peer, client_of, codes, remote
from tests.cfrealtime.emulator.test_tracks import publisher

pytestmark = pytest.mark.looptime


def events(emulator: Emulator, session_id: str) -> list[tuple[str, str]]:
    found = emulator.journal(session_id=session_id)["events"]
    return [(event["event"], event["detail"]) for event in found if event["event"] != "session_connected"]


def active(emulator: Emulator) -> list[str]:
    return [track["track_name"] for track in emulator.active_tracks()]


async def rings(client: httpx.AsyncClient, peer: Peer, name: str) -> str | None:
    """What somebody new finds who subscribes."""
    viewer = await Peer.join(client)
    return codes(await viewer.post_tracks([remote(peer.id, name)]))[0]


async def test_a_session_ends_at_once():
    emulator = Emulator()
    async with client_of(emulator) as client:
        peer = await publisher(client, "mic")
        emulator.faults.kill_session(peer.id)
        assert (await peer.get()).status_code == 410
        assert events(emulator, peer.id) == [
            ("fault", f"kill_session session={peer.id}"),
            ("session_ended", "a fault ended it"),
        ]
        assert emulator.state()["sessions"][0]["ended_because"] == "a fault ended it"


async def test_a_session_ends_before_its_second_call():
    emulator = Emulator()
    emulator.faults.add("kill_session operation=new_tracks nth=2")
    async with client_of(emulator) as client:
        peer = await publisher(client, "mic")
        assert (await peer.publish("camera")).status_code == 410
        assert emulator.journal()["calls"][-1]["faults"] == ["kill_session"]


async def test_a_session_that_is_not_there_cannot_end():
    emulator = Emulator()
    async with emulator:
        with pytest.raises(ValueError, match="There is no session nobody that could end"):
            emulator.faults.kill_session("nobody")


async def test_a_silent_publisher_is_not_found_and_collected():
    emulator = Emulator()
    async with client_of(emulator) as client:
        peer = await publisher(client, "mic", "camera")
        emulator.faults.silence(peer.id, "mic")
        assert emulator.state()["sessions"][0]["faults"] == [f"silence session={peer.id} track=mic"]
        await asyncio.sleep(3)
        assert await rings(client, peer, "mic") == "empty_track_error"
        assert await rings(client, peer, "camera") is None
        await asyncio.sleep(30)
        assert "mic" not in active(emulator)
        assert ("track_collected", "mic") in events(emulator, peer.id)


async def test_a_publisher_is_heard_again_when_its_silence_is_over():
    emulator = Emulator()
    async with client_of(emulator) as client:
        peer = await publisher(client, "mic")
        fault = emulator.faults.silence(peer.id)
        await asyncio.sleep(10)
        assert await rings(client, peer, "mic") == "empty_track_error"
        emulator.faults.remove(fault)
        assert await rings(client, peer, "mic") is None
        assert events(emulator, peer.id)[-1] == ("fault_removed", f"silence session={peer.id}")


async def test_the_messages_of_a_silent_session_arrive_no_more():
    media = ManualMediaPlane()
    emulator = Emulator(media=media)
    async with client_of(emulator) as client:
        speaker, viewer = await DataPeer.connected(client), await DataPeer.connected(client)
        chat, files = await speaker.open(told("chat"), told("files"))
        mine, _ = await viewer.open(
            heard(speaker.id, "chat", canReply=True, waitForAck=True), heard(speaker.id, "files")
        )
        silence = emulator.faults.silence(viewer.id)
        media.say(viewer.id, mine, "nobody takes this for an acknowledgement")
        emulator.faults.silence(speaker.id, "files")
        emulator.faults.remove(silence)
        media.say(viewer.id, mine, "ready")
        media.say(viewer.id, mine, "a reply")
        media.say(speaker.id, chat, "heard")
        media.say(speaker.id, files, "not heard")
        assert media.messages(speaker.id, chat) == ("a reply",)
        assert media.messages(viewer.id, mine) == ("heard",)
        assert media.messages(viewer.id, mine + 1) == ()
        emulator.faults.clear()
        media.say(speaker.id, files, "heard again")
        assert media.messages(viewer.id, mine + 1) == ("heard again",)


async def test_a_session_without_network_recovers_in_time_or_ends():
    emulator = Emulator()
    emulator.faults.add("cut session=#2")
    async with client_of(emulator) as client:
        peer, late = await publisher(client, "mic"), await publisher(client, "mic")
        assert [session["connected"] for session in emulator.state()["sessions"]] == [True, False]
        fault = emulator.faults.cut(peer.id)
        await asyncio.sleep(20)
        emulator.faults.remove(fault)
        await asyncio.sleep(1)
        assert emulator.state()["sessions"][0]["connected"]
        emulator.faults.cut(peer.id)
        await asyncio.sleep(31)
        assert (await peer.get()).status_code == 410
        emulator.faults.clear()
        await asyncio.sleep(1)
        assert (await late.get()).status_code == 200
        assert [kind for kind, _ in events(emulator, peer.id) if kind.startswith("connection")] == [
            "connection_lost",
            "connection_recovered",
            "connection_lost",
        ]


@pytest.mark.parametrize(("speed", "seconds"), [(10, 3.0), (0.5, 60.0)])
async def test_time_can_pass_faster_and_slower(speed, seconds):
    emulator = Emulator()
    async with client_of(emulator) as client:
        peer = await publisher(client, "mic")
        emulator.faults.silence(peer.id)
        emulator.faults.add(f"clock speed={speed}")
        await asyncio.sleep(seconds - 0.2)
        assert active(emulator) == ["mic"]
        await asyncio.sleep(0.4)
        assert active(emulator) == []
        assert emulator.state()["clock_speed"] == speed


@pytest.mark.parametrize("speed", [10, 3, 7])
async def test_waiting_takes_as_long_as_the_emulators_time_does(speed):
    emulator = Emulator()
    emulator.faults.add(f"clock speed={speed}")
    async with client_of(emulator) as client:
        peer = await publisher(client, "mic")
        emulator.faults.silence(peer.id)
        await asyncio.sleep(1)
        came = asyncio.get_running_loop().time()
        assert await rings(client, peer, "mic") == "empty_track_error"
        assert asyncio.get_running_loop().time() - came == pytest.approx(PACKETS_WAIT / speed, abs=0.02)


async def test_what_held_from_the_start_is_noted_and_can_be_cleared_after_the_end():
    emulator = Emulator()
    emulator.faults.add("silence session=#1")
    async with client_of(emulator) as client:
        await publisher(client, "mic")
        first = emulator.journal()["events"][0]
        assert (first["event"], first["detail"], first["at"]) == ("fault", "silence session='#1'", 0.0)
    emulator.faults.clear()
    await asyncio.sleep(1)
    assert emulator.journal()["events"][-1]["event"] == "session_connected"
