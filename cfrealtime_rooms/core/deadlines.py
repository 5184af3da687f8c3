"""What happens because nothing happened: grace periods, grants and exchanges that lapse."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from heapq import heapify, heappop, heappush

from attrs import Factory, define

from .departure import remove
from .ledger import next_payment
from .phases import Idle, Trigger, follows
from .publishing import end_grant
from .replacing import replace
from .settings import Settings
from .state import Participant, Room, phase_deadline
from .turn import Turn


@define
class Deadlines:
    """When something is due, of those few of whom something is: a turn does not look at all the others."""

    _due: dict[str, float] = Factory(dict[str, float])
    _queue: list[tuple[float, str]] = Factory(list[tuple[float, str]])
    """A heap of what was due ever; what is not in `_due` as well is over."""

    def look_at(self, room: Room, settings: Settings, participants: Iterable[str]) -> None:
        """Something has happened to these, who may have gone as well."""
        for participant_id in participants:
            participant = room.participants.get(participant_id)
            due = None if participant is None else due_of(participant, settings)
            if due is None:
                self._due.pop(participant_id, None)
            elif due != self._due.get(participant_id):
                self._due[participant_id] = due
                heappush(self._queue, (due, participant_id))
        if len(self._queue) > 4 * len(self._due):
            self._queue = [(due, participant_id) for participant_id, due in self._due.items()]
            heapify(self._queue)

    def passed(self, now: float) -> list[str]:
        """The participants of whom something is due by now, the longest overdue first."""
        passed: list[tuple[float, str]] = []
        while (first := self._first()) is not None and first[0] <= now:
            passed.append(heappop(self._queue))
        for one in passed:  # they stay until they have been looked at
            heappush(self._queue, one)
        return list(dict.fromkeys(participant_id for _, participant_id in passed))

    def earliest(self, room: Room) -> float | None:
        """The time at which something is due by itself, payments of debts among it."""
        first = self._first()
        times = (next_payment(room), None if first is None else first[0])
        return min((time for time in times if time is not None), default=None)

    def _first(self) -> tuple[float, str] | None:
        while self._queue and self._due.get(self._queue[0][1]) != self._queue[0][0]:
            heappop(self._queue)
        return self._queue[0] if self._queue else None


def expire(turn: Turn, participants: Iterable[str]) -> Iterator[Participant]:
    """Let every deadline of these pass that has; yields whose lane should be planned again."""
    for participant_id in participants:
        participant = turn.room.participants.get(participant_id)
        if participant is None:
            continue  # it went with another
        turn.unsettled.add(participant_id)
        end_of_stay = _end_of_stay(participant, turn.rules.settings)
        if end_of_stay is not None and end_of_stay[0] <= turn.now:
            remove(turn, participant, end_of_stay[1])
            continue
        deadline = phase_deadline(participant)
        if deadline is not None and deadline <= turn.now:
            _lapse(turn, participant)
            yield participant
        elif participant.lane.wake_at is not None and participant.lane.wake_at <= turn.now:
            yield participant


def _lapse(turn: Turn, participant: Participant) -> None:
    """The client did not do its part in time."""
    if follows(type(participant.lane.phase), Trigger.LAPSE) is Idle:
        end_grant(turn, participant, Trigger.LAPSE, "grant lapsed")
    else:
        replace(turn, participant, "the client did not finish an exchange", by=Trigger.LAPSE)


def _end_of_stay(participant: Participant, settings: Settings) -> tuple[float, str] | None:
    """When the participant is removed unless something changes, and why."""
    ends: list[tuple[float, str]] = []
    if participant.lost_at is not None:
        ends.append((participant.lost_at + settings.grace, "timeout"))
    if not participant.visible:
        ends.append((participant.joined_at + settings.join, "join_failed"))
    return min(ends, default=None)


def due_of(participant: Participant, settings: Settings) -> float | None:
    """The earliest time at which something happens to a participant by itself."""
    end_of_stay = _end_of_stay(participant, settings)
    times = (end_of_stay[0] if end_of_stay else None, phase_deadline(participant), participant.lane.wake_at)
    return min((time for time in times if time is not None), default=None)
