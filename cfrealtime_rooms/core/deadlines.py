"""What happens because nothing happened: grace periods, grants and exchanges that lapse."""

from __future__ import annotations

from collections.abc import Iterator

from .departure import remove
from .ledger import next_payment
from .phases import Idle, Trigger, follows
from .publishing import end_grant
from .replacing import replace
from .settings import Settings
from .state import Participant, Room, phase_deadline
from .turn import Turn


def expire(turn: Turn) -> Iterator[Participant]:
    """Let every deadline pass that has; yields whose lane should be planned again."""
    for participant in list(turn.room.participants.values()):
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


def next_deadline(room: Room, settings: Settings) -> float | None:
    """The earliest time at which something is due by itself."""
    times: list[float] = []
    for participant in room.participants.values():
        end_of_stay = _end_of_stay(participant, settings)
        candidates = (
            end_of_stay[0] if end_of_stay else None,
            phase_deadline(participant),
            participant.lane.wake_at,
        )
        times += [time for time in candidates if time is not None]
    payment = next_payment(room)
    if payment is not None:
        times.append(payment)
    return min(times, default=None)
