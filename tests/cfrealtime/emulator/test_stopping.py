"""The end of an emulator that is in use: those who are connected do not hold it up."""

from __future__ import annotations

import asyncio
import json

import httpx

from tests.cfrealtime.emulator.adapters.bot import running_bot
from tests.cfrealtime.emulator.adapters.calls import egress, ingest, made
from tests.cfrealtime.emulator.peer import remote, until
from tests.cfrealtime.emulator.process import ADVICE, running
from tests.cfrealtime.emulator.talkers import heard, listening, talking

SILENCE = b"\xf8\xff\xfe"
"""A frame of Opus."""
HEADERS = {"Authorization": "Bearer secret"}


async def test_it_stops_soon_and_in_silence_though_peers_and_adapters_are_connected():
    with running("--json", "--port", "0") as (process, line):
        base = json.loads(line)["base_url"].removesuffix("/v1")
        async with (
            running_bot() as bot,
            httpx.AsyncClient(base_url=base, headers=HEADERS, timeout=60) as client,
            talking(client, 1000, SILENCE) as (speaker, _),
            listening(client, remote(speaker.id, "mic")) as (_, ears, _),
        ):
            await made(client, egress(speaker.id, endpoint=bot.url))
            await made(client, ingest(endpoint=bot.url))
            await ears.until(lambda: heard(ears, SILENCE))
            await until(lambda: bot.got)
            process.terminate()
            async with asyncio.timeout(10):
                rest, words = await asyncio.to_thread(process.communicate)
            assert (process.returncode, rest) == (0, "")
            assert words.splitlines()[1:] == ADVICE
            async with asyncio.timeout(10):
                await asyncio.gather(*(connection.wait_closed() for connection in bot.connections))
