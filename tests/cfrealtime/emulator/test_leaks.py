"""What is left at the end of a test, and who left it."""

from __future__ import annotations

import asyncio

import pytest

from cfrealtime.emulator import Emulator
from tests.cfrealtime.emulator.adapters.calls import egress, emulator_for, made
from tests.cfrealtime.emulator.adapters.endpoint import Endpoint
from tests.cfrealtime.emulator.data_peer import DataPeer, told
from tests.cfrealtime.emulator.peer import APP, Peer, client_of, remote
from tests.cfrealtime.emulator.test_tracks import publisher

pytestmark = pytest.mark.looptime


def left(emulator: Emulator) -> list[str]:
    """The lines of the complaint."""
    with pytest.raises(AssertionError) as error:
        emulator.assert_no_leaks()
    first, *lines = str(error.value).splitlines()
    assert first == "The emulator still holds:"
    return lines


async def test_nothing_is_left_of_sessions_and_of_what_was_closed():
    emulator = Emulator()
    async with client_of(emulator) as client:
        source, viewer = await publisher(client, "mic"), await Peer.join(client)
        await viewer.subscribe(remote(source.id, "mic"))
        await viewer.force_close("s0")
        await source.force_close("0")
        emulator.assert_no_leaks()


async def test_tracks_are_left_by_the_calls_that_made_them():
    emulator = Emulator()
    async with client_of(emulator) as client:
        source = await publisher(client, "mic")
        labelled = (await client.post(f"{APP}/sessions/new?correlationId=bob")).json()["sessionId"]
        viewer = Peer(client, labelled)
        await viewer.subscribe(remote(source.id, "mic"))
        assert left(emulator) == [
            f'- session {source.id} publishes "mic" (mid 0), since call 2 (new_tracks)',
            f'- session {viewer.id} (bob) receives "mic" of session {source.id} (mid s0), '
            "since call 4 (new_tracks)",
        ]


async def test_a_session_that_died_holds_nothing():
    emulator = Emulator()
    async with client_of(emulator) as client:
        source = await publisher(client, "mic")
        emulator.media.kill(source.id)
        emulator.assert_no_leaks()


async def test_an_unanswered_offer_is_left():
    emulator = Emulator()
    async with client_of(emulator) as client:
        source, viewer = await publisher(client, "mic"), await Peer.join(client)
        await viewer.post_tracks([remote(source.id, "mic")])
        await source.force_close("0")
        assert left(emulator) == [
            f"- session {viewer.id} has not answered an offer, since call 4 (new_tracks)",
        ]


async def test_a_call_that_nobody_waited_for_is_left():
    emulator = Emulator()
    emulator.faults.delay = 5
    async with client_of(emulator) as client:
        waiting = asyncio.create_task(Peer.join(client))
        await asyncio.sleep(1)
        assert left(emulator) == ["- call 1 (new_session) is being handled"]
        await waiting
        emulator.assert_no_leaks()


async def test_data_channels_are_left_but_not_the_services_own():
    emulator = Emulator()
    async with client_of(emulator) as client:
        peer = await DataPeer.connected(client)
        emulator.assert_no_leaks()
        (channel,) = await peer.open(told("chat"))
        assert left(emulator) == [
            f'- session {peer.id} speaks on data channel "chat" (id {channel}), '
            "since call 4 (new_datachannels)"
        ]


async def test_adapters_are_left_without_their_tokens_and_their_losses_are_noted():
    endpoint = Endpoint()
    emulator = emulator_for(endpoint)
    async with client_of(emulator) as client:
        peer = await publisher(client, "mic")
        adapter = (await made(client, egress(peer.id)))["adapterId"]
        assert left(emulator)[1:] == [
            f'- adapter {adapter} (bot.example) sends "mic" of session {peer.id}, '
            "since call 3 (new_websocket_adapters)"
        ]
        await peer.force_close("0")
        emulator.assert_no_leaks()
        told_of = [event for event in emulator.journal()["events"] if event["event"].startswith("adapter")]
        assert [(event["event"], event["session_id"]) for event in told_of] == [
            ("adapter_connected", peer.id),
            ("adapter_closed", peer.id),
        ]
        assert told_of[1]["detail"] == f'{adapter} (bot.example, "mic"): its track has ended'


async def test_an_adapter_that_loses_its_socket_and_gets_another_is_noted():
    endpoint = Endpoint()
    emulator = emulator_for(endpoint)
    async with client_of(emulator) as client:
        peer = await publisher(client, "mic")
        await made(client, egress(peer.id))
        endpoint.lines[0].hang_up()
        await asyncio.sleep(1)
        told_of = [event["event"] for event in emulator.journal()["events"]]
        assert told_of[1:] == ["adapter_connected", "adapter_lost", "adapter_recovered"]
