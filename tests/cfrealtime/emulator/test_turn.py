"""TURN credentials over HTTP: well-formed, expiring, revocable, and of one key only."""

from __future__ import annotations

import asyncio
import re

import httpx
import pytest

from cfrealtime.emulator import Emulator
from tests.cfrealtime.emulator.peer import client_of

pytestmark = pytest.mark.looptime

KEY = "/v1/turn/keys/demo-turn/credentials"
URL = re.compile(r"(stun|turns?):[a-z.]+:\d+(\?transport=(udp|tcp))?")


async def generate(client: httpx.AsyncClient, **fields) -> httpx.Response:
    return await client.post(f"{KEY}/generate-ice-servers", json=fields)


async def username(client: httpx.AsyncClient, ttl: int = 60) -> str:
    servers = (await generate(client, ttl=ttl)).json()["iceServers"]
    return next(server["username"] for server in servers if "username" in server)


def refused(response: httpx.Response) -> tuple[int, str]:
    assert response.json()["errorDescription"]
    return response.status_code, response.json()["errorCode"]


@pytest.fixture
def emulator() -> Emulator:
    return Emulator()


async def test_a_list_of_servers_is_made_that_an_endpoint_can_take(emulator):
    async with client_of(emulator, secret="turn-secret") as client:
        response = await generate(client, ttl=172_800, customIdentifier="room 7")
        assert response.status_code == 201
        stun, turn = response.json()["iceServers"]
        assert set(stun) == {"urls"}
        assert all(url.startswith("stun:") and URL.fullmatch(url) for url in stun["urls"])
        assert all(url.startswith("turn") and URL.fullmatch(url) for url in turn["urls"])
        assert {url.split(":")[2] for url in turn["urls"]} >= {"53?transport=udp", "443?transport=tcp"}
        assert turn["username"]
        assert turn["credential"]


async def test_every_credential_is_another_and_no_secret_is_shown(emulator):
    async with client_of(emulator, secret="turn-secret") as client:
        made = [(await generate(client, ttl=60)).json()["iceServers"][1] for _ in range(2)]
        assert made[0]["username"] != made[1]["username"]
        assert made[0]["credential"] != made[1]["credential"]
        shown = (await client.get("/_emulator/state")).text
        assert all(turn["username"] in shown and turn["credential"] not in shown for turn in made)


async def test_a_credential_expires_and_is_forgotten_later(emulator):
    async with client_of(emulator, secret="turn-secret") as client:
        await asyncio.sleep(1)
        name = await username(client, ttl=60)
        await asyncio.sleep(59)
        (listed,) = emulator.state()["turn_credentials"]
        assert (listed["username"], listed["expires_at"], listed["expired"]) == (name, 61, False)
        await asyncio.sleep(1)
        assert emulator.state()["turn_credentials"][0]["expired"] is True
        await asyncio.sleep(600)
        other = await username(client)
        assert [c["username"] for c in emulator.state()["turn_credentials"]] == [other]


async def test_a_revoked_credential_is_listed_as_such_and_revoking_may_be_repeated(emulator):
    async with client_of(emulator, secret="turn-secret") as client:
        first, second = await username(client), await username(client)
        for _ in range(2):
            response = await client.post(f"{KEY}/{first}/revoke")
            assert (response.status_code, response.content) == (204, b"")
        listed = {c["username"]: c["revoked"] for c in emulator.state()["turn_credentials"]}
        assert listed == {first: True, second: False}


async def test_an_unknown_credential_and_one_of_another_key_are_not_found():
    emulator = Emulator(turn_keys={"demo-turn": "turn-secret", "other": "turn-secret"})
    async with client_of(emulator, secret="turn-secret") as client:
        name = await username(client)
        foreign = await client.post(f"/v1/turn/keys/other/credentials/{name}/revoke")
        assert refused(foreign) == (404, "not_found")
        assert refused(await client.post(f"{KEY}/nobody/revoke")) == (404, "not_found")


async def test_a_wrong_token_is_unauthorized_and_an_unknown_key_is_not_found(emulator):
    async with client_of(emulator, secret="secret") as client:
        assert refused(await generate(client, ttl=60)) == (401, "unauthorized")
        assert refused(await client.post(f"{KEY}/x/revoke")) == (401, "unauthorized")
        other = await client.post("/v1/turn/keys/other/credentials/generate-ice-servers", json={"ttl": 1})
        assert refused(other) == (404, "not_found")


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "decoding_error"),
        (b"{}", "decoding_error"),
        (b'{"ttl": "60"}', "decoding_error"),
        (b'{"ttl": 1.5}', "decoding_error"),
        (b'{"ttl": true}', "decoding_error"),
        (b'{"ttl": 60, "customIdentifier": 7}', "decoding_error"),
        (b'{"ttl": 0}', "invalid_params"),
        (b'{"ttl": 172801}', "invalid_params"),
    ],
)
async def test_a_body_that_makes_no_sense_is_refused(emulator, body, code):
    async with client_of(emulator, secret="turn-secret") as client:
        response = await client.post(f"{KEY}/generate-ice-servers", content=body)
        assert refused(response) == (400, code)
        assert emulator.state()["turn_credentials"] == []


async def test_faults_reach_turn_calls_too(emulator):
    async with client_of(emulator, secret="turn-secret") as client:
        emulator.faults.answer_with("generate_ice_servers", 503)
        emulator.faults.answer_with("revoke_turn_credential", 500)
        assert (await generate(client, ttl=60)).status_code == 503
        name = await username(client)
        assert (await client.post(f"{KEY}/{name}/revoke")).status_code == 500
        assert [c["revoked"] for c in emulator.state()["turn_credentials"]] == [False]
        assert [c["status"] for c in emulator.journal()["calls"]] == [503, 201, 500]
