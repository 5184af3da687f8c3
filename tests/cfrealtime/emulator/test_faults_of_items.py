"""Tracks and data channels that fail one by one inside a 200, or are missing in it, on demand."""

from __future__ import annotations

import asyncio

import pytest

from cfrealtime.emulator import ConnectionDroppedError, Emulator
from tests.cfrealtime.emulator.data_peer import DataPeer, channel_codes, heard, told
from tests.cfrealtime.emulator.peer import Peer, client_of, codes, remote
from tests.cfrealtime.emulator.sdp.endpoint import M, describe
from tests.cfrealtime.emulator.test_faults import careless
from tests.cfrealtime.emulator.test_tracks import publisher

pytestmark = pytest.mark.looptime


async def two_microphones(client) -> tuple[Peer, Peer, Peer]:
    """Two who publish under the same name, and somebody who can receive both."""
    return await publisher(client, "mic"), await publisher(client, "mic"), await Peer.join(client)


async def test_two_tracks_of_one_name_are_two_items():
    emulator = Emulator()
    async with client_of(emulator) as client:
        ann, bob, viewer = await two_microphones(client)
        emulator.faults.add("item_error track=mic times=1")
        response = await viewer.post_tracks([remote(ann.id, "mic"), remote(bob.id, "mic")])
        assert codes(response) == ["internal_error", None]
        assert emulator.faults.view()["faults"] == []


@pytest.mark.parametrize("by", ["id", "number"])
async def test_the_track_of_one_publisher_can_be_chosen(by):
    emulator = Emulator()
    async with client_of(emulator) as client:
        ann, bob, viewer = await two_microphones(client)
        emulator.faults.fail_track("mic", "backend_error", publisher=bob.id if by == "id" else "#2")
        emulator.faults.fail_track("mic", "empty_track_error", publisher="#7")
        response = await viewer.post_tracks([remote(ann.id, "mic"), remote(bob.id, "mic")])
        assert codes(response) == [None, "backend_error"]


async def test_a_call_can_be_waited_for_by_whose_track_it_is_about():
    emulator = Emulator()
    async with client_of(emulator) as client:
        ann, bob, viewer = await two_microphones(client)
        emulator.faults.add("refuse track=mic publisher=#2")
        (mid,) = await viewer.subscribe(remote(ann.id, "mic"))
        with pytest.raises(ConnectionDroppedError):
            await viewer.subscribe(remote(bob.id, "mic"))
        assert codes(await viewer.force_close(mid)) == [None]
        with pytest.raises(ConnectionDroppedError):
            await bob.force_close("0")


async def test_an_update_fails_by_what_its_mid_carries():
    emulator = Emulator()
    async with client_of(emulator) as client:
        ann, viewer = await publisher(client, "mic", "camera"), await Peer.join(client)
        mids = await viewer.subscribe(remote(ann.id, "mic"), remote(ann.id, "camera"))
        await asyncio.sleep(1)
        emulator.faults.add("item_error operation=update_tracks track=camera publisher=#1")
        response = await viewer.update(*({"mid": mid} for mid in mids))
        assert codes(response) == [None, "internal_error"]


async def test_a_data_channel_fails_by_its_id():
    emulator = Emulator()
    async with client_of(emulator) as client:
        speaker, viewer = await DataPeer.connected(client), await DataPeer.connected(client)
        await speaker.open(told("chat"))
        (channel,) = await viewer.open(heard(speaker.id, "chat"))
        emulator.faults.add("item_error track=chat publisher=#1 times=2")
        assert channel_codes(await viewer.update_channels({"id": channel})) == ["internal_error"]
        assert channel_codes(await viewer.close_channels(channel)) == ["internal_error"]
        assert channel_codes(await viewer.close_channels(channel)) == [None]


async def test_a_track_that_is_discovered_fails_too():
    emulator = Emulator()
    async with client_of(emulator) as client:
        peer = await Peer.join(client)
        emulator.faults.add("item_error operation=new_tracks nth=2")
        offer = {"type": "offer", "sdp": describe(M("audio", "0"), M("video", "1"))}
        response = await peer.post_tracks([], autoDiscover=True, sessionDescription=offer)
        assert codes(response) == [None, "internal_error"]


async def test_items_of_an_invalid_call_use_nothing_up():
    emulator = Emulator()
    async with client_of(emulator) as client:
        peer = await Peer.join(client)
        emulator.faults.fail_track("mic", "backend_error", times=1)
        offer = {"type": "offer", "sdp": describe(M("audio", "0", "recvonly"))}
        track = {"location": "local", "mid": "0", "trackName": "mic"}
        assert (await peer.post_tracks([track], sessionDescription=offer)).status_code == 400
        assert codes(await peer.publish("mic")) == ["backend_error"]


@pytest.mark.parametrize("field", ["sessionDescription", "requiresImmediateRenegotiation", "tracks"])
async def test_an_answer_lacks_a_field_of_which_the_journal_knows(field):
    emulator = Emulator()
    emulator.faults.add(f"omit field={field} operation=new_tracks nth=2")
    async with careless(emulator) as client:
        ann, viewer = await publisher(client, "mic"), await Peer.join(client)
        response = await viewer.post_tracks([remote(ann.id, "mic")])
        fields = {"sessionDescription", "requiresImmediateRenegotiation", "tracks"}
        assert (response.status_code, set(response.json())) == (200, fields - {field})
        call = emulator.journal()["calls"][-1]
        assert (call["faults"], call["made"]) == (["omit"], ["s0"])


async def test_an_answer_does_not_name_one_of_its_items():
    emulator = Emulator()
    async with careless(emulator) as client:
        peer = await publisher(client, "mic", "camera")
        emulator.faults.add("omit field=item track=camera nth=1")
        assert (await peer.force_close("0", "1")).json()["tracks"] == [{"mid": "0"}]
        assert emulator.active_tracks() == []


async def test_a_field_that_an_answer_does_not_have_is_left_out_of_the_next():
    emulator = Emulator()
    emulator.faults.add("omit field=sessionDescription nth=1")
    async with careless(emulator) as client:
        peer = await Peer.join(client)
        assert codes(await peer.post_tracks([remote("nobody", "mic")])) == ["not_found_track_error"]
        assert emulator.journal()["calls"][-1]["faults"] == []
        assert "sessionDescription" not in (await peer.publish("mic")).json()
