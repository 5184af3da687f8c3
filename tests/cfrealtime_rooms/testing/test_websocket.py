"""The participant over a real WebSocket, on rooms served in the same process."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from cfrealtime import AsyncRealtime
from cfrealtime.emulator import Emulator
from cfrealtime_rooms import Rooms
from cfrealtime_rooms.testing.websocket import WebSocketParticipant, connect


@asynccontextmanager
async def host() -> AsyncIterator[str]:
    """A host in a few lines: everyone is who the path says."""
    async with Emulator() as emulator:
        transport = httpx.ASGITransport(emulator.app)
        async with (
            AsyncRealtime("demo", "secret", base_url="http://emulator/v1", transport=transport) as realtime,
            Rooms(realtime) as rooms,
        ):

            async def meet(socket: ServerConnection) -> None:
                identity = socket.request.path.strip("/")
                if identity == "nobody":
                    await socket.close(1008, "not invited")
                async with rooms.connect(
                    "demo", identity=identity, send=socket.send, close=socket.close
                ) as connection:
                    try:
                        async for text in socket:
                            await connection.receive(text)
                    except ConnectionClosed:
                        return

            async with serve(meet, "127.0.0.1", 0) as server:
                yield f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}"


async def test_two_meet_talk_and_leave():
    async with (
        host() as url,
        connect(f"{url}/ann", name="ann") as ann,
        connect(f"{url}/bob", name="bob") as bob,
    ):
        await ann.wait_until(lambda: len(ann.receiving()) == 2)
        ann.say("hello")
        await bob.wait_until(lambda: [one.text for one in bob.messages] == ["hello"])
        await ann.leave()
        await bob.wait_until(lambda: not bob.others)


async def test_a_dropped_socket_comes_back_and_resumes():
    async with host() as url, connect(f"{url}/ann", name="ann") as ann:
        await ann.wait_until(lambda: ann.connected)
        me, token = ann.participant_id, ann.token
        await ann.drop()
        await ann.wait_until(lambda: ann.attached and ann.token != token)
        assert (ann.participant_id, ann.epoch, ann.closed) == (me, 1, None)


async def test_a_host_that_refuses_for_good_is_not_asked_again():
    async with host() as url:
        nobody = WebSocketParticipant(f"{url}/nobody")
        opening = asyncio.create_task(nobody.open(within=60.0))
        await nobody.wait_until(lambda: nobody.closed is not None)
        assert nobody.closed == "not invited"
        opening.cancel()
        await nobody.aclose()


async def test_a_host_that_is_not_there_raises_at_once():
    with pytest.raises(OSError, match=r"refused|failed"):
        async with connect("ws://127.0.0.1:9/ann"):
            pass
