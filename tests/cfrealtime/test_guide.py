"""The snippets of docs/sdk.md run."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import httpx
import pytest

from cfrealtime import AsyncRealtime
from cfrealtime.emulator import Emulator
from tests.cfrealtime.emulator.sdp.endpoint import M, answer, describe

GUIDE = (Path(__file__).resolve().parents[2] / "docs" / "sdk.md").read_text()
SNIPPETS = re.findall(r"```python\n(.*?)```", GUIDE, re.DOTALL)


def names():
    """What all snippets together define."""
    namespace = {}
    for snippet in SNIPPETS:
        exec(compile(snippet, "docs/sdk.md", "exec"), namespace)
    return namespace


@pytest.mark.looptime
async def test_the_guide_publishes_subscribes_changes_and_closes():
    guide = names()
    async with (
        Emulator() as emulator,
        AsyncRealtime(
            "demo", "secret", base_url="http://emulator/v1", transport=httpx.ASGITransport(emulator.app)
        ) as client,
    ):
        publisher, sdp = await guide["publish"](client, describe(M("audio", "0"), M("video", "1")))
        assert sdp.startswith("v=0")
        await asyncio.sleep(0.1)

        async def ask_endpoint(offer):
            return answer(offer)

        mids = await guide["subscribe"](client, publisher, ask_endpoint)
        assert len(mids) == 2
        (subscriber,) = {track["session_id"] for track in emulator.active_tracks()} - {publisher}
        await asyncio.sleep(1)
        await guide["change"](client.session(subscriber), mids[1], publisher)
        assert [track["mid"] for track in emulator.active_tracks(subscriber)] == [mids[0]]


@pytest.mark.looptime
@pytest.mark.parametrize("answers", ["lost", "kept"])
async def test_the_guide_survives_a_lost_answer(answers):
    guide = names()
    async with (
        Emulator() as emulator,
        AsyncRealtime(
            "demo", "secret", base_url="http://emulator/v1", transport=httpx.ASGITransport(emulator.app)
        ) as client,
    ):
        publisher, _ = await guide["publish"](client, describe(M("audio", "0"), M("video", "1")))
        await asyncio.sleep(0.1)
        session = await client.new_session()
        offer = (await session.subscribe([guide["RemoteTrack"](publisher, "camera")])).description.sdp
        if answers == "lost":
            emulator.faults.lose_answer("renegotiate")
        assert await guide["renegotiate"](session, answer(offer)) is (answers == "kept")


async def test_the_guide_runs_an_emulator_of_its_own():
    assert await names()["make_a_session"]()
