"""Failures of calls and of their items, on demand."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import httpx
import pytest

from cfrealtime.emulator import ConnectionDroppedError, Emulator
from tests.cfrealtime.emulator.data_peer import DataPeer, channel_codes, told
from tests.cfrealtime.emulator.peer import APP, Peer, client_of, codes, local, remote
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
        assert emulator.journal()["calls"][-1]["faults"] == ["no_repointing"]


@asynccontextmanager
async def careless(emulator: Emulator) -> AsyncGenerator[httpx.AsyncClient]:
    """A client that does not mind answers of which the API's document knows nothing."""
    transport, headers = httpx.ASGITransport(emulator.app), {"Authorization": "Bearer secret"}
    async with (
        emulator,
        httpx.AsyncClient(transport=transport, base_url="http://emulator", headers=headers) as client,
    ):
        yield client


async def test_a_late_request_lands_although_its_caller_has_gone():
    emulator = Emulator()
    async with client_of(emulator) as client:
        peer = await Peer.join(client)
        emulator.faults.add("delay_request seconds=5 operation=new_tracks nth=1")
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(peer.publish("mic"), 1)
        assert emulator.active_tracks() == []
        await asyncio.sleep(4)
        assert [track["track_name"] for track in emulator.active_tracks()] == ["mic"]


@pytest.mark.parametrize(("fault", "landed"), [("", 0), ("landed=true", 1)])
async def test_a_page_of_html_may_hide_a_call_that_landed(fault, landed):
    emulator = Emulator()
    emulator.faults.add(f"html nth=1 {fault}")
    async with careless(emulator) as client:
        response = await client.post(f"{APP}/sessions/new")
        assert (response.status_code, response.headers["content-type"][:9]) == (502, "text/html")
        assert "<html>" in response.text
        assert len(emulator.state()["sessions"]) == landed


@pytest.mark.parametrize(
    ("body", "expected"),
    [("binary", bytes(range(128, 256))), ("cut", b'{"sessionId":"'), ("empty", b""), ("null", b"null")],
)
async def test_a_body_can_be_garbage(body, expected):
    emulator = Emulator()
    emulator.faults.add(f"garbage body={body} landed=true")
    async with careless(emulator) as client:
        response = await client.post(f"{APP}/sessions/new")
        assert response.status_code == 200
        assert response.content.startswith(expected)
        assert len(response.content) == (24 if body == "cut" else len(expected))


async def test_an_error_may_be_answered_although_the_call_landed():
    emulator = Emulator()
    emulator.faults.add("status status=500 landed=true operation=new_session nth=1")
    async with client_of(emulator) as client:
        response = await client.post(f"{APP}/sessions/new")
        assert (response.status_code, response.json()["errorCode"]) == (500, "internal_error")
        assert len(emulator.state()["sessions"]) == 1
        assert emulator.journal()["calls"][0]["faults"] == ["status"]


@pytest.mark.parametrize("fault", ["html", "status status=500", "garbage landed=true"])
@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("apps/nobody/sessions/new", {}, 404),
        ("apps/demo/sessions/nobody/tracks/new", {}, 404),
        ("apps/demo/adapters/websocket/new", {"tracks": []}, 406),
        ("apps/demo/adapters/websocket/close", {"tracks": [{}]}, 406),
        ("turn/keys/demo-turn/credentials/generate-ice-servers", {"ttl": "long"}, 400),
        ("turn/keys/demo-turn/credentials/generate-ice-servers", {"ttl": -1}, 400),
    ],
)
async def test_a_refusal_that_comes_by_itself_is_not_covered_up(fault, path, body, status):
    emulator = Emulator({"demo": "secret"}, turn_keys={"demo-turn": "secret"})
    emulator.faults.add(f"{fault} nth=1")
    async with client_of(emulator) as client:
        assert (await client.post(f"/v1/{path}", json=body)).status_code == status
        assert emulator.journal()["calls"][0]["faults"] == []
        assert [waiting["hits"] for waiting in emulator.faults.view()["faults"]] == [0]


@pytest.mark.parametrize(("landed", "status"), [("true", 406), ("false", 500)])
async def test_what_fails_only_when_it_is_carried_out_keeps_its_refusal_if_it_was_to_land(landed, status):
    emulator = Emulator()
    async with client_of(emulator) as client:
        peer = await Peer.join(client)
        emulator.faults.add(f"status status=500 landed={landed} nth=1")
        response = await peer.post_tracks(
            [local("0", "mic")], sessionDescription={"type": "offer", "sdp": "?"}
        )
        assert response.status_code == status


async def test_a_fault_that_did_not_happen_waits_for_the_next_call():
    emulator = Emulator()
    async with client_of(emulator) as client:
        peer = await Peer.join(client)
        emulator.faults.answer_with("renegotiate", 503)
        assert (await peer.renegotiate("?")).status_code == 406
        assert emulator.journal()["calls"][-1]["faults"] == []
        source = await publisher(client, "mic")
        assert codes(await peer.post_tracks([remote(source.id, "mic")])) == [None]
        assert (await peer.renegotiate("?")).status_code == 503
        assert emulator.journal()["calls"][-1]["faults"] == ["status"]


async def test_of_two_endings_the_second_waits():
    emulator = Emulator()
    emulator.faults.lose_answer("new_session")
    emulator.faults.refuse("new_session")
    async with client_of(emulator) as client:
        for sessions in (1, 1):
            with pytest.raises(ConnectionDroppedError):
                await Peer.join(client)
            assert len(emulator.state()["sessions"]) == sessions
        await Peer.join(client)


async def test_a_session_ends_before_a_call_that_is_refused():
    emulator = Emulator()
    async with client_of(emulator) as client:
        peer = await Peer.join(client)
        emulator.faults.add("refuse operation=get_session nth=1")
        emulator.faults.add("kill_session operation=get_session nth=1")
        with pytest.raises(ConnectionDroppedError):
            await peer.get()
        assert emulator.journal()["calls"][-1]["faults"] == ["refuse", "kill_session"]
        assert (await peer.get()).status_code == 410


async def test_an_answer_that_stalls_goes_on_after_its_time():
    emulator = Emulator()
    emulator.faults.add("stall seconds=7 nth=1")
    async with client_of(emulator) as client:
        await Peer.join(client)
        assert asyncio.get_running_loop().time() == pytest.approx(7)


async def test_an_answer_that_stalls_for_ever_is_left_by_its_caller_and_has_landed():
    emulator = Emulator()
    emulator.faults.add("stall")
    async with client_of(emulator) as client:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(Peer.join(client), 60)
        assert len(emulator.state()["sessions"]) == 1


async def test_a_fault_waits_for_the_call_of_one_track_whichever_way_the_call_names_it():
    emulator = Emulator()
    async with client_of(emulator) as client:
        peer = await publisher(client, "mic", "camera")
        emulator.faults.add("refuse track=camera nth=3")
        viewer = await Peer.join(client)
        await viewer.subscribe(remote(peer.id, "camera"))
        assert codes(await peer.force_close("0")) == [None]
        assert codes(await viewer.force_close("s0")) == [None]
        with pytest.raises(ConnectionDroppedError):
            await peer.force_close("1")


async def test_a_fault_waits_for_a_session_that_is_not_there_yet():
    emulator = Emulator()
    emulator.faults.add("lose_answer session=#2 operation=get_session")
    emulator.faults.add("status status=503 session=ana operation=get_session")
    async with client_of(emulator) as client:
        assert (await (await Peer.join(client)).get()).status_code == 200
        with pytest.raises(ConnectionDroppedError):
            await (await Peer.join(client)).get()
        response = await client.post(f"{APP}/sessions/new?correlationId=ana")
        assert (await client.get(f"{APP}/sessions/{response.json()['sessionId']}")).status_code == 503


async def test_items_fail_by_operation_and_in_closes_too():
    emulator = Emulator()
    async with client_of(emulator) as client:
        peer = await publisher(client, "mic", "camera")
        emulator.faults.add("item_error operation=close_tracks track=mic code=close_track_error times=1")
        assert codes(await peer.force_close("0", "1")) == ["close_track_error", None]
        assert [track["track_name"] for track in emulator.active_tracks()] == ["mic"]
        assert emulator.journal()["calls"][-1]["faults"] == ["item_error"]
        assert codes(await peer.force_close("0")) == [None]


async def test_data_channels_fail_when_made_and_when_closed():
    emulator = Emulator()
    async with client_of(emulator) as client:
        peer = await DataPeer.connected(client)
        emulator.faults.add("item_error operation=new_datachannels track=chat nth=1")
        response = await peer.channels(told("chat"), told("files"))
        assert channel_codes(response) == ["internal_error", None]
        (chat,) = await peer.open(told("chat"))
        emulator.faults.add("item_error operation=close_datachannels track=chat nth=1")
        for expected in ("internal_error", None):
            assert channel_codes(await peer.close_channels(chat)) == [expected]


async def test_faults_can_be_listed_and_taken_back_one_by_one():
    emulator = Emulator(seed=3)
    first = emulator.faults.add("delay seconds=1")
    second = emulator.faults.add({"kind": "refuse", "operation": "new_session", "nth": 2})
    assert emulator.faults.view() == {
        "seed": 3,
        "faults": [
            {"id": first, "kind": "delay", "seconds": 1, "seen": 0, "hits": 0},
            {"id": second, "kind": "refuse", "operation": "new_session", "nth": 2, "seen": 0, "hits": 0},
        ],
    }
    assert emulator.faults.remove(first)
    assert not emulator.faults.remove(first)
    async with client_of(emulator) as client:
        await Peer.join(client)
        assert [fault["seen"] for fault in emulator.faults.view()["faults"]] == [1]
        with pytest.raises(ConnectionDroppedError):
            await Peer.join(client)
        assert emulator.faults.view()["faults"] == []


async def test_of_a_list_with_a_mistake_nothing_happens():
    emulator = Emulator()
    with pytest.raises(ValueError, match="needs packets that travel"):
        emulator.faults.load(["refuse", "loss share=0.1"])
    assert emulator.faults.view()["faults"] == []
