"""An API call and what became of it, over every way in which it can end."""

from __future__ import annotations

import asyncio
import logging

import httpx
import pytest

from cfrealtime import AsyncRealtime
from cfrealtime.models import CloseResult, LocalTrack
from cfrealtime_rooms.core.calls import ApiCall, Close, Failed, Look, NewSession, Publish, Succeeded
from cfrealtime_rooms.runtime.executor import perform

pytestmark = pytest.mark.looptime


async def outcome(call: ApiCall, answer: object) -> Succeeded | Failed:
    """Perform a call to a service that answers so, raises so, or (None) never does."""

    async def handle(_: httpx.Request) -> httpx.Response:
        if answer is None:
            await asyncio.Event().wait()
        if isinstance(answer, Exception):
            raise answer
        assert isinstance(answer, httpx.Response)
        return answer

    transport = httpx.MockTransport(handle)
    async with AsyncRealtime("app", "secret", base_url="http://sfu/v1", transport=transport) as realtime:
        return await perform(realtime, call, deadline=20.0)


def refused(status: int, code: str = "why", **headers: str) -> httpx.Response:
    return httpx.Response(status, json={"errorCode": code, "errorDescription": "s3cr3t"}, headers=headers)


async def test_what_the_service_says_is_the_value():
    assert await outcome(NewSession(), httpx.Response(201, json={"sessionId": "abc"})) == Succeeded("abc")
    closed = await outcome(Close("abc", ("0",)), httpx.Response(200, json={"tracks": [{"mid": "0"}]}))
    assert isinstance(closed, Succeeded)
    assert isinstance(closed.value, CloseResult)


@pytest.mark.parametrize(
    ("answer", "failed"),
    [
        (refused(406), Failed("refused", 406, "why")),
        (refused(410), Failed("refused", 410, "why")),
        (refused(429, **{"Retry-After": "7"}), Failed("refused", 429, "why", 7.0)),
        (httpx.ConnectError("no"), Failed("not_sent")),
        (httpx.ReadError("cut"), Failed("unknown")),
        (httpx.Response(200, text="s3cr3t"), Failed("unknown")),
        (RuntimeError("s3cr3t"), Failed("unknown")),
        (None, Failed("unknown")),
    ],
    ids=["406", "410", "429", "not sent", "cut off", "garbage", "a fault in the transport", "never answered"],
)
async def test_every_failure_has_its_outcome(answer, failed, caplog):
    caplog.set_level(logging.DEBUG)
    assert await outcome(Publish("abc", "s3cr3t", (LocalTrack("0", "t"),)), answer) == failed
    assert "s3cr3t" not in caplog.text


async def test_what_makes_no_request_is_refused_and_not_uncertain():
    assert await outcome(Publish("abc", "", (LocalTrack("0", "t"),)), None) == Failed(
        "refused", 400, "invalid_request"
    )


async def test_a_call_has_one_deadline_in_all(looptime):
    assert await outcome(Look("abc"), None) == Failed("unknown")
    assert looptime <= 20.0
