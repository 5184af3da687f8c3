"""Sessions, who may call, and how calls are read."""

from __future__ import annotations

import asyncio

import pytest

from tests.conformance.stage import outcome


async def test_a_session_is_created_without_a_body(stage):
    """[documented] sessions/new answers 201 with the session's id; it needs no body."""
    response = await stage.target.client.post(f"/apps/{stage.target.app_id}/sessions/new")
    assert response.status_code == 201
    assert response.json()["sessionId"]


async def test_labels_of_a_session_are_taken(stage):
    """[documented] sessions/new takes `thirdparty` and `correlationId` in its query."""
    query = {"thirdparty": "true", "correlationId": "conformance"}
    response = await stage.target.client.post(f"/apps/{stage.target.app_id}/sessions/new", params=query)
    assert response.status_code == 201


async def test_a_wrong_secret_is_refused(stage):
    """[seen] A wrong secret is refused with 401."""
    path = f"/apps/{stage.target.app_id}/sessions/new"
    response = await stage.target.client.post(path, headers={"Authorization": "Bearer wrong"})
    assert response.status_code == 401


async def with_authorization(stage, form: str) -> str:
    """How a new session is answered with the app's secret in this form."""
    path, right = f"/apps/{stage.target.app_id}/sessions/new", stage.target.client.headers["Authorization"]
    headers = {"Authorization": form.format(secret=right.removeprefix("Bearer "))}
    return outcome(await stage.target.client.post(path, headers=headers))


@pytest.mark.parametrize("form", ["", "Bearer", "Bearer {secret}x"])
async def test_no_secret(stage, met, form):
    """[documented] A call without the secret is refused."""
    met(await with_authorization(stage, form), "401 unauthorized", "401", "403", "400 unauthorized")


async def test_a_secret_without_a_scheme(stage, met):
    """[unproven] The secret alone, without the word Bearer."""
    known = ("401 unauthorized", "401", "403", "400 unauthorized", "201")
    met(await with_authorization(stage, "{secret}"), *known)


async def test_a_secret_under_another_scheme(stage, met):
    """[unproven] The secret under another scheme than Bearer."""
    known = ("401 unauthorized", "401", "403", "400 unauthorized", "201")
    met(await with_authorization(stage, "Basic {secret}"), *known)


@pytest.mark.parametrize("scheme", ["bearer", "BEARER"])
async def test_a_scheme_in_other_letters(stage, met, scheme):
    """[unproven] `bearer` and `BEARER`, which mean the same in HTTP (RFC 9110)."""
    known = ("201", "401 unauthorized", "401", "403", "400 unauthorized")
    met(await with_authorization(stage, f"{scheme} {{secret}}"), *known)


async def test_an_app_that_does_not_exist(stage):
    """[seen] An unknown app is refused with 404."""
    response = await stage.target.client.post(f"/apps/{'0' * 32}/sessions/new")
    assert response.status_code == 404


async def test_a_session_that_does_not_exist(stage, met):
    """[unproven] What an unknown session is answered."""
    path = f"/apps/{stage.target.app_id}/sessions/{'0' * 32}"
    met(
        outcome(await stage.target.client.get(path)),
        "404 not_found",
        "410 session_error",
        "400 invalid_params",
        "404 session_error",
    )


async def test_a_new_session_holds_nothing(stage):
    """[documented] A session can be looked at; its state holds tracks and no SDP."""
    person = await stage.enter()
    response = await person.get()
    assert response.status_code == 200
    assert not response.json().get("tracks")
    assert "v=0" not in response.text


async def test_a_session_made_with_an_offer(stage, met):
    """[unproven] An offer in the body of sessions/new, which published schemas know: answered or ignored."""
    person = await stage.enter()
    body = {"sessionDescription": {"type": "offer", "sdp": person.endpoint.offer()}}
    response = await stage.target.client.post(f"/apps/{stage.target.app_id}/sessions/new", json=body)
    answered = "sessionDescription" in response.json()
    met(f"{response.status_code} {'answered' if answered else 'ignored'}", "201 ignored", "201 answered")


async def test_what_clients_in_the_field_send_is_taken(stage):
    """[seen] JSON labelled text/plain, a bare question mark, unknown query keys and fields are taken."""
    speaker, listener = await stage.speaker(), await stage.enter()
    await stage.pass_time(0.5)
    track = {**speaker.remote("0"), "unknown": 1, "mid": "", "errorCode": ""}
    path = f"/apps/{stage.target.app_id}/sessions/{listener.id}/tracks/new"
    response = await stage.target.client.post(
        f"{path}?unknown=1", json={"tracks": [track]}, headers={"Content-Type": "text/plain"}
    )
    assert outcome(response) == "200"
    await listener.answer(response)
    bare = await stage.target.client.get(f"/apps/{stage.target.app_id}/sessions/{listener.id}?")
    assert bare.status_code == 200


@pytest.mark.parametrize("body", ["", "{", "[]", '"text"', '{"tracks": 7}'])
async def test_a_body_that_is_not_the_operations(stage, met, body):
    """[documented] JSON that cannot be read, or has wrong types, is a decoding_error of no told status."""
    person = await stage.enter()
    response = await person.call("POST", "tracks/new", content=body)
    assert response.is_client_error
    met(outcome(response), "400 decoding_error", "400 invalid_params", "406 decoding_error")


async def test_a_body_that_is_too_large(stage, met):
    """[documented] A body has a size limit; which one, and under which status, is not told."""
    person = await stage.enter()
    response = await person.call(
        "POST", "tracks/new", content=b'{"tracks":[],"x":"' + b"x" * 4_000_000 + b'"}'
    )
    assert response.is_client_error
    met(outcome(response), "413 payload_too_large", "400 payload_too_large", "406 payload_too_large")


async def test_too_many_requests_for_one_session(stage, met):
    """[unproven] More than 50 requests in a second for one session are refused, nobody tells how."""
    person = await stage.enter()
    responses = await asyncio.gather(*(person.get() for _ in range(90)))
    refused = [response for response in responses if response.status_code != 200]
    if not refused:
        met("never refused", "never refused")
        return
    hint = "with Retry-After" if "Retry-After" in refused[0].headers else "without Retry-After"
    codes = ("retryable_transient_error", "temporarily_unavailable_error", "backend_error")
    known = [f"429 {code} {how}" for code in codes for how in ("with Retry-After", "without Retry-After")]
    met(f"{outcome(refused[0])} {hint}", *known)
    assert sum(response.status_code == 200 for response in responses) >= 50
    await stage.pass_time(1.5)


async def test_a_session_that_is_never_used(stage, met):
    """[documented] A session never used expires; after which time is not told."""
    person = await stage.enter()
    await stage.pass_time(65)
    met(f"after 65 s: {outcome(await person.get())}", "after 65 s: 410 session_error", "after 65 s: 200")
