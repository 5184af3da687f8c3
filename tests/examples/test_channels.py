"""The examples' channels keep every rule of the kit for channels."""

from __future__ import annotations

from functools import partial
from urllib.parse import quote

import pytest

from cfrealtime_rooms import Rooms
from cfrealtime_rooms.testing.channels import CHANNEL_RULES, ChannelTrial
from cfrealtime_rooms.testing.websocket import websocket_channel
from tests.examples.conftest import _aiohttp, _uvicorn

GRACE = 1.0


def opening(url: str):
    """How a client of this host opens a channel."""
    base = url.replace("http", "ws", 1)

    def channel(room_id: str, identity: str):
        who = quote(identity)
        return websocket_channel(f"{base}/rooms/{quote(room_id)}?identity={who}&name={who}")

    return channel


@pytest.mark.parametrize("rule", CHANNEL_RULES, ids=str)
async def test_fastapi(rule, load, monkeypatch):
    monkeypatch.setenv("MEETING_GRACE", str(GRACE))
    example = load("01_fastapi/app.py")
    async with _uvicorn(example.app) as url:
        await rule.check(ChannelTrial(example.rooms, opening(url)))


@pytest.mark.parametrize("rule", CHANNEL_RULES, ids=str)
async def test_aiohttp(rule, load):
    example = load("02_aiohttp/server.py")
    example.Rooms = partial(Rooms, grace=GRACE)
    app = example.create_app()
    async with _aiohttp(app) as url:
        await rule.check(ChannelTrial(app[example.ROOMS], opening(url)))
