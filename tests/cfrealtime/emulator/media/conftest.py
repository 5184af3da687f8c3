"""A real media plane per test."""

from __future__ import annotations

import asyncio

import pytest

from tests.cfrealtime.emulator.media.data_peers import Lossy
from tests.cfrealtime.emulator.media.small_sfu import SmallSfu
from tests.cfrealtime.emulator.peer import until
from tests.cfrealtime.emulator.sdp.endpoint import M


@pytest.fixture
async def sfu():
    sfu = SmallSfu()
    await sfu.plane.start(sfu.events)
    yield sfu
    await sfu.plane.stop()
    await until(lambda: asyncio.all_tasks() == {asyncio.current_task()})


@pytest.fixture
async def peers(sfu):
    """Alice, who speaks, and bob, who hears; their transports are up."""
    alice, bob = Lossy(), Lossy()
    await alice.join(sfu, "alice", M("audio", "1", ssrc=1000))
    await bob.join(sfu, "bob")
    yield alice, bob
    await alice.close()
    await bob.close()
