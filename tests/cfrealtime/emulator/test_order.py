"""One mutation of a session at a time: what is refused, and what the journal says of it."""

from __future__ import annotations

import asyncio

import httpx
import pytest

from cfrealtime.emulator import Emulator, ManualMediaPlane
from tests.cfrealtime.emulator.peer import Peer, client_of, codes, remote
from tests.cfrealtime.emulator.sdp.endpoint import answer, describe
from tests.cfrealtime.emulator.test_tracks import publisher

pytestmark = pytest.mark.looptime


def out_of_order(response: httpx.Response) -> bool:
    return (response.status_code, response.json()["errorCode"]) == (406, "invalid_session_description")


def rules(emulator: Emulator) -> list[str]:
    return [breach["rule"] for breach in emulator.journal()["breaches"]]


async def open_exchange(client: httpx.AsyncClient) -> tuple[Peer, str]:
    """A viewer who was sent an offer and has not answered."""
    source, viewer = await publisher(client, "mic"), await Peer.join(client)
    response = await viewer.post_tracks([remote(source.id, "mic")])
    return viewer, response.json()["sessionDescription"]["sdp"]


async def test_every_mutation_is_refused_while_an_offer_waits_for_its_answer():
    emulator = Emulator()
    async with client_of(emulator) as client:
        viewer, offer = await open_exchange(client)
        assert emulator.state()["sessions"][1]["exchange"] == "awaiting_answer"
        assert out_of_order(await viewer.publish("mic"))
        assert out_of_order(await viewer.post_tracks([remote("x", "a")]))
        assert out_of_order(await viewer.update(remote("x", "a", mid="s0")))
        assert out_of_order(await viewer.close("s0"))
        assert rules(emulator) == ["exchange_open"] * 4
        assert (await viewer.answer(offer)).status_code == 200
        assert codes(await viewer.publish("mic")) == [None]


async def test_looking_and_closing_by_force_need_no_exchange():
    emulator = Emulator()
    async with client_of(emulator) as client:
        viewer, offer = await open_exchange(client)
        assert (await viewer.get()).json()["tracks"][0]["mid"] == "s0"
        assert codes(await viewer.force_close("s0")) == [None]
        assert (await viewer.answer(offer)).status_code == 200
        assert emulator.active_tracks(viewer.id) == []
        assert rules(emulator) == []


async def test_an_answer_nobody_asked_for_is_a_breach_and_so_is_a_second_one():
    emulator = Emulator()
    async with client_of(emulator) as client:
        viewer, offer = await open_exchange(client)
        assert (await viewer.answer(offer)).status_code == 200
        assert out_of_order(await viewer.renegotiate(answer(offer)))
        assert rules(emulator) == ["answer_without_offer"]


async def test_an_answer_that_does_not_fit_leaves_the_exchange_open():
    emulator = Emulator()
    async with client_of(emulator) as client:
        viewer, offer = await open_exchange(client)
        assert out_of_order(await viewer.renegotiate(describe(setup="active")))
        assert out_of_order(await viewer.renegotiate(offer, "offer"))
        assert rules(emulator) == []
        assert (await viewer.answer(offer)).status_code == 200


async def test_calls_that_overlap_on_one_session_are_refused_and_noted():
    emulator = Emulator(media=ManualMediaPlane(connect_after=2))
    async with client_of(emulator) as client:
        peer = await Peer.join(client)
        await peer.publish("mic")
        waiting = asyncio.create_task(peer.post_tracks([remote(peer.id, "mic")]))
        await asyncio.sleep(1)
        assert out_of_order(await peer.publish("camera"))
        assert out_of_order(await peer.force_close("0"))
        assert codes(await waiting) == [None]
        assert rules(emulator) == ["overlapping_mutations"] * 2
        assert emulator.journal()["breaches"][0] == {
            "n": 4,
            "session_id": peer.id,
            "rule": "overlapping_mutations",
            "detail": "new_tracks came while new_tracks of the same session was being handled",
        }


async def test_different_sessions_do_not_wait_for_each_other():
    emulator = Emulator(media=ManualMediaPlane(connect_after=2))
    async with client_of(emulator) as client:
        first, second = await Peer.join(client), await Peer.join(client)
        await first.publish("mic")
        waiting = asyncio.create_task(first.post_tracks([remote(first.id, "mic")]))
        await asyncio.sleep(1)
        assert codes(await second.publish("mic")) == [None]
        await waiting
        assert rules(emulator) == []


async def test_a_call_lands_though_its_caller_has_gone_and_may_be_cleaned_up_by_force():
    emulator = Emulator(media=ManualMediaPlane(connect_after=2))
    async with client_of(emulator) as client:
        peer = await Peer.join(client)
        await peer.publish("mic")
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(peer.post_tracks([remote(peer.id, "mic")]), 1)
        assert out_of_order(await peer.publish("camera"))
        assert codes(await peer.force_close("0")) == [None]
        await asyncio.sleep(2)
        assert rules(emulator) == ["overlapping_mutations"]
        assert emulator.journal()["calls"][2]["item_errors"] == ["not_found_track_error"]
        assert [call["n"] for call in emulator.journal()["calls"] if call["abandoned"]] == [3]


async def test_a_call_that_comes_in_after_its_caller_has_gone_stops_no_forced_close():
    emulator = Emulator()
    async with client_of(emulator) as client:
        peer = await Peer.join(client)
        await peer.publish("mic")
        emulator.faults.add("delay_request seconds=2 operation=close_tracks nth=1")
        emulator.faults.add("delay seconds=5 operation=close_tracks nth=1")
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(peer.force_close("0"), 1)
        await asyncio.sleep(2)
        assert (await peer.force_close("0")).status_code == 200
        assert rules(emulator) == []


async def test_a_call_that_comes_in_after_its_caller_has_gone_is_refused_and_no_breach():
    emulator = Emulator()
    async with client_of(emulator) as client:
        peer = await Peer.join(client)
        await peer.publish("mic")
        emulator.faults.add("delay_request seconds=2 operation=close_tracks nth=1")
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(peer.force_close("0"), 1)
        emulator.faults.add("delay seconds=5 operation=close_tracks nth=1")
        assert (await peer.force_close("0")).status_code == 200
        assert emulator.journal()["calls"][2]["status"] == 406
        assert rules(emulator) == []


async def test_a_call_is_over_when_its_caller_has_gone_and_only_its_answer_was_late():
    emulator = Emulator()
    async with client_of(emulator) as client:
        peer = await Peer.join(client)
        emulator.faults.add("delay seconds=5 operation=new_tracks nth=1")
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(peer.publish("mic"), 1)
        assert (await peer.force_close("0")).status_code == 200
        assert codes(await peer.publish("camera")) == [None]
        assert rules(emulator) == []


async def test_the_journal_tells_each_call_and_its_outcome():
    emulator = Emulator()
    async with client_of(emulator) as client:
        peer = await Peer.join(client)
        await asyncio.sleep(1)
        await peer.post_tracks([remote("x", "a"), remote("x", "b")])
        await client.put(f"{peer.path}/tracks/update", content=b"{")
        calls = (await client.get("/_emulator/journal")).json()["calls"]
        common = {"app_id": "demo", "session_id": peer.id, "made": [], "faults": [], "seconds": 0.0}
        common["abandoned"] = False
        fine = {"error_code": None, "item_errors": []}
        nothing = {"tracks": 0, "track_names": []}
        named = {"tracks": 2, "track_names": ["a", "b"]}
        failed = {"error_code": None, "item_errors": ["not_found_track_error"] * 2}
        broken = {"error_code": "decoding_error", "item_errors": []}
        opened = {"n": 1, "at": 0.0, "session_id": None, "operation": "new_session", "status": 201}
        assert calls == [
            common | nothing | fine | opened,
            common | named | failed | {"n": 2, "at": 1.0, "operation": "new_tracks", "status": 200},
            common | nothing | broken | {"n": 3, "at": 1.0, "operation": "update_tracks", "status": 400},
        ]
        assert (emulator.count(), emulator.count("new_tracks")) == (3, 1)


async def test_the_state_page_tells_every_track():
    emulator = Emulator()
    async with client_of(emulator) as client:
        source, viewer = await publisher(client, "mic"), await Peer.join(client)
        (mid,) = await viewer.subscribe(remote(source.id, "mic"))
        await asyncio.sleep(1)
        state = (await client.get("/_emulator/state")).json()
        pretended = {"packets": None, "bytes": None}
        common = {"kind": "audio", "track_name": "mic", "status": "active", "both_ways": False, **pretended}
        published = {**common, "mid": "0", "location": "local", "source_session_id": None}
        received = {**common, "mid": mid, "location": "remote", "source_session_id": source.id}
        labels = {"app_id": "demo", "third_party": False, "correlation_id": None, "adapter_id": None}
        standing = {"connected": True, "lost": False, "ended_because": None, "exchange": None, "faults": []}
        session = {**labels, **standing, "data_channels": []}
        assert state["sessions"] == [
            {**session, "number": 1, "session_id": source.id, "tracks": [published]},
            {**session, "number": 2, "session_id": viewer.id}
            | {"tracks": [{**received, "undelivered_codec": None}]},
        ]
