"""A real media plane per test."""

from __future__ import annotations

import asyncio

import pytest

from tests.cfrealtime.emulator.media.small_sfu import SmallSfu
from tests.cfrealtime.emulator.peer import until


@pytest.fixture
async def sfu():
    sfu = SmallSfu()
    await sfu.plane.start(sfu.events)
    yield sfu
    await sfu.plane.stop()
    await until(lambda: asyncio.all_tasks() == {asyncio.current_task()})
