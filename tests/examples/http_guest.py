"""A client of the host without WebSockets, by hand."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import ClientConnectionError, ClientResponse, ClientSession

from cfrealtime_rooms.testing.channels import ChannelEndedError

Told = AsyncIterator[tuple[str, Any]]
"""Kinds of events, with their data."""


class Guest:
    """Somebody with a seat: reads a stream, says things."""

    def __init__(self, client: ClientSession, seat: dict[str, str]) -> None:
        self.client, self.seat = client, seat
        self.headers = {"Authorization": f"Bearer {seat['secret']}"}
        self.stream = 0

    @classmethod
    async def join(cls, client: ClientSession, name: str, room: str = "standup") -> Guest:
        """Take a seat."""
        asked, log_in = {"room": room, "name": name}, {"X-User": name}
        async with client.post("/joinRoom", json=asked, headers=log_in) as response:
            assert response.status == 200
            return cls(client, await response.json())

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[ClientResponse]:
        """The answer that does not end."""
        params = {"channel": self.seat["channel"]}
        async with self.client.get("/events", params=params, headers=self.headers) as response:
            assert response.content_type == "text/event-stream"
            yield response

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[Told]:
        """The events of a stream, from `welcome` on."""
        async with self.reading() as response:
            told = events_of(response)
            self.stream = (await until(told, "open"))["stream"]
            yield told

    async def post(self, path: str, text: Any = "", stream: int | None = None) -> tuple[int, str | None]:
        """Say something: the status of the answer, and the code of a refusal."""
        params = {"channel": self.seat["channel"], "stream": str(stream or self.stream)}
        return await answer(self.client.post(path, data=text, params=params, headers=self.headers))

    async def say(self, **message: object) -> None:
        """Say something that is taken."""
        assert await self.post("/messages", json.dumps(message)) == (204, None)


async def answer(request: Any) -> tuple[int, str | None]:
    """The status of an answer, and the code of a refusal."""
    async with request as response:
        return response.status, (await response.json())["code"] if response.content_length else None


async def events_of(response: ClientResponse) -> Told:
    """Server-sent events, as they come."""
    rest = b""
    async for piece in response.content.iter_any():
        *blocks, rest = (rest + piece).split(b"\n\n")
        for block in blocks:
            fields = dict(line.split(": ", 1) for line in block.decode().split("\n"))
            yield fields["event"], json.loads(fields["data"])


async def until(told: Told, wanted: str) -> Any:
    """The next message of a type, or event of a kind."""
    async with asyncio.timeout(10):
        async for kind, data in told:
            if wanted == (data["type"] if kind == "message" else kind):
                return data
    raise AssertionError(f"the stream ended before {wanted}")


class HttpChannel:
    """The two directions as one channel, for the kit."""

    def __init__(self, guest: Guest, response: ClientResponse, told: Told) -> None:
        self._guest, self._response, self._told = guest, response, told

    async def send(self, text: str) -> None:
        """One request."""
        if (await self._guest.post("/messages", text))[0] != 204:
            raise ChannelEndedError

    async def receive(self) -> str:
        """The next message. Beats are answered on the way."""
        try:
            async for kind, data in self._told:
                if kind == "message":
                    return json.dumps(data)
                if kind == "end":
                    raise ChannelEndedError(data["code"], data["reason"])
                await self._guest.post("/beat")
        except ClientConnectionError:
            pass
        raise ChannelEndedError

    async def lose(self) -> None:
        """Break the connection."""
        self._response.close()


@asynccontextmanager
async def http_channel(client: ClientSession, room: str, name: str) -> AsyncIterator[HttpChannel]:
    """A seat, and a stream on it."""
    guest = await Guest.join(client, name, room)
    async with guest.reading() as response:
        told = events_of(response)
        guest.stream = (await until(told, "open"))["stream"]
        yield HttpChannel(guest, response, told)
