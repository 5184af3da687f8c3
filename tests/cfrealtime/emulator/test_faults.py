"""Failures on demand."""

from __future__ import annotations

import asyncio

import pytest

from cfrealtime.emulator import ConnectionDroppedError, Emulator
from tests.cfrealtime.emulator.peer import Peer, client_of, codes, remote
from tests.cfrealtime.emulator.test_tracks import publisher

pytestmark = pytest.mark.looptime


async def test_every_answer_takes_the_delay():
    emulator = Emulator()
    emulator.faults.delay = 0.1
    async with client_of(emulator) as client:
        peer = await Peer.join(client)
        await peer.get()
        assert asyncio.get_running_loop().time() == pytest.approx(0.2)


async def test_a_lost_answer_has_landed():
    emulator = Emulator()
    async with client_of(emulator) as client:
        peer = await Peer.join(client)
        emulator.faults.lose_answer("new_tracks", nth=2)
        assert codes(await peer.publish("mic")) == [None]
        with pytest.raises(ConnectionDroppedError):
            await peer.publish("camera")
        assert {track["track_name"] for track in emulator.active_tracks()} == {"mic", "camera"}
        assert emulator.journal()["calls"][-1]["status"] == 200


async def test_a_refused_call_has_no_effect():
    emulator = Emulator()
    async with client_of(emulator) as client:
        peer = await Peer.join(client)
        emulator.faults.refuse("new_tracks", session_id=peer.id)
        with pytest.raises(ConnectionDroppedError):
            await peer.publish("mic")
        assert emulator.active_tracks() == []
        assert emulator.journal()["calls"][-1]["status"] is None
        assert codes(await peer.publish("mic")) == [None]


async def test_a_call_is_answered_with_the_status_asked_for():
    emulator = Emulator()
    async with client_of(emulator) as client:
        emulator.faults.answer_with("new_session", 503, code="backend_error", retry_after=3, nth=None)
        for _ in range(2):
            response = await client.post("/v1/apps/demo/sessions/new")
            assert (response.status_code, response.json()["errorCode"]) == (503, "backend_error")
            assert response.headers["Retry-After"] == "3"
        emulator.faults.clear()
        assert (await client.post("/v1/apps/demo/sessions/new")).status_code == 201


async def test_a_chosen_track_fails_as_often_as_asked():
    emulator = Emulator()
    async with client_of(emulator) as client:
        source, viewer = await publisher(client, "mic", "camera"), await Peer.join(client)
        emulator.faults.fail_track("mic", "backend_error", times=1)
        wanted = [remote(source.id, "mic"), remote(source.id, "camera")]
        assert codes(await viewer.post_tracks(wanted)) == ["backend_error", None]
        other = await Peer.join(client)
        assert codes(await other.post_tracks(wanted)) == [None, None]


async def test_pointing_a_mid_elsewhere_may_be_unsupported_while_layers_are():
    emulator = Emulator()
    emulator.faults.repointing = False
    async with client_of(emulator) as client:
        source, other = await publisher(client, "mic"), await publisher(client, "mic")
        viewer = await Peer.join(client)
        (mid,) = await viewer.subscribe(remote(source.id, "mic"))
        await asyncio.sleep(1)
        response = await viewer.update(
            remote(other.id, "mic", mid=mid), remote(source.id, "mic", mid=mid), {"mid": mid}
        )
        assert codes(response) == ["update_track_error", None, None]
