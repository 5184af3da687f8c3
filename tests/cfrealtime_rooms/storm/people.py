"""Clients that misbehave, and the house they come to: its rooms change hands, its sockets are slow."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Literal

from cfrealtime_rooms import Rooms
from cfrealtime_rooms.testing import LocalParticipant, SilentPeer

Trick = Literal["never", "twice", "late", "stale", "foreign"]
LATE = 20.0
"""Seconds; the room has given up by then."""


class Person(LocalParticipant):
    """A client whose next answer may be wrong, whose page may hang, and who notes whom it was told about."""

    trick: Trick | None = None
    hangs_until = 0.0
    came = gone = False

    def __init__(self, house: House, room: str, identity: str, **options: Any) -> None:
        super().__init__(house, room, identity, **options)
        self.heard_of: set[tuple[str, str]] = set()
        """(own id, other's id) of everything that it was told."""

    @property
    def identity(self) -> str:
        """Who it is to the host."""
        return self._identity

    @property
    def away(self) -> bool:
        """Its channel is gone, and it was not told to stay away."""
        return self.came and self.closed is None and not self._open

    @property
    def _open(self) -> bool:
        return self._channel is not None and not self._channel.done()

    @property
    def turned_away(self) -> bool:
        """It was not let in."""
        return self._refused is not None and not self.joined

    async def enter(self) -> None:
        """Come, and join as soon as the room says welcome."""
        self._wants_in = True
        await self.open()

    async def open(self, *, within: float = 5.0) -> None:
        """Open the channel, unless the person has gone meanwhile."""
        if self.gone or self._open:
            raise ConnectionError("nobody there any more, or there already")
        self.came = True
        await super().open(within=within)

    async def aclose(self) -> None:
        """Gone for good."""
        self.gone = True
        await super().aclose()

    async def receive(self, text: str) -> None:
        """Take one message, once the page does not hang any more."""
        if (wait := self.hangs_until - asyncio.get_running_loop().time()) > 0:
            await asyncio.sleep(wait)
        await super().receive(text)
        if self.participant_id is not None:
            self.heard_of |= {(self.participant_id, one) for one in self.roster.participants}

    def _tell(self, kind: str, **fields: object) -> None:
        if kind not in ("answer", "applied") or self.trick is None:
            super()._tell(kind, **fields)
            return
        trick, self.trick = self.trick, None
        match trick:
            case "never":
                pass
            case "twice":
                super()._tell(kind, **fields)
                super()._tell(kind, **fields)
            case "stale":
                super()._tell(kind, **{**fields, "exchange": 0})
                super()._tell(kind, **fields)
            case "foreign":
                super()._tell("media", epoch=(self.epoch or 0) + 7, state="failed", sending=[])
                super()._tell(kind, **fields)
            case "late":
                asyncio.get_running_loop().call_later(LATE, self._tell_late, self._send, kind, fields)

    def _tell_late(self, channel: object, kind: str, fields: dict[str, Any]) -> None:
        if channel is self._send:
            super()._tell(kind, **fields)

    def sound(self, *, on: bool) -> None:
        """Every device falls silent, or sends again; the page notices and says so."""
        if isinstance(self.peer, SilentPeer) and self.peer.state == "connected":
            if on:
                self.peer._send()
            else:
                self.peer._sending = frozenset()
                self.peer.on_change()


class House:
    """The host's application: `connect` leads to whichever rooms it runs at the time."""

    def __init__(self) -> None:
        self.rooms: Rooms | None = None
        """None: closed for the moment."""
        self._slow: dict[str, asyncio.Event] = {}

    @asynccontextmanager
    async def connect(self, room_id: str, *, identity: str, send: Any, **options: Any) -> AsyncIterator[Any]:
        """A client's channel."""
        if self.rooms is None:
            raise ConnectionError("closed for the moment")

        async def slowly(text: str) -> None:
            if (gate := self._slow.get(identity)) is not None:
                await gate.wait()
            await send(text)

        async with self.rooms.connect(room_id, identity=identity, send=slowly, **options) as connection:
            yield connection

    def slow(self, identity: str) -> None:
        """What is sent to this identity stays where it is."""
        self._slow.setdefault(identity, asyncio.Event())

    def fast(self, identity: str | None = None) -> None:
        """And goes on."""
        for one in [identity] if identity is not None else list(self._slow):
            if (gate := self._slow.pop(one, None)) is not None:
                gate.set()
