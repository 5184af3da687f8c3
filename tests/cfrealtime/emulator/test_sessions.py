"""Sessions over HTTP: who may call, how long they live, and what is refused before anything happens."""

from __future__ import annotations

import asyncio

import httpx
import pytest

from cfrealtime.emulator import Emulator, ManualMediaPlane
from cfrealtime.emulator.limits import BODY_BYTES, UNUSED_SESSION
from tests.cfrealtime.emulator.peer import APP, Peer, client_of, codes, remote

pytestmark = pytest.mark.looptime


def refused(response: httpx.Response) -> tuple[int, str]:
    assert response.json()["errorDescription"]
    return response.status_code, response.json()["errorCode"]


async def test_a_new_session_needs_no_body_and_tolerates_one():
    async with client_of(Emulator()) as client:
        bare = await client.post(f"{APP}/sessions/new?")
        odd = await client.post(f"{APP}/sessions/new?thirdparty=1&new=x", content=b"{{")
        assert (bare.status_code, odd.status_code) == (201, 201)
        assert bare.json()["sessionId"] != odd.json()["sessionId"]


async def test_a_session_shows_the_labels_that_its_maker_gave_it():
    emulator = Emulator()
    async with client_of(emulator) as client:
        await client.post(f"{APP}/sessions/new?thirdparty=true&correlationId=call-7")
        await client.post(f"{APP}/sessions/new?thirdparty=false")
        labels = [(s["third_party"], s["correlation_id"]) for s in emulator.state()["sessions"]]
        assert labels == [(True, "call-7"), (False, None)]


async def test_a_wrong_secret_is_unauthorized_and_an_unknown_app_is_not_found():
    async with client_of(Emulator(), secret="guessed") as client:
        assert refused(await client.post(f"{APP}/sessions/new")) == (401, "unauthorized")
        assert refused(await client.post("/v1/apps/other/sessions/new")) == (404, "not_found")


@pytest.mark.parametrize("header", ["bearer secret", "BEARER  secret"])
async def test_the_scheme_of_authorization_is_told_by_its_name_in_any_case(header):
    async with client_of(Emulator()) as client:
        made = await client.post(f"{APP}/sessions/new", headers={"Authorization": header})
        assert made.status_code == 201


@pytest.mark.parametrize("header", ["secret", "Basic secret", "Bearersecret", "Bearer", ""])
async def test_a_secret_without_its_scheme_is_none(header):
    async with client_of(Emulator()) as client:
        response = await client.post(f"{APP}/sessions/new", headers={"Authorization": header})
        assert refused(response) == (401, "unauthorized")


async def test_apps_do_not_see_each_others_sessions():
    async with client_of(Emulator({"demo": "secret", "other": "secret"})) as client:
        peer = await Peer.join(client)
        assert (await peer.get()).status_code == 200
        foreign = await client.get(f"/v1/apps/other/sessions/{peer.id}")
        assert refused(foreign) == (404, "not_found")


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"{", 400, "decoding_error"),
        (b"[" * 100_000, 400, "decoding_error"),
        (b"[]", 400, "decoding_error"),
        (b'{"tracks": 3}', 400, "decoding_error"),
        (b'{"tracks": [{"location": "nowhere"}]}', 400, "decoding_error"),
        (b"{}", 400, "invalid_params"),
        (b'{"tracks": [{"location": "local", "mid": "0", "trackName": "a"}]}', 400, "invalid_params"),
        (b'{"tracks": [{"location": "remote", "trackName": "a"}]}', 400, "invalid_params"),
        (b" " * (BODY_BYTES + 1), 413, "payload_too_large"),
    ],
)
async def test_a_body_that_makes_no_sense_is_refused_with_its_code(body, status, code):
    async with client_of(Emulator()) as client:
        peer = await Peer.join(client)
        response = await client.post(f"{peer.path}/tracks/new", content=body)
        assert refused(response) == (status, code)


async def test_a_body_is_looked_at_last():
    async with client_of(Emulator()) as client:
        peer, gone = await Peer.join(client), await Peer.join(client)

        async def says(path: str, **options) -> tuple[int, str]:
            return refused(await client.post(f"{path}/tracks/new", content=b"{", **options))

        assert await says(peer.path, headers={"Authorization": "Bearer x"}) == (401, "unauthorized")
        assert await says(f"{APP}/sessions/nobody") == (404, "not_found")
        await gone.publish("mic")
        await asyncio.sleep(0.1)
        await gone.close("0")
        assert await says(gone.path) == (410, "session_error")
        said = [(await says(peer.path))[0] for _ in range(51)]
        assert said == [400] * 50 + [429]


async def test_what_comes_with_a_get_is_not_read():
    async with client_of(Emulator()) as client:
        peer = await Peer.join(client)
        assert (await client.request("GET", peer.path, content=b"{")).status_code == 200


async def test_json_labelled_as_text_and_unknown_fields_are_taken():
    async with client_of(Emulator()) as client:
        peer = await Peer.join(client)
        body = b'{"tracks": [{"location": "remote", "sessionId": "x", "trackName": "a", "q": 1}], "z": []}'
        response = await client.post(
            f"{peer.path}/tracks/new?", content=body, headers={"Content-Type": "text/plain"}
        )
        assert codes(response) == ["not_found_track_error"]


async def test_mixed_locations_and_more_than_64_tracks_are_refused():
    async with client_of(Emulator()) as client:
        peer = await Peer.join(client)
        many = await peer.post_tracks([remote("x", "a")] * 65)
        mixed = await peer.post_tracks([remote("x", "a"), {"location": "local"}])
        assert refused(many) == refused(mixed) == (400, "invalid_params")


async def test_the_fifty_first_request_of_a_second_is_refused():
    async with client_of(Emulator()) as client:
        peer = await Peer.join(client)
        statuses = [(await peer.get()).status_code for _ in range(51)]
        assert statuses == [200] * 50 + [429]
        await asyncio.sleep(1)
        assert (await peer.get()).status_code == 200


async def test_a_session_never_used_expires_and_is_forgotten_later():
    async with client_of(Emulator()) as client:
        peer = await Peer.join(client)
        await asyncio.sleep(UNUSED_SESSION - 1)
        assert (await peer.get()).status_code == 200
        await asyncio.sleep(2)
        assert refused(await peer.get()) == (410, "session_error")
        await asyncio.sleep(600)
        assert refused(await peer.get()) == (404, "not_found")


async def test_a_session_that_lost_its_connection_recovers_within_thirty_seconds():
    media = ManualMediaPlane()
    async with client_of(Emulator(media=media)) as client:
        peer = await Peer.join(client)
        await peer.publish("mic")
        await asyncio.sleep(1)
        media.lose(peer.id)
        await asyncio.sleep(29)
        media.connect(peer.id)
        await asyncio.sleep(5)
        assert (await peer.get()).json()["tracks"][0]["status"] == "active"


async def test_a_session_lost_for_thirty_seconds_or_closed_is_gone():
    media = ManualMediaPlane()
    emulator = Emulator(media=media)
    async with client_of(emulator) as client:
        lost, closed = await Peer.join(client), await Peer.join(client)
        await lost.publish("mic")
        await closed.publish("mic")
        await asyncio.sleep(1)
        media.lose(lost.id)
        media.kill(closed.id)
        assert refused(await closed.get()) == (410, "session_error")
        await asyncio.sleep(30)
        assert refused(await lost.publish("camera")) == (410, "session_error")
        assert emulator.active_tracks() == []


async def test_a_door_that_does_not_exist_answers_in_json():
    async with client_of(Emulator()) as client:
        assert refused(await client.get("/v1/nothing")) == (404, "not_found")
        assert (await client.delete(f"{APP}/sessions/x")).status_code == 405


async def test_a_call_at_a_door_that_does_not_exist_is_in_the_journal():
    emulator = Emulator()
    async with client_of(emulator) as client:
        for method, path in (("GET", "/v1/nothing"), ("DELETE", f"{APP}/sessions/x"), ("GET", "/else")):
            await client.request(method, path)
        await Peer.join(client)
        journal = (await client.get("/_emulator/journal")).json()
    told = [(call["operation"], call.get("request"), call["status"]) for call in journal["calls"]]
    assert told == [
        (None, "GET /v1/nothing", 404),
        (None, f"DELETE {APP}/sessions/x", 405),
        ("new_session", None, 201),
    ]
    assert journal["counts"] == {"new_session": 1}


def test_an_emulator_may_be_started_again_in_another_loop():
    emulator = Emulator()

    async def join() -> int:
        async with client_of(emulator) as client:
            await Peer.join(client)
            return len(emulator.state()["sessions"])

    for expected in (1, 2):
        loop = asyncio.new_event_loop()
        assert loop.run_until_complete(join()) == expected
        loop.close()
