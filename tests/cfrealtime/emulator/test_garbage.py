"""When the command searches for garbage: not in the middle of somebody's meeting."""

from __future__ import annotations

import asyncio
import gc

import pytest

from cfrealtime.emulator.__main__ import collecting_seldom


@pytest.mark.looptime
async def test_everything_is_searched_once_a_minute_and_by_nobody_else(monkeypatch):
    searched: list[float] = []
    clock = asyncio.get_running_loop().time
    monkeypatch.setattr(gc, "collect", lambda: searched.append(clock()))
    began, before = clock(), gc.get_threshold()
    async with collecting_seldom():
        assert gc.get_threshold() == (*before[:2], 1_000_000)
        assert gc.get_freeze_count() > 0
        await asyncio.sleep(150)
    assert [at - began for at in searched] == [0, 60, 120]
    assert gc.get_threshold() == before
    assert gc.get_freeze_count() == 0
