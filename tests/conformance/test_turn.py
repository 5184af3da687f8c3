"""TURN credentials."""

from __future__ import annotations

import httpx

from tests.conformance.stage import Stage


async def generate(stage: Stage, body: object, token: str | None = None) -> httpx.Response:
    key, right = stage.target.turn
    path = f"/turn/keys/{key}/credentials/generate-ice-servers"
    headers = {"Authorization": f"Bearer {token or right}"}
    return await stage.target.client.post(path, json=body, headers=headers)


async def revoke(stage: Stage, username: str) -> httpx.Response:
    key, token = stage.target.turn
    path = f"/turn/keys/{key}/credentials/{username}/revoke"
    return await stage.target.client.post(path, headers={"Authorization": f"Bearer {token}"})


def relays(response: httpx.Response) -> list[dict]:
    return [server for server in response.json()["iceServers"] if "username" in server]


async def test_credentials_are_made(stage):
    """[documented] generate-ice-servers answers 201 with STUN and, with a user name and credential, TURN."""
    response = await generate(stage, {"ttl": 60})
    assert response.status_code == 201
    urls = [url for server in response.json()["iceServers"] for url in server["urls"]]
    assert any(url.startswith("stun:") for url in urls)
    (relay, *_) = relays(response)
    assert any(url.startswith("turn:") for url in relay["urls"])
    assert relay["credential"]
    await revoke(stage, relay["username"])


async def test_a_label_is_taken(stage, met):
    """[unproven] customIdentifier, shown on a sibling path."""
    response = await generate(stage, {"ttl": 60, "customIdentifier": "conformance"})
    met(str(response.status_code), "201", "400")
    if response.status_code == 201:
        await revoke(stage, relays(response)[0]["username"])


async def test_a_lifetime_that_is_too_long(stage, met):
    """[documented] A credential lives at most 48 hours; what asking for more is answered is not told."""
    response = await generate(stage, {"ttl": 172_801})
    met(str(response.status_code), "400", "406", "422", "201")


async def test_a_wrong_token(stage, met):
    """[unproven] What a wrong token is answered."""
    met(str((await generate(stage, {"ttl": 60}, token="wrong")).status_code), "401", "403", "404")


async def test_a_credential_is_revoked(stage, met):
    """[documented] A revoke answers 204; what a second one is answered is not told."""
    username = relays(await generate(stage, {"ttl": 60}))[0]["username"]
    first, second = await revoke(stage, username), await revoke(stage, username)
    assert first.status_code == 204
    met(f"again: {second.status_code}", "again: 204", "again: 404", "again: 400")
