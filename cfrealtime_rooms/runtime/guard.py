"""The host's policy, so held that a fault in it costs no participant anything."""

from __future__ import annotations

import logging

from ..core.policy import Policy
from ..core.state import Participant, Room

log = logging.getLogger("cfrealtime_rooms")


def guarded(policy: Policy) -> Policy:
    """The same policy; where it raises, its subscriber keeps what it receives, and the fault is logged."""

    def choose(room: Room, subscriber: Participant) -> tuple[str, ...]:
        try:
            return tuple(dict.fromkeys(policy(room, subscriber)))
        except Exception:
            log.exception("room %s: the policy failed; what %s receives stays", room.id, subscriber.id)
            return tuple(subscriber.lane.mids().values())

    return choose
