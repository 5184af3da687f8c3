"""One room at work: feeds the core, performs what it decides, and wakes it when a deadline passes."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections import deque
from collections.abc import Callable
from typing import Any

from attrs import define, field

from cfrealtime import AsyncRealtime

from ..core.actions import Action, Call, Emit, HangUp, Send, StopRepointing
from ..core.calls import CallOutcome, Failed
from ..core.inputs import CloseRoom, Input, Received, Returned
from ..core.inspect import inspect
from ..core.machine import RoomMachine
from ..core.notices import Error
from ..core.plan import Rules
from ..core.state import Operation, Room
from ..store import RoomStore, StoreError
from .events import EventHub
from .executor import perform
from .outbox import Outbox
from .tenure import Tenure

log = logging.getLogger("cfrealtime_rooms")


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
    call_deadline: float
    """Seconds one API call may take in all."""
    owner: str = field(factory=lambda: new_id("owner"))


class RoomActor:
    """Owner of one room's state. Only the event loop's thread calls it."""

    def __init__(
        self,
        room_id: str,
        services: Services,
        *,
        finished: Callable[[RoomActor], None],
        stop_repointing: Callable[[], None],
    ) -> None:
        self.room_id = room_id
        self._services = services
        self._finished, self._stop_repointing = finished, stop_repointing
        self._loop = asyncio.get_running_loop()
        self._machine = RoomMachine(Room(room_id), services.rules, new_id)
        self._tenure = Tenure(services.store, self._machine.room, services.owner)
        self._inbox: deque[Input] = deque()
        self._scheduled = False
        self._timer: asyncio.TimerHandle | None = None
        self._outboxes: dict[str, Outbox] = {}
        self._calls: set[asyncio.Task[None]] = set()
        self._keeper = self._loop.create_task(self._hold(), name=f"room {room_id}")
        self.over = asyncio.Event()

    def open_outbox(self, connection: str, outbox: Outbox) -> None:
        """From now on what the room tells this connection goes here."""
        self._outboxes[connection] = outbox

    def close_outbox(self, connection: str) -> None:
        """Nothing more can be told to this connection."""
        self._outboxes.pop(connection, None)

    def post(self, given: Input) -> None:
        """Give the room something to deal with, in the order of arrival."""
        self._inbox.append(given)
        if not self._scheduled and not self.over.is_set():
            self._scheduled = True
            self._loop.call_soon(self._turn)

    def inspect(self) -> dict[str, Any]:
        """The room as a developer wants to see it."""
        return inspect(self._machine.room, self._machine.rules, self._loop.time())

    def learn_no_repointing(self) -> None:
        """Another room has found that the service refuses to re-point."""
        self._machine.stop_repointing(self._loop.time())
        self._wake_at(self._loop.time())

    async def stop(self) -> None:
        """End at once, whatever is still owed."""
        self.over.set()
        if self._timer is not None:
            self._timer.cancel()
        tasks = [*self._calls, self._keeper]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._tenure.give_up()

    async def _hold(self) -> None:
        """Own the room in the store for as long as it is open."""
        try:
            for debt in await self._tenure.take():
                self.post(debt)
        except StoreError as error:
            log.error("%s", error)  # noqa: TRY400 - the sentence says it all
            self.post(CloseRoom("owned_elsewhere"))
            return
        await self._tenure.keep()

    def _turn(self) -> None:
        """Take in everything that waits, then decide once."""
        self._scheduled = False
        if self.over.is_set():
            return
        while self._inbox:
            self._take(self._inbox.popleft())
        try:
            actions = self._machine.flush(self._loop.time())
        except Exception:
            log.exception("room %s: deciding failed; the room goes on", self.room_id)
            actions = []
        for action in actions:
            self._perform(action)
        self._tenure.changed()
        self._set_timer()
        if self._machine.finished and not self._inbox:
            self._finished(self)

    def _take(self, given: Input) -> None:
        """A fault in dealing with one input is that input's alone."""
        try:
            self._machine.handle(given, self._loop.time())
        except Exception:
            log.exception("room %s: %s could not be dealt with", self.room_id, type(given).__name__)
            if isinstance(given, Received) and given.connection in self._outboxes:
                sorry = Error("internal", "The room could not deal with that; it has been logged.")
                self._outboxes[given.connection].put(sorry)

    def _perform(self, action: Action) -> None:
        match action:
            case Send(connection, notice):
                if connection in self._outboxes:
                    self._outboxes[connection].put(notice)
            case HangUp(connection, code, reason):
                if connection in self._outboxes:
                    self._outboxes[connection].hang_up(code, reason)
            case Call(operation):
                task = self._loop.create_task(self._call(operation))
                self._calls.add(task)
                task.add_done_callback(self._calls.discard)
            case Emit(event):
                self._services.events.emit(event)
            case StopRepointing():
                self._stop_repointing()

    async def _call(self, operation: Operation) -> None:
        deadline = self._services.call_deadline
        outcome: CallOutcome = Failed("not_sent")
        if await self._tenure.may_call(operation, deadline):
            outcome = await perform(self._services.realtime, operation.call, deadline)
            self._tenure.called(operation)
        self.post(Returned(operation.id, outcome))

    def _set_timer(self) -> None:
        deadline = self._machine.next_deadline()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if deadline is not None:
            self._wake_at(deadline)

    def _wake_at(self, when: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._loop.call_at(when, self._turn)
