"""What adapters' calls take and answer, in virtual time and without sockets."""

from __future__ import annotations

import asyncio

import pytest

from cfrealtime.emulator import Emulator, ManualMediaPlane
from tests.cfrealtime.emulator.adapters.calls import (
    URL,
    close,
    egress,
    emulator_for,
    ingest,
    made,
    new,
    publisher,
    statuses,
)
from tests.cfrealtime.emulator.adapters.endpoint import Endpoint
from tests.cfrealtime.emulator.peer import APP, Peer, client_of, codes, remote

pytestmark = pytest.mark.looptime


@pytest.fixture
def endpoint() -> Endpoint:
    return Endpoint()


@pytest.fixture
def emulator(endpoint) -> Emulator:
    return emulator_for(endpoint)


async def test_an_ingest_is_published_under_a_session_made_for_it(endpoint, emulator):
    async with client_of(emulator) as client:
        mine = await Peer.join(client)
        item = await made(client, ingest(sessionId=mine.id, mode="stream"))
        assert set(item) == {"trackName", "adapterId", "sessionId", "endpoint"}
        assert (item["trackName"], item["endpoint"]) == ("speech", URL)
        assert item["sessionId"] not in ("", mine.id)
        (track,) = (await client.get(f"{APP}/sessions/{item['sessionId']}")).json()["tracks"]
        assert (track["trackName"], track["kind"], track["status"]) == ("speech", "audio", "active")
        assert [url for _, url in endpoint.dialled] == [URL]


async def test_an_egress_is_answered_without_a_session(emulator):
    async with client_of(emulator) as client:
        peer = await publisher(client, "mic")
        item = await made(client, egress(peer.id, mode="buffer"))
        assert set(item) == {"trackName", "adapterId", "endpoint"}


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"{", 400, "decoding_error"),
        (b"[]", 400, "decoding_error"),
        (b'{"tracks": {}}', 400, "decoding_error"),
        (b'{"tracks": [7]}', 400, "decoding_error"),
        (b'{"tracks": [{"location": "local", "trackName": 7, "adapterId": 7}]}', 400, "decoding_error"),
        (b"", 400, "decoding_error"),
        (b"{}", 406, "invalid_params"),
        (b'{"tracks": []}', 406, "invalid_params"),
    ],
)
@pytest.mark.parametrize("door", ["new", "close"])
async def test_a_body_that_makes_no_sense_is_refused(emulator, door, body, status, code):
    async with client_of(emulator) as client:
        response = await client.post(f"{APP}/adapters/websocket/{door}", content=body)
        assert (response.status_code, response.json()["errorCode"]) == (status, code)


@pytest.mark.parametrize(
    "changes",
    [
        {"location": "here"},
        {"location": None},
        {"trackName": ""},
        {"endpoint": "https://bot.example/"},
        {"endpoint": "bot.example"},
        {"endpoint": "wss://"},
        {"endpoint": "wss://bot.example:99999/"},
        {"endpoint": "wss://[bot.example/"},
        {"endpoint": "wss://bot.example/\r\nX: y"},
        {"inputCodec": "opus"},
        {"inputCodec": None},
        {"location": "remote", "outputCodec": "jpeg"},
        {"location": "remote", "sessionId": "x"},
        {"location": "remote", "sessionId": "x", "outputCodec": "png"},
    ],
)
async def test_an_entry_with_a_wrong_value_refuses_the_whole_call(endpoint, emulator, changes):
    async with client_of(emulator) as client:
        response = await new(client, ingest(), ingest() | changes)
        assert (response.status_code, response.json()["errorCode"]) == (406, "invalid_params")
        assert endpoint.dialled == []


async def test_a_call_takes_four_entries_at_most(emulator):
    async with client_of(emulator) as client:
        assert (await new(client, *[ingest()] * 5)).status_code == 406
        assert (await close(client, *"abcde")).status_code == 406
        assert len((await new(client, *[ingest()] * 4)).json()["tracks"]) == 4


async def test_one_that_succeeds_makes_a_200_and_none_a_503(emulator):
    bad = ingest("bad", endpoint="wss://bot.example/refuse")
    async with client_of(emulator) as client:
        mixed = await new(client, bad, ingest("good"))
        assert codes(mixed) == ["websocket_handshake_failed", None]
        assert [item["trackName"] for item in mixed.json()["tracks"]] == ["bad", "good"]
        failed = await new(client, bad)
        assert failed.status_code == 503
        assert set(failed.json()["tracks"][0]) == {"trackName", "errorCode", "errorDescription"}
        assert statuses(emulator) == ["connected"]


async def test_an_endpoint_that_does_not_answer_times_out(emulator):
    async with client_of(emulator) as client:
        started = asyncio.get_running_loop().time()
        response = await new(client, ingest(endpoint="wss://bot.example/hang"))
        assert response.json()["tracks"][0]["errorCode"] == "websocket_connection_timeout"
        assert asyncio.get_running_loop().time() - started == pytest.approx(5, abs=0.01)


@pytest.mark.parametrize(
    "host", ["localhost", "LOCALHOST.", "bot.localhost", "127.0.0.1", "127.8.8.8", "[::1]", "0.0.0.0"]
)
async def test_localhost_is_refused_when_it_is_to_be_as_in_the_service(endpoint, host):
    emulator = emulator_for(endpoint, allow_localhost_adapters=False)
    async with client_of(emulator) as client:
        response = await new(client, ingest(endpoint=f"ws://{host}:9000/x"))
        assert response.status_code == 503
        assert response.json()["tracks"][0]["errorCode"] == "websocket_localhost_not_allowed"
        assert endpoint.dialled == []
        assert (await new(client, ingest())).status_code == 200


async def test_localhost_is_allowed_otherwise(emulator):
    async with client_of(emulator) as client:
        assert (await new(client, ingest(endpoint="ws://localhost:9000/x"))).status_code == 200


async def test_egress_needs_a_publication_that_sends_what_was_asked_for(endpoint, emulator):
    async with client_of(emulator) as client:
        sound, picture = await publisher(client, "mic"), await publisher(client, "camera", kind="video")
        emulator.media.encode(picture.id, "0", "av1/90000;profile=0")
        response = await new(
            client,
            egress(sound.id, "nothing"),
            egress("nobody", "mic"),
            egress(sound.id, "mic", output="jpeg"),
            egress(picture.id, "camera", output="jpeg"),
        )
        assert response.status_code == 503
        found = [item["errorCode"] for item in response.json()["tracks"]]
        assert found == ["not_found_track_error"] * 2 + ["invalid_params"] * 2
        emulator.media.encode(picture.id, "0", "vp9/90000;profile-id=0")
        assert (await new(client, egress(picture.id, "camera", output="jpeg"))).status_code == 200
        assert len(endpoint.lines) == 1


async def test_egress_of_a_silent_publication_waits_for_it():
    endpoint = Endpoint()
    emulator = Emulator(media=ManualMediaPlane(automatic=False), dial=endpoint.dial)
    async with client_of(emulator) as client:
        peer = await Peer.join(client)
        await peer.publish("mic")
        emulator.media.connect(peer.id)
        response = await new(client, egress(peer.id))
        assert response.json()["tracks"][0]["errorCode"] == "empty_track_error"
        later = asyncio.create_task(new(client, egress(peer.id)))
        await asyncio.sleep(3)
        emulator.media.flow(peer.id)
        assert (await later).status_code == 200
        assert len(endpoint.lines) == 1


async def test_a_publication_that_ends_while_its_adapter_connects_is_not_found(endpoint, emulator):
    async with client_of(emulator) as client:
        peer = await publisher(client, "mic")

        async def slow(url: str) -> object:
            await peer.force_close("0")
            return await Endpoint.dial(endpoint, url)

        emulator._adapters._dial_url = slow
        response = await new(client, egress(peer.id))
        assert response.json()["tracks"][0]["errorCode"] == "not_found_track_error"
        assert endpoint.lines[0].closed.is_set()


async def test_closing_may_be_repeated_and_counts_once(emulator):
    async with client_of(emulator) as client:
        id_ = (await made(client, ingest()))["adapterId"]
        first, again = await close(client, id_), await close(client, id_)
        assert first.json() == {"tracks": [{"adapterId": id_, "bytesProcessed": 0}]}
        assert (again.status_code, again.json()) == (200, {"tracks": [{"adapterId": id_}]})
        assert statuses(emulator) == ["closed"]


async def test_an_adapter_that_never_was_is_not_found_and_one_long_closed_is_forgotten(emulator):
    async with client_of(emulator) as client:
        id_ = (await made(client, ingest()))["adapterId"]
        mixed = await close(client, id_, "nothing")
        assert codes(mixed) == [None, "adapter_not_found"]
        await asyncio.sleep(601)
        await made(client, ingest())
        response = await close(client, id_)
        assert (response.status_code, response.json()["tracks"][0]["errorCode"]) == (503, "adapter_not_found")


async def test_apps_do_not_close_each_others_adapters(endpoint):
    emulator = emulator_for(endpoint, apps={"demo": "secret", "other": "secret"})
    async with client_of(emulator) as client:
        item = await made(client, ingest())
        peer = await publisher(client, "mic")
        foreign = "/v1/apps/other/adapters/websocket"
        body = {"tracks": [{"adapterId": item["adapterId"]}]}
        assert (await client.post(f"{foreign}/close", json=body)).status_code == 503
        body = {"tracks": [egress(peer.id)]}
        response = await client.post(f"{foreign}/new", json=body)
        assert response.json()["tracks"][0]["errorCode"] == "not_found_track_error"
        assert statuses(emulator) == ["connected"]


async def test_a_wrong_secret_is_unauthorized(emulator):
    async with client_of(emulator, secret="guessed") as client:
        assert (await new(client, ingest())).status_code == 401
        assert (await close(client, "x")).status_code == 401


async def test_the_state_page_lists_adapters_and_shows_no_token(emulator):
    async with client_of(emulator) as client:
        item = await made(client, ingest())
        shown = await client.get("/_emulator/state")
        assert "hidden" not in shown.text
        (listed,) = shown.json()["adapters"]
        assert listed["session_id"] == item["sessionId"]
        assert (listed["host"], listed["location"], listed["codec"]) == ("bot.example", "local", "pcm")


async def test_the_session_of_an_ingest_has_no_endpoint(emulator):
    async with client_of(emulator) as client:
        peer = Peer(client, (await made(client, ingest()))["sessionId"])
        response = await peer.post_tracks([remote(peer.id, "speech")])
        assert (response.status_code, response.json()["errorCode"]) == (400, "invalid_params")
        assert codes(await peer.force_close("0")) == [None]


async def test_faults_reach_adapters(endpoint, emulator):
    async with client_of(emulator) as client:
        emulator.faults.fail_track("speech", "backend_error", times=1)
        emulator.faults.answer_with("close_websocket_adapters", 500)
        response = await new(client, ingest())
        assert response.json()["tracks"][0]["errorCode"] == "backend_error"
        assert endpoint.dialled == []
        item = await made(client, ingest())
        assert (await close(client, item["adapterId"])).status_code == 500
        assert statuses(emulator) == ["connected"]


async def test_a_close_fails_by_the_track_of_its_adapter(emulator):
    async with client_of(emulator) as client:
        peer = await publisher(client, "mic")
        mine, other = await made(client, egress(peer.id)), await made(client, ingest())
        emulator.faults.add("item_error operation=close_websocket_adapters track=mic publisher=#1 nth=1")
        response = await close(client, mine["adapterId"], other["adapterId"])
        assert [item.get("errorCode") for item in response.json()["tracks"]] == ["internal_error", None]
        assert statuses(emulator) == ["closed", "connected"]
        emulator.faults.add("status status=500 operation=close_websocket_adapters track=speech")
        assert (await close(client, mine["adapterId"])).status_code == 200
        assert (await close(client, other["adapterId"])).status_code == 500
