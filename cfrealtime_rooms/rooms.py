"""Rooms for a host application: connect a participant's channel, watch what happens, act on a room."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Mapping, Sequence
from types import TracebackType
from typing import Any, Self

from attrs import evolve

from cfrealtime import AsyncRealtime

from .core.attributes import merged
from .core.events import RoomEvent
from .core.inputs import (
    AllowSource,
    BanIdentity,
    CloseRoom,
    Connected,
    Disconnected,
    Input,
    MuteSource,
    Overflowed,
    Received,
    RemoveParticipant,
    Say,
    SetPermissions,
    SetRoomAttributes,
    UnbanIdentity,
)
from .core.notices import Error
from .core.permissions import Permissions
from .core.plan import Rules
from .core.policy import Policy, Visible, everybody, everyone
from .core.settings import Duplicates, Settings
from .core.turn import Refused
from .hooks import RoomHooks
from .metrics import Metrics
from .runtime.actor import RoomActor, Services, new_id
from .runtime.door import Door
from .runtime.events import EventHub
from .runtime.guard import guarded, guarded_visible
from .runtime.handover import Owed
from .runtime.ice import IceServers, Visitor, by_default, servers_for
from .runtime.outbox import CloseChannel, Outbox, SendText
from .runtime.watching import Watch
from .signaling import ProtocolError, decode
from .store import MemoryStore, RoomStore

log = logging.getLogger("cfrealtime_rooms")


class Connection:
    """One participant's channel, as the host feeds it."""

    def __init__(self, actor: RoomActor, connection_id: str, settings: Settings) -> None:
        self.id = connection_id
        self._actor, self._settings = actor, settings

    async def receive(self, text: str) -> None:
        """Take one text that arrived. Returns once it is checked and queued.

        Whatever is wrong with the text is answered to this client; nothing is raised. After the room has
        ended the channel, what arrives is ignored.
        """
        try:
            command = decode(text, self._settings.limits)
        except ProtocolError as error:
            self._actor.reply(self.id, Error(error.code, error.message, error.in_reply_to))
        else:
            self._actor.post(Received(self.id, command))
        await asyncio.sleep(0)  # a flood of one client's leaves the others their turn


class Rooms:
    """Rooms on one Cloudflare Realtime app. One process per room: do not run several workers on one app.

    Give it the SDK client. It can be built without a running event loop; from its first use on it belongs to
    that loop, while everything else a host does to a room may be called from any thread.
    """

    def __init__(
        self,
        realtime: AsyncRealtime,
        *,
        policy: Policy = everyone,
        visible: Visible = everybody,
        grace: float | None = None,
        max_participants: int | None = None,
        duplicates: Duplicates | None = None,
        ice_servers: IceServers | None = None,
        settings: Settings | None = None,
        store: RoomStore | None = None,
        call_deadline: float = 20.0,
        hooks: RoomHooks | None = None,
    ) -> None:
        """`policy` says who should receive what, `visible` who is told about whom.

        `grace`, in seconds, `max_participants` and `duplicates` override `settings`.

        `ice_servers` is a value, or an async function of the `Visitor`; what the SDK's TURN client generates
        will do. By default Cloudflare's STUN server on Cloudflare, and none elsewhere.
        `call_deadline`: seconds one API call may take in all. `hooks` are told what happens, as
        `cfrealtime_rooms.hooks` says.
        """
        self.settings = settings or Settings()
        if grace is not None:
            self.settings = evolve(self.settings, grace=grace)
        if max_participants is not None:
            self.settings = evolve(self.settings, max_participants=max_participants)
        if duplicates is not None:
            self.settings = evolve(self.settings, duplicates=duplicates)
        self._ice_servers = ice_servers if ice_servers is not None else by_default(realtime.base_url)
        self._events = EventHub()
        self._services = Services(
            # A lane knows better than the SDK what a failed call has left and what comes next.
            realtime=realtime.with_options(max_retries=0),
            store=store or MemoryStore(),
            rules=Rules(guarded(policy), self.settings, guarded_visible(visible)),
            events=self._events,
            watch=Watch(hooks),
            call_deadline=call_deadline,
        )
        self._open: dict[str, RoomActor] = {}
        self._stopping: dict[RoomActor, asyncio.Task[None]] = {}
        self._door = Door()
        self._closed = False

    async def __aenter__(self) -> Self:
        self._bind()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    @contextlib.asynccontextmanager
    async def connect(
        self,
        room_id: str,
        *,
        identity: str,
        send: SendText,
        close: CloseChannel | None = None,
        name: str | None = None,
        permissions: Permissions | None = None,
        attributes: Mapping[str, str] | None = None,
    ) -> AsyncGenerator[Connection]:
        """Connect a participant's channel for as long as the block runs.

        `send` is async and takes one text; it is called one at a time, with a deadline. `close`, if given, is
        awaited with a WebSocket close code and a reason when the room ends the channel, or when `send` has
        failed. `identity` is the application's user; a name and attributes given here win over what the
        client says. Raises `ValueError` where they can be none, and whatever `ice_servers` raises.
        """
        self._bind()
        self._check(room_id, identity, name)
        servers = await servers_for(self._ice_servers, Visitor(room_id, identity, name))
        self._bind()  # the rooms may have been closed meanwhile
        actor = self._actor(room_id)
        connection_id = new_id("connection")
        outbox = Outbox(
            send,
            close,
            overflowed=lambda: actor.post(Overflowed(connection_id)),
            broken=lambda: actor.post(Disconnected(connection_id)),
        )
        actor.open_outbox(connection_id, outbox)
        rights, stated = permissions or Permissions(), dict(attributes or {})
        actor.post(Connected(connection_id, identity, name, rights, stated, servers))
        try:
            yield Connection(actor, connection_id, self.settings)
        except RuntimeError:
            # Frameworks raise it from a channel that was closed under them; here it was the room that did.
            if not outbox.hung_up:
                raise
        finally:
            actor.post(Disconnected(connection_id))
            actor.close_outbox(connection_id)
            await outbox.finish()

    def events(self) -> AsyncIterator[RoomEvent]:
        """Every event of every room from this call on, in order, until the rooms are closed.

        Each caller gets all of them. One that falls 10 000 events behind loses the oldest.
        """
        return self._events.subscribe()

    def inspect(self, room_id: str) -> dict[str, Any] | None:
        """A room's sessions with timelines, wanted against actual, and the ledger; None if not open."""
        return self._door.go(lambda: actor.inspect() if (actor := self._open.get(room_id)) else None)

    def metrics(self) -> Metrics:
        """What all rooms amount to, in numbers."""

        def measure() -> Metrics:
            actors = list(self._open.values())
            now = self._door.loop.time() if self._door.loop is not None else 0.0
            waiting = sum(actor.messages_waiting for actor in actors)
            return self._services.watch.metrics([actor.room for actor in actors], now, waiting)

        return self._door.go(measure)

    def room_ids(self) -> list[str]:
        """The rooms that are open."""
        return self._door.go(lambda: list(self._open))

    def remove(self, room_id: str, identity: str, reason: str = "removed") -> None:
        """Take everyone of an identity out of a room; what they published is closed at the SFU."""
        self._tell(room_id, RemoveParticipant(identity, reason))

    def set_permissions(self, room_id: str, identity: str, permissions: Permissions | None) -> None:
        """Give everyone of an identity other rights, now and whenever it comes back to this room.

        What it may not publish any more is closed at the SFU with one call, and so is what it may not
        receive. They hold against what `connect` says, as long as the room; None undoes that.
        """
        self._tell(room_id, SetPermissions(identity, permissions))

    def mute(self, room_id: str, identity: str, source: str) -> None:
        """Close a source of an identity at the SFU, with one call. It stays closed until `allow`."""
        self._tell(room_id, MuteSource(identity, source))

    def allow(self, room_id: str, identity: str, source: str | None = None) -> None:
        """Let an identity publish again what was muted: one source, or all. Its client decides whether to."""
        self._tell(room_id, AllowSource(identity, source))

    def ban(
        self, room_id: str, identity: str, reason: str = "banned", *, seconds: float | None = None
    ) -> None:
        """Take everyone of an identity out of a room and let nobody of it in, for `seconds` or until `unban`.

        A ban ends with its room, at the latest: refuse at the door whoever must not come back after that.
        """
        self._tell(room_id, BanIdentity(identity, reason, seconds))

    def unban(self, room_id: str, identity: str) -> None:
        """Let an identity in again."""
        self._tell(room_id, UnbanIdentity(identity))

    def set_attributes(self, room_id: str, attributes: Mapping[str, str]) -> None:
        """Merge into a room's own attributes, which everyone in it is told; an empty value removes its key.

        As many and as long as a participant's may be (`settings.limits`), else `ValueError`. They end with
        the room.
        """
        news = dict(attributes)

        def check_and_post() -> None:
            actor = self._open.get(room_id)
            if actor is not None:
                try:
                    merged(actor.room.attributes, news, self.settings.limits)
                except Refused as refused:
                    raise ValueError(refused.message) from None
                actor.post(SetRoomAttributes(news))

        self._door.go(check_and_post)

    def say(
        self, room_id: str, *, text: str | None = None, data: object = None, to: Sequence[str] | None = None
    ) -> None:
        """Send the room, or some of its participants (by id), a text, or any JSON value as `data`."""
        if (text is None) == (data is None):
            raise ValueError("say a text, or data")
        # The copy is the caller's proof that it is JSON, and nobody changes it on its way.
        copy = None if data is None else json.loads(json.dumps(data, allow_nan=False))
        self._tell(room_id, Say(text, copy, None if to is None else tuple(to)))

    def close_room(self, room_id: str, reason: str = "room_closed") -> None:
        """Close a room for everyone who is in it. The next to join finds it empty."""
        self._tell(room_id, CloseRoom(reason))

    async def aclose(self, within: float = 5.0) -> tuple[Owed, ...]:
        """Stop: close at the SFU what the rooms hold, for at most `within` seconds. Clients may come back.

        Returns what could not be closed, session by session; it stays in the store for the next owner of the
        room. Twice that time may pass, and a second, where neither the service nor the store answers.
        """
        if self._closed:
            return ()
        if self._door.loop is not None:
            self._bind()
        self._closed = True
        actors = list(self._open.values())
        stopping = [*self._stopping, *actors]
        for actor in actors:
            actor.post(CloseRoom("restarting", final=False))
        try:
            await _all(within, [actor.over.wait() for actor in actors])
        finally:
            ending = [actor.stop(within=1.0) for actor in self._open.values()]
            for actor in self._open.values():
                actor.halt()  # a turn that is due must not come between
            self._open.clear()
            await _all(within, [*ending, *self._stopping.values()])
            self._events.close()
            await self._services.watch.finish()
        left = tuple(one for actor in stopping for one in actor.owed())
        for one in left:
            fate = "its next owner will" if one.handed_over else "and the store could not be told"
            log.warning("room %s still owes session %s a close: %s", one.room_id, one.session_id, fate)
        return left

    def _bind(self) -> None:
        if self._closed:
            raise RuntimeError("these rooms are closed; make new Rooms")
        self._door.bind()

    def _check(self, room_id: str, identity: str, name: str | None) -> None:
        """Where the host is wrong, the host is told, at once; its client could do nothing about it."""
        if not room_id or not identity:
            raise ValueError("a connection needs a room_id and an identity, which are not empty")
        longest = self.settings.limits.name_length
        if name is not None and not 1 <= len(name.strip()) <= longest:
            raise ValueError(f"a name has 1 to {longest} characters; leave it out to let the client choose")

    def _actor(self, room_id: str) -> RoomActor:
        actor = self._open.get(room_id)
        if actor is None:
            before = [last.gone for last in self._stopping if last.room_id == room_id]
            actor = RoomActor(
                room_id,
                self._services,
                finished=self._finished,
                stop_repointing=self._stop_repointing,
                after=before[-1] if before else None,
            )
            self._open[room_id] = actor
        return actor

    def _finished(self, actor: RoomActor) -> None:
        """The room is over, here at least. The next of its name waits until this one has ended."""
        del self._open[actor.room_id]
        stopping = asyncio.get_running_loop().create_task(actor.stop(), name=f"end of room {actor.room_id}")
        self._stopping[actor] = stopping
        stopping.add_done_callback(lambda _: self._stopping.pop(actor))

    def _stop_repointing(self) -> None:
        log.info(
            "the service refuses to re-point live mids: subscriptions are closed and made anew from now on"
        )
        self._services.rules = evolve(self._services.rules, repointing=False)
        for actor in self._open.values():
            actor.learn_no_repointing()

    def _tell(self, room_id: str, given: Input) -> None:
        def post() -> None:
            actor = self._open.get(room_id)
            if actor is not None:
                actor.post(given)

        self._door.go(post)


async def _all(within: float, steps: Sequence[Awaitable[object]]) -> None:
    """Let all of them end, but not for longer; none is left behind."""
    tasks = [asyncio.ensure_future(step) for step in steps]
    if not tasks:
        return
    try:
        await asyncio.wait(tasks, timeout=within)
    finally:
        for task in tasks:
            task.cancel()
        for ended in await asyncio.gather(*tasks, return_exceptions=True):
            if isinstance(ended, Exception):
                log.error("closing the rooms: %s", type(ended).__name__)
