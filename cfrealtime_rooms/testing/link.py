"""A participant on a `Rooms` object of the same process, with a channel that can be slow or drop."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from typing import Protocol, TypedDict, Unpack

from cfrealtime_rooms.core.permissions import Permissions
from cfrealtime_rooms.testing.negotiator import Outgoing
from cfrealtime_rooms.testing.participant import Participant
from cfrealtime_rooms.testing.peer import PeerFactory, SilentPeer

Send = Callable[[str], Awaitable[None]]


class Connection(Protocol):
    """What `Rooms.connect` yields."""

    async def receive(self, text: str) -> None:
        """Take one message of the client."""
        ...


class Rooms(Protocol):
    """What a link needs of `cfrealtime_rooms.Rooms`."""

    def connect(
        self,
        room_id: str,
        *,
        identity: str,
        name: str | None = None,
        permissions: Permissions | None = None,
        attributes: Mapping[str, str] | None = None,
        send: Send,
        close: Callable[[int, str], Awaitable[None]] | None = None,
    ) -> AbstractAsyncContextManager[Connection]:
        """Connect one client's channel."""
        ...


class Options(TypedDict, total=False):
    """How a participant differs from the usual one."""

    name: str | None
    """What it calls itself; its identity where left out."""
    host_name: str | None
    permissions: Permissions | None
    host_attributes: Mapping[str, str] | None
    attributes: Mapping[str, str] | None
    sources: Iterable[str | Outgoing]
    peer_factory: PeerFactory
    latency: float


class LocalParticipant(Participant):
    """A participant with a channel straight into `Rooms`. `latency` is seconds one way."""

    def __init__(
        self,
        rooms: Rooms,
        room_id: str,
        identity: str,
        *,
        name: str | None = None,
        host_name: str | None = None,
        permissions: Permissions | None = None,
        host_attributes: Mapping[str, str] | None = None,
        attributes: Mapping[str, str] | None = None,
        sources: Iterable[str | Outgoing] = ("microphone", "camera"),
        peer_factory: PeerFactory = SilentPeer,
        latency: float = 0.0,
    ) -> None:
        super().__init__(
            name=identity if name is None else name,
            sources=sources,
            attributes=attributes,
            peer_factory=peer_factory,
        )
        self._rooms, self._room_id = rooms, room_id
        self._identity, self._host_name = identity, host_name
        self._permissions, self._host_attributes = permissions, host_attributes
        self._latency = latency
        self._channel: asyncio.Task[None] | None = None

    async def open(self, *, within: float = 30.0) -> None:
        """Open the channel; returns when the room has said welcome."""
        self._channel = asyncio.create_task(self._run())
        self._channel.add_done_callback(self._ended)
        await self.wait_until(lambda: self.attached, within=within, what="welcome")

    async def drop(self) -> None:
        """Lose the channel: the room hears it at once, and nothing of what was still on its way."""
        channel, self._channel = self._channel, None
        if channel is not None:
            channel.cancel()
            await asyncio.wait([channel])
        self.detach()

    async def reconnect(self, *, reload: bool = False, within: float = 30.0) -> None:
        """Come back after `drop`, as a page does; with `reload`, as one that was loaded again does."""
        if reload:
            await self.forget_connection()
        await self.open(within=within)
        before = self.token
        await self.wait_until(
            lambda: self.token != before or self.closed is not None, within=within, what="resumed"
        )

    async def aclose(self) -> None:
        """Drop the channel and the connection to the SFU, without a word."""
        await self.drop()
        await self.close()

    async def _run(self) -> None:
        """One channel: what a host's WebSocket handler and its network do."""
        up, down = _Wire(self._latency), _Wire(self._latency)
        finished = asyncio.Event()

        async def send(text: str) -> None:
            down.put(text)

        async def close(_code: int, _reason: str) -> None:
            finished.set()

        async def flush_and_finish() -> None:
            await finished.wait()
            await down.drained()

        self.attach(up.put)
        async with self._rooms.connect(
            self._room_id,
            identity=self._identity,
            name=self._host_name,
            permissions=self._permissions,
            attributes=self._host_attributes,
            send=send,
            close=close,
        ) as connection:
            steps = [
                asyncio.create_task(up.deliver(connection.receive)),
                asyncio.create_task(down.deliver(self.receive)),
                asyncio.create_task(flush_and_finish()),
            ]
            try:
                done, _ = await asyncio.wait(steps, return_when=asyncio.FIRST_COMPLETED)
                for step in done:
                    step.result()
            finally:
                for step in steps:
                    step.cancel()
                await asyncio.wait(steps)

    def _ended(self, channel: asyncio.Task[None]) -> None:
        if channel is self._channel:
            self.detach()
        if not channel.cancelled() and (error := channel.exception()) is not None:
            self.break_off(error)


class _Wire:
    """One direction of a channel: every text arrives after the latency, in order."""

    def __init__(self, latency: float) -> None:
        self._latency = latency
        self._texts: asyncio.Queue[tuple[float, str]] = asyncio.Queue()

    def put(self, text: str) -> None:
        self._texts.put_nowait((asyncio.get_running_loop().time() + self._latency, text))

    async def deliver(self, receive: Callable[[str], Awaitable[None]]) -> None:
        loop = asyncio.get_running_loop()
        while True:
            due, text = await self._texts.get()
            if (wait := due - loop.time()) > 0:
                await asyncio.sleep(wait)
            await receive(text)
            self._texts.task_done()

    async def drained(self) -> None:
        await self._texts.join()


@asynccontextmanager
async def connect(
    rooms: Rooms, room_id: str, identity: str, *, join: bool = True, **options: Unpack[Options]
) -> AsyncGenerator[LocalParticipant, None]:
    """A participant in a room, joined unless told otherwise; options are those of `LocalParticipant`.

    On exit the channel and the connection are dropped, which is not leaving.
    """
    participant = LocalParticipant(rooms, room_id, identity, **options)
    try:
        await participant.open()
        if join:
            await participant.join()
        yield participant
    finally:
        await participant.aclose()


class Guests:
    """Participants of one room who come and are all dropped at the end."""

    def __init__(self, rooms: Rooms, room_id: str = "demo", **options: Unpack[Options]) -> None:
        self._rooms, self._room_id, self._options = rooms, room_id, options
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Guests:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    async def join(self, identity: str, **options: Unpack[Options]) -> LocalParticipant:
        """One more participant, in the room."""
        guest = await self.arrive(identity, **options)
        await guest.join()
        return guest

    async def arrive(self, identity: str, **options: Unpack[Options]) -> LocalParticipant:
        """One more participant with an open channel, not in the room yet."""
        both: Options = {**self._options, **options}
        guest = LocalParticipant(self._rooms, self._room_id, identity, **both)
        self._stack.push_async_callback(guest.aclose)
        await guest.open()
        return guest

    async def join_at_once(self, *identities: str, **options: Unpack[Options]) -> list[LocalParticipant]:
        """Several participants who enter in the same moment."""
        guests = [await self.arrive(identity, **options) for identity in identities]
        async with asyncio.TaskGroup() as group:
            for guest in guests:
                group.create_task(guest.join())
        return guests
