"""The host's functions, so held that a fault in one costs no participant anything."""

from __future__ import annotations

import logging

from ..core.policy import Policy, Visible, Wanted, everybody, everyone, may_see
from ..core.state import Participant, Room

log = logging.getLogger("cfrealtime_rooms")


def guarded(policy: Policy) -> Policy:
    """The same policy; where it raises, its subscriber keeps what it receives, and the fault is logged."""
    if policy is everyone:
        return policy

    def choose(room: Room, subscriber: Participant) -> tuple[str | Wanted, ...]:
        try:
            return tuple(dict[str | Wanted, None].fromkeys(policy(room, subscriber)))
        except Exception:
            log.exception("room %s: the policy failed; what %s receives stays", room.id, subscriber.id)
            held = subscriber.lane.subscriptions.values()
            return tuple(
                Wanted(s.publication, s.rid) if s.rid else s.publication for s in held if s.publication
            )

    return choose


def guarded_visible(visible: Visible) -> Visible:
    """The same function; where it raises, what the viewer knows stays, and the fault is logged."""
    if visible is everybody:
        return visible

    def decide(room: Room, viewer: Participant, other: Participant) -> bool:
        try:
            return bool(visible(room, viewer, other))
        except Exception:
            log.exception("room %s: the function `visible` failed for %s", room.id, viewer.id)
            return viewer.hears_of is not None and may_see(viewer, other)

    return decide
