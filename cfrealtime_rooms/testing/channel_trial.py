"""What a host's channel is tried with: a way to open one, the host's rooms, and a client by hand."""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from typing import Any, Protocol

from attrs import field, frozen

from cfrealtime_rooms import Rooms
from cfrealtime_rooms.testing.rules import RuleBrokenError

Heard = Mapping[str, Any]
"""A message of the room's."""


class ChannelEndedError(Exception):
    """A channel has ended: raised by `receive`, with the code and the reason if its kind has any."""

    def __init__(self, code: int | None = None, reason: str | None = None) -> None:
        super().__init__(f"ended with {code} {reason!r}")
        self.code, self.reason = code, reason


class Channel(Protocol):
    """The client's end of one channel."""

    async def send(self, text: str) -> object:
        """Send one text. May wait; raises `ChannelEndedError`, or nothing, once the channel is gone."""
        ...

    async def receive(self) -> str:
        """The next text; `ChannelEndedError` after the last."""
        ...

    async def lose(self) -> object:
        """Break the connection without a word, as a network does."""
        ...


@frozen
class ChannelTrial:
    """A host that is tried, in this process."""

    rooms: Rooms
    open: Callable[[str, str], AbstractAsyncContextManager[Channel]]
    """Opens a channel of a room and an identity; leaving the block closes it in its usual way."""
    codes: bool = True
    """Whether this kind of channel ends with a code and a reason, as a WebSocket does."""
    notices_within: float = 15.0
    """Seconds in which the host must notice that a connection was lost."""
    mark: str = field(factory=lambda: secrets.token_hex(4))

    def room(self, name: str = "hall") -> str:
        """The id of a room that is this trial's own."""
        return f"{self.mark}-{name}"

    @asynccontextmanager
    async def visit(self, identity: str, room: str = "hall") -> AsyncGenerator[Visitor]:
        """A visitor with an open channel, welcomed and not in the room yet."""
        async with AsyncExitStack() as stack:
            channel = await stack.enter_async_context(self.open(self.room(room), identity))
            visitor = Visitor(identity, channel)
            visitor.limits = (await visitor.hear("welcome"))["limits"]
            yield visitor

    @asynccontextmanager
    async def guest(self, identity: str, room: str = "hall") -> AsyncGenerator[Visitor]:
        """A visitor that is in the room, without media."""
        async with self.visit(identity, room) as visitor:
            await visitor.join()
            yield visitor


class Visitor:
    """A client by hand: it says what it is told to say, and hears one message after the other."""

    def __init__(self, identity: str, channel: Channel) -> None:
        self.identity, self.channel = identity, channel
        self.limits: Heard = {}
        self.joined: Heard = {}

    async def say(self, kind: str, **fields: object) -> None:
        """Send a message."""
        await self.channel.send(json.dumps({"type": kind, **fields}))

    async def next(self, within: float = 30.0) -> Heard:
        """The next message, whatever it is."""
        try:
            async with asyncio.timeout(within):
                text = await self.channel.receive()
        except TimeoutError:
            raise RuleBrokenError(f"{self.identity} heard nothing for {within:g} s") from None
        try:
            message: dict[str, Any] = json.loads(text)
            str(message["type"])
        except (ValueError, TypeError, KeyError):
            raise RuleBrokenError(f"{self.identity} got a text that is no message: {text[:60]!a}") from None
        return message

    async def hear(self, kind: str, within: float = 30.0, **fields: object) -> Heard:
        """The next message of a kind, with these fields; what comes before it is passed over."""
        seen: list[str] = []
        try:
            async with asyncio.timeout(within):
                while True:
                    message = await self.next(within)
                    seen.append(message["type"])
                    if message["type"] == kind and fields.items() <= message.items():
                        return message
        except ChannelEndedError as end:
            raise RuleBrokenError(f"{self.identity} waited for {kind}, heard {seen}, and it {end}") from None
        except (TimeoutError, RuleBrokenError) as error:
            raise RuleBrokenError(f"{self.identity} waited for {kind} and heard {seen}. {error}") from None

    async def hear_of(self, participant: str, state: str, within: float = 30.0) -> None:
        """Wait for a delta that shows a participant in a state, or as one that left for that reason."""
        async with asyncio.timeout(within):
            while True:
                delta = await self.hear("delta", within)
                shown = [(one["id"], one["state"]) for one in delta.get("participants", ())]
                shown += [(one["id"], one["reason"]) for one in delta.get("left", ())]
                if (participant, state) in shown:
                    return

    async def join(self) -> Heard:
        """Enter the room, as a viewer."""
        await self.say("join", name=self.identity)
        self.joined = await self.hear("joined")
        return self.joined

    @property
    def id(self) -> str:
        """The participant it is, once it has joined."""
        return str(self.joined["participant"])

    async def end(self, within: float = 30.0) -> tuple[list[Heard], ChannelEndedError]:
        """Everything until the channel ends, and how it ends."""
        heard: list[Heard] = []
        try:
            async with asyncio.timeout(within):
                while True:
                    heard.append(await self.next(within))
        except ChannelEndedError as end:
            return heard, end
        except (TimeoutError, RuleBrokenError):
            kinds = [message["type"] for message in heard]
            raise RuleBrokenError(f"{self.identity}'s channel does not end; it heard {kinds}") from None
