"""A room as a developer wants to see it: wanted against actual, timelines, debts. No SDP, no secret."""

from __future__ import annotations

from typing import Any

from attrs import asdict

from .history import OPERATIONS, Called, tracks_of
from .phases import Calling
from .plan import Rules, wanted_by
from .policy import ready_at
from .state import Participant, Room, phase_deadline


def inspect(room: Room, rules: Rules, now: float) -> dict[str, Any]:
    """The room as JSON values. Times are seconds before now."""
    return {
        "room": room.id,
        "revision": room.revision,
        "repointing": rules.repointing,
        "attributes": dict(room.attributes),
        "muted": {identity: sorted(sources) for identity, sources in room.muted.items()},
        "bans": {identity: ban.reason for identity, ban in room.bans.items()},
        "participants": [_participant(room, p, rules, now) for p in room.participants.values()],
        "ledger": [
            {
                "session_id": debt.session_id,
                "mids": None if debt.mids is None else sorted(debt.mids),
                "age": round(now - debt.since, 3),
                "tries": debt.tries,
            }
            for debt in room.debts.values()
        ],
    }


def _participant(room: Room, participant: Participant, rules: Rules, now: float) -> dict[str, Any]:
    lane = participant.lane
    return {
        "id": participant.id,
        "identity": participant.identity,
        "name": participant.name,
        "connected": participant.connection is not None,
        "visible": participant.visible,
        "epoch": lane.epoch,
        "session_id": lane.session_id,
        "phase": type(lane.phase).__name__,
        "calling": _calling(room, participant, now),
        "deadline_in": _deadline_in(participant, now),
        "media_connected": lane.connected,
        "publications": [
            {
                "id": p.id,
                "source": p.source,
                "kind": p.kind,
                "state": p.state,
                "mid": p.mid,
                "muted": p.muted,
                "sending": p.sending,
                "ready": (at := ready_at(p, rules.settings)) is not None and at <= now,
            }
            for p in participant.publications.values()
        ],
        "wanted": list(wanted_by(room, participant, rules.policy)),
        "actual": {s.mid: s.publication for s in lane.subscriptions.values()},
        "waiting": {
            publication: {"tries": retry.tries, "again_in": round(max(0.0, retry.not_before - now), 3)}
            for publication, retry in lane.retries.items()
        },
        "sections": lane.sections,
        "timeline": _timeline(participant, now),
    }


def _calling(room: Room, participant: Participant, now: float) -> dict[str, Any] | None:
    """The call that is under way."""
    phase = participant.lane.phase
    operation = room.operations.get(phase.op) if isinstance(phase, Calling) else None
    if operation is None:
        return None
    return {
        "operation": OPERATIONS[type(operation.call)],
        "tracks": tracks_of(operation.call),
        "attempt": operation.attempt,
        "for": round(now - operation.since, 3),
    }


def _timeline(participant: Participant, now: float) -> list[dict[str, Any]]:
    """The last of its steps and of its calls, as one story."""
    # Calls first: at the same moment, a step is what a call has led to.
    steps: list[tuple[float, dict[str, Any]]] = [
        (one.at, {"what": str(one), "call": _call(one)}) for one in participant.calls
    ]
    steps += [(at, {"what": what}) for at, what in participant.lane.timeline]
    steps.sort(key=lambda step: step[0])
    return [{"ago": round(now - at, 3), **step} for at, step in steps]


def _call(one: Called) -> dict[str, Any]:
    known = asdict(one, filter=lambda attribute, value: attribute.name != "at" and value is not None)
    return {**known, "seconds": round(one.seconds, 3)}


def _deadline_in(participant: Participant, now: float) -> float | None:
    deadline = phase_deadline(participant)
    return None if deadline is None else round(deadline - now, 3)
