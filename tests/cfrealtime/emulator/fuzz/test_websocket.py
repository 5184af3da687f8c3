"""What bots say to adapters over real sockets: any message, any close, and no WebSocket at all."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.exceptions import ConnectionClosed

from cfrealtime.emulator.adapters import messages
from tests.cfrealtime.emulator.adapters.bot import Bot, running_bot
from tests.cfrealtime.emulator.adapters.calls import close, egress, ingest, new
from tests.cfrealtime.emulator.fuzz.street import Street, mutations, some

PACKET = messages.encode(messages.Message(b"\1\2\3\4" * 40, 7, 480))
MESSAGE = st.binary(max_size=200) | st.text(max_size=40) | mutations(PACKET)
CODE = st.sampled_from([1000, 1001, 1008, 1009, 1011, 3000, 4999])


@pytest.fixture
async def bot():
    async with running_bot() as bot:
        yield bot


@some(25)
@given(said=st.lists(MESSAGE, max_size=8), code=CODE | st.none())
async def test_anything_said_to_adapters_disturbs_nobody(street: Street, bot: Bot, said, code):
    response = await new(street.client, ingest(endpoint=bot.url), egress(street.alice.id, endpoint=bot.url))
    items = response.json()["tracks"]
    assert [item.get("errorCode") for item in items] == [None, None]
    for connection in bot.connections[-2:]:
        with suppress(ConnectionClosed):
            for message in said:
                await connection.send(message)
            if code is not None:
                await connection.close(code)
    await street.undisturbed()
    response = await close(street.client, *(item["adapterId"] for item in items))
    assert [item.get("errorCode") for item in response.json()["tracks"]] == [None, None]


@some(15)
@given(
    answer=st.binary(max_size=100)
    | mutations(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n")
)
async def test_an_endpoint_that_is_no_websocket_fails_alone(street: Street, answer):
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(answer)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        response = await new(street.client, ingest(endpoint=f"ws://127.0.0.1:{port}/"))
    assert response.status_code == 503
    assert response.json()["tracks"][0]["errorCode"] == "websocket_handshake_failed"
    await street.undisturbed()
