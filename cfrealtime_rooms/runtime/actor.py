"""One room at work: feeds the core, performs what it decides, and wakes it when a deadline passes."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections import deque
from collections.abc import Callable, Iterable
from typing import Any

from attrs import define, field

from cfrealtime import AsyncRealtime

from ..core.actions import Action, Call, Emit, Exchanged, HangUp, Send, StopRepointing
from ..core.calls import CallOutcome, Failed
from ..core.commands import COMMAND_NAMES
from ..core.inputs import CloseRoom, Input, Overflowed, Received, Returned
from ..core.inspect import inspect
from ..core.machine import RoomMachine
from ..core.notices import Error, Notice
from ..core.plan import Rules
from ..core.state import Operation, Room
from ..store import RoomStore, StoreError
from .events import EventHub
from .executor import perform
from .handover import Owed, owed
from .outbox import Letter, Outbox
from .tenure import Tenure
from .watching import RoomWatch, Watch

log = logging.getLogger("cfrealtime_rooms")

PAUSE = 1.0
"""Seconds until a room whose decision failed decides again, unless something happens before."""
SERVICE_RESTART = 1012
"""The close code for channels of a room that this process lets go of: their clients come back."""


def new_id(prefix: str) -> str:
    """An id nobody can guess."""
    return f"{prefix}-{secrets.token_urlsafe(12)}"


@define
class Services:
    """What every room of a `Rooms` shares."""

    realtime: AsyncRealtime
    store: RoomStore
    rules: Rules
    events: EventHub
    watch: Watch
    call_deadline: float
    """Seconds one API call may take in all."""
    owner: str = field(factory=lambda: new_id("owner"))


class RoomActor:
    """Owner of one room's state. Only the event loop's thread calls it.

    It works until `finished` is called: the room is empty and nothing is owed, or another process owns it.
    Whoever made it then awaits `stop`. `after` is `gone` of the last actor of the same room: while that one
    puts away what it has in the store, this one makes no call.
    """

    def __init__(
        self,
        room_id: str,
        services: Services,
        *,
        finished: Callable[[RoomActor], None],
        stop_repointing: Callable[[], None],
        after: asyncio.Event | None = None,
    ) -> None:
        self.room_id = room_id
        self.over = asyncio.Event()
        """It has ended: what is given to it is ignored."""
        self.gone = asyncio.Event()
        """It has nothing to do with the store any more."""
        self._services = services
        self._finished, self._stop_repointing = finished, stop_repointing
        self._loop = asyncio.get_running_loop()
        self._machine = RoomMachine(Room(room_id), services.rules, new_id)
        self._tenure = Tenure(services.store, self._machine.room, services.owner, self._let_go)
        self._watch = RoomWatch(services.watch, self._machine.room)
        self._inbox: deque[Input] = deque()
        self._replies: list[Send] = []
        self._scheduled = False
        self._lost = False
        self._handed_over = False
        self._timer: asyncio.TimerHandle | None = None
        self._outboxes: dict[str, Outbox] = {}
        self._calls: set[asyncio.Task[None]] = set()
        self._keeper = self._loop.create_task(self._hold(after), name=f"room {room_id}")

    def open_outbox(self, connection: str, outbox: Outbox) -> None:
        """From now on what the room tells this connection goes here."""
        self._outboxes[connection] = outbox

    def close_outbox(self, connection: str) -> None:
        """Nothing more can be told to this connection."""
        self._outboxes.pop(connection, None)

    def post(self, given: Input) -> None:
        """Give the room something to deal with, in the order of arrival."""
        if not self.over.is_set():
            self._inbox.append(given)
            self._schedule()

    def reply(self, connection: str, error: Error) -> None:
        """Answer one client without asking the room: after what the room has to say by now."""
        if not self.over.is_set():
            self._replies.append(Send(connection, error))
            self._schedule()

    def _schedule(self) -> None:
        if not self._scheduled:
            self._scheduled = True
            self._loop.call_soon(self._turn)

    def inspect(self) -> dict[str, Any]:
        """The room as a developer wants to see it."""
        return inspect(self._machine.room, self._machine.rules, self._loop.time())

    @property
    def room(self) -> Room:
        """What is known about it, to be read."""
        return self._machine.room

    @property
    def messages_waiting(self) -> int:
        """For all its clients."""
        return sum(outbox.waiting for outbox in self._outboxes.values())

    def learn_no_repointing(self) -> None:
        """Another room has found that the service refuses to re-point."""
        self._machine.stop_repointing(self._loop.time())
        self._wake_at(self._loop.time())

    def halt(self) -> None:
        """Take no further turn and make no further call, from this moment on; `stop` does the rest."""
        self.over.set()
        if self._timer is not None:
            self._timer.cancel()
        for outbox in self._outboxes.values():
            outbox.hang_up(SERVICE_RESTART, "come back")
        for task in (*self._calls, self._keeper):
            task.cancel()

    async def stop(self, within: float | None = None) -> None:
        """End at once, whatever is still owed. Channels have `within` seconds for what is queued."""
        self.halt()
        finishing = [outbox.end(within) for outbox in self._outboxes.values()]
        await asyncio.gather(self._leave_store(), *finishing)

    async def _leave_store(self) -> None:
        settled = self._machine.finished and not self._lost
        tasks = [*self._calls, self._keeper]
        try:
            await asyncio.gather(*tasks, return_exceptions=True)
            self._handed_over = await self._tenure.end(settled=settled)
        finally:
            self.gone.set()
            self._watch.over(self._loop.time())

    def owed(self) -> tuple[Owed, ...]:
        """What it leaves behind at the SFU, once it has stopped. Of a room that is another's: nothing."""
        return () if self._lost else owed(self._machine.room, handed_over=self._handed_over)

    async def _hold(self, after: asyncio.Event | None) -> None:
        """Own the room in the store for as long as it is open."""
        if after is not None:
            await after.wait()
        try:
            for debt in await self._tenure.take():
                self.post(debt)
        except StoreError as error:
            log.error("room %s cannot be opened: %s", self.room_id, error)  # noqa: TRY400
            self._let_go()
        else:
            await self._tenure.keep()

    def _let_go(self) -> None:
        """This process does not own the room: its clients are to come back, to the process that does."""
        self._lost = True
        self.post(CloseRoom("owned_elsewhere", final=False))

    def _turn(self) -> None:
        """Take in everything that waits, then decide once."""
        self._scheduled = False
        if self.over.is_set():
            return
        while self._inbox:
            self._take(self._inbox.popleft())
        self._decide()
        replies, self._replies = self._replies, []
        self._send(replies)
        self._tenure.changed()
        if self._lost or (self._machine.finished and not self._inbox):
            self.over.set()
            self._finished(self)

    def _take(self, given: Input) -> None:
        """A fault in dealing with one input is that input's alone."""
        if isinstance(given, Overflowed) and (outbox := self._outboxes.get(given.connection)) is not None:
            self._watch.fell_behind(given.connection, outbox.dropped, outbox.waiting)
        try:
            self._machine.handle(given, self._loop.time())
        except Exception:
            log.exception("room %s: %s could not be dealt with", self.room_id, type(given).__name__)
            if isinstance(given, Received):
                sorry = "The room could not deal with that; it has been logged."
                name = COMMAND_NAMES.get(type(given.command))
                self.reply(given.connection, Error("internal", sorry, name))

    def _decide(self) -> None:
        try:
            actions = self._machine.flush(self._loop.time())
        except Exception:
            # What was decided before the fault comes out of the next flush.
            log.exception("room %s: deciding failed; the room goes on", self.room_id)
            self._wake_at(self._loop.time() + PAUSE)
            return
        self._send(action for action in actions if isinstance(action, Send | HangUp))
        for action in actions:
            self._perform(action)
        self._watch.turned(self._loop.time())
        self._wake_at(self._machine.next_deadline())

    def _send(self, actions: Iterable[Send | HangUp]) -> None:
        """What goes to many at once is written once."""
        letter: Letter | None = None
        for action in actions:
            outbox = self._outboxes.get(action.connection)
            if outbox is None:
                continue
            if isinstance(action, HangUp):
                outbox.hang_up(action.code, action.reason)
                continue
            if letter is None or not _same(letter.notice, action.notice):
                letter = Letter(action.notice)
            outbox.put(letter)

    def _perform(self, action: Action) -> None:
        match action:
            case Call(operation):
                task = self._loop.create_task(self._call(operation))
                self._calls.add(task)
                task.add_done_callback(self._calls.discard)
            case Emit(event):
                self._services.events.emit(event)
                self._watch.happened(event)
            case Exchanged():
                self._watch.exchanged(action)
            case StopRepointing():
                self._stop_repointing()
            case Send() | HangUp():
                pass  # done before

    async def _call(self, operation: Operation) -> None:
        deadline = self._services.call_deadline
        outcome: CallOutcome = Failed("not_sent")
        decided = self._loop.time()
        allowed = await self._tenure.may_call(operation, deadline)
        began = self._loop.time()
        told = self._watch.leaves(operation, began - decided)
        if allowed:
            outcome = await perform(self._services.realtime, operation.call, deadline)
            self._tenure.called(operation)
        seconds = self._loop.time() - began
        self._watch.ended(operation, told, outcome, seconds)
        self.post(Returned(operation.id, outcome, seconds))

    def _wake_at(self, when: float | None) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = None if when is None else self._loop.call_at(when, self._turn)


def _same(one: Notice, other: Notice) -> bool:
    """Whether two notices make the same text. Equal values of one turn share their parts: this is cheap."""
    return one is other or (type(one) is type(other) and one == other)
