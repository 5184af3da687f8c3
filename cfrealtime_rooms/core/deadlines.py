"""What happens because nothing happened: grace periods, grants and exchanges that lapse."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

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
    """When something is due, for those few of whom something is: a turn does not look at all the others."""

    _due: dict[str, float] = Factory(dict[str, float])

    def look_at(self, room: Room, settings: Settings, participants: Iterable[str]) -> None:
        """Something has happened to these, who may have gone as well."""
        for participant_id in participants:
            participant = room.participants.get(participant_id)
            due = None if participant is None else due_of(participant, settings)
            if due is not None:
                self._due[participant_id] = due
            else:
                self._due.pop(participant_id, None)

    def passed(self, now: float) -> list[str]:
        """The participants of whom something is due by now."""
        return [participant_id for participant_id, due in self._due.items() if due <= now]

    def earliest(self, room: Room) -> float | None:
        """The time at which something is due by itself, payments of debts among it."""
        payment = next_payment(room)
        first = min(self._due.values(), default=None)
        return payment if first is None or (payment is not None and payment < first) else first


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
