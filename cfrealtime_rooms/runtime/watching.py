"""What rooms do, counted for `Rooms.metrics` and told to the host's hooks."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterable
from itertools import count
from typing import Final, TypeVar

from attrs import Factory, define

from ..core.actions import Exchanged
from ..core.calls import CallOutcome, Failed
from ..core.events import LeakReported, RoomClosed, RoomEvent, RoomOpened, SessionReplaced
from ..core.history import OPERATIONS, End, Kind, OperationName, Result, failed_items, result_of, tracks_of
from ..core.state import Operation, Room
from ..hooks import (
    BacklogInfo,
    CallInfo,
    ExchangeInfo,
    LedgerInfo,
    OutcomeInfo,
    ReplacementInfo,
    RoomChange,
    RoomHooks,
    RoomInfo,
)
from ..metrics import Metrics
from .telling import Teller

log = logging.getLogger("cfrealtime_rooms")

MOST_CODES: Final = 100
FINISH: Final = 1.0
"""Seconds that hooks have in the end for what they were not told yet."""

_call_ids = count(1)
_A = TypeVar("_A")
_B = TypeVar("_B")


@define
class Totals:
    """What has been, in all rooms."""

    calls: Counter[tuple[OperationName, Result]] = Factory(Counter[tuple[OperationName, Result]])
    retries: int = 0
    failed_items: Counter[str] = Factory(Counter[str])
    exchanges: Counter[tuple[Kind, End]] = Factory(Counter[tuple[Kind, End]])
    replacements: Counter[str] = Factory(Counter[str])
    leaks: int = 0
    overflows: int = 0

    def item_failed(self, code: str, times: int) -> None:
        """Codes are the service's: however many it thinks of, they take bounded memory."""
        known = code in self.failed_items or len(self.failed_items) < MOST_CODES
        self.failed_items[code if known else "others"] += times


class Watch:
    """Counts for all rooms, and who is told."""

    def __init__(self, hooks: RoomHooks | None) -> None:
        self.hooks = hooks or RoomHooks()
        self.totals = Totals()
        self.teller = Teller()

    def metrics(self, rooms: Iterable[Room], now: float, messages_waiting: int) -> Metrics:
        """The counts, with what there is now."""
        rooms = list(rooms)
        people = [participant for room in rooms for participant in room.participants.values()]
        debts = [debt for room in rooms for debt in room.debts.values()]
        totals = self.totals
        return Metrics(
            rooms=len(rooms),
            participants=len(people),
            sessions=sum(one.lane.session_id is not None for one in people),
            publications=sum(len(one.publications) for one in people),
            subscriptions=sum(
                subscription.publication is not None
                for one in people
                for subscription in one.lane.subscriptions.values()
            ),
            calls_under_way=sum(len(room.operations) for room in rooms),
            messages_waiting=messages_waiting,
            debts=len(debts),
            oldest_debt=max((now - debt.since for debt in debts), default=None),
            calls=_by_first(totals.calls),
            retries=totals.retries,
            failed_items=dict(totals.failed_items),
            exchanges=_by_first(totals.exchanges),
            replacements=dict(totals.replacements),
            leaks=totals.leaks,
            overflows=totals.overflows,
            untold=self.teller.untold,
        )

    async def finish(self) -> None:
        """Nothing happens any more: hooks hear what they have not yet."""
        await self.teller.finish(FINISH)


class RoomWatch:
    """One room, watched. What is told is made only where somebody listens."""

    def __init__(self, watch: Watch, room: Room) -> None:
        self._room = room
        self._hooks, self._totals, self._tell = watch.hooks, watch.totals, watch.teller.tell
        self._leaked = 0
        """Not told yet."""
        self._told_people = 0
        self._told_ledger: tuple[int, float | None] = (0, None)

    def leaves(self, operation: Operation, waited: float) -> CallInfo | None:
        """A call is leaving, after so many seconds between decision and permission."""
        self._totals.retries += operation.attempt > 1
        if self._hooks.call is None and self._hooks.outcome is None:
            return None
        info = call_info(self._room, operation, waited)
        self._tell(self._hooks.call, info)
        return info

    def ended(
        self, operation: Operation, info: CallInfo | None, outcome: CallOutcome, seconds: float
    ) -> None:
        """A call has ended."""
        name, result = OPERATIONS[type(operation.call)], result_of(outcome)
        self._totals.calls[name, result] += 1
        if result == "partial":
            for code, times in failed_items(outcome).items():
                self._totals.item_failed(code, times)
        if info is not None:
            self._tell(self._hooks.outcome, outcome_info(info, outcome, seconds))
        log.debug(
            "room %s: %s of %s: %s after %.3f s",
            self._room.id,
            name,
            operation.participant or operation.call.session_id,
            result,
            seconds,
        )

    def exchanged(self, exchanged: Exchanged) -> None:
        """An exchange is over."""
        self._totals.exchanges[exchanged.kind, exchanged.end] += 1
        if self._hooks.exchange is not None:
            self._tell(self._hooks.exchange, exchange_info(self._room, exchanged))

    def happened(self, event: RoomEvent) -> None:
        """The host hears of this, too."""
        match event:
            case SessionReplaced():
                self._totals.replacements[event.reason] += 1
                log.info("room %s: new session for %s: %s", event.room, event.participant, event.reason)
                if self._hooks.replacement is not None:
                    self._tell(self._hooks.replacement, replacement_info(self._room, event))
            case LeakReported():
                self._totals.leaks += 1
                self._leaked += 1
                log.warning("room %s: session %s could not be closed in time", event.room, event.session_id)
            case RoomOpened():
                self._tell_people("opened")
            case RoomClosed():
                self._tell_people("closed")
            case _:
                pass

    def turned(self, now: float) -> None:
        """A turn is over: tell what is different now."""
        hooks, room = self._hooks, self._room
        if hooks.room is not None and len(room.participants) != self._told_people:
            self._tell_people("participants")
        if hooks.ledger is not None:
            oldest = min((debt.since for debt in room.debts.values()), default=None)
            self._tell_ledger(len(room.debts), oldest, now)

    def fell_behind(self, connection: str, dropped: int, waiting: int) -> None:
        """A client got a snapshot because it is too slow."""
        self._totals.overflows += 1
        if self._hooks.backlog is not None:
            self._tell(self._hooks.backlog, backlog_info(self._room, connection, dropped, waiting))

    def over(self, now: float) -> None:
        """The room ends here; what it owes still is the next owner's."""
        self._tell_ledger(0, None, now)

    def _tell_people(self, change: RoomChange) -> None:
        self._told_people = len(self._room.participants)
        self._tell(self._hooks.room, RoomInfo(self._room.id, change, self._told_people))

    def _tell_ledger(self, size: int, oldest: float | None, now: float) -> None:
        if (size, oldest) == self._told_ledger and not self._leaked:
            return
        age = None if oldest is None else now - oldest
        self._tell(self._hooks.ledger, LedgerInfo(self._room.id, size, age, self._leaked))
        self._told_ledger, self._leaked = (size, oldest), 0


def call_info(room: Room, operation: Operation, waited: float) -> CallInfo:
    """A call that is leaving."""
    participant = room.participants.get(operation.participant or "")
    return CallInfo(
        call_id=next(_call_ids),
        room=room.id,
        participant=operation.participant,
        identity=participant.identity if participant else None,
        epoch=operation.epoch,
        session_id=operation.call.session_id,
        operation=OPERATIONS[type(operation.call)],
        tracks=tracks_of(operation.call),
        attempt=operation.attempt,
        waited=operation.waited + waited,
    )


def outcome_info(call: CallInfo, outcome: CallOutcome, seconds: float) -> OutcomeInfo:
    """A call that has ended."""
    failed = outcome if isinstance(outcome, Failed) else None
    return OutcomeInfo(
        call,
        seconds,
        result_of(outcome),
        failed.status if failed else None,
        failed.code if failed else None,
        failed.cf_ray if failed else None,
        failed_items(outcome) if failed is None else {},
    )


def exchange_info(room: Room, over: Exchanged) -> ExchangeInfo:
    """An exchange that is over."""
    return ExchangeInfo(
        room.id,
        over.participant,
        over.identity,
        over.epoch,
        over.session_id,
        over.kind,
        over.tracks,
        over.end,
        over.seconds,
        over.client_seconds,
    )


def replacement_info(room: Room, event: SessionReplaced) -> ReplacementInfo:
    """A session that was replaced."""
    participant = room.participants.get(event.participant)
    identity = participant.identity if participant else None
    return ReplacementInfo(room.id, event.participant, identity, event.epoch, event.reason)


def backlog_info(room: Room, connection_id: str, dropped: int, waiting: int) -> BacklogInfo:
    """A client that reads too slowly."""
    connection = room.connections.get(connection_id)
    participant = connection.participant if connection else None
    identity = connection.identity if connection else None
    return BacklogInfo(room.id, participant, identity, dropped, waiting)


def _by_first(counts: Counter[tuple[_A, _B]]) -> dict[_A, dict[_B, int]]:
    grouped: dict[_A, dict[_B, int]] = {}
    for (first, second), times in counts.items():
        grouped.setdefault(first, {})[second] = times
    return grouped
