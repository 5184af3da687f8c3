"""Who is told about whom, where the host has a function for that: asked only about those who changed."""

from __future__ import annotations

from .policy import everybody
from .state import Participant
from .turn import Turn


def begin_to_see(turn: Turn, newcomer: Participant) -> None:
    """Decide about whom a newcomer is told with its first snapshot."""
    if turn.rules.visible is everybody:
        return
    newcomer.hears_of = {
        other.id
        for other in turn.room.participants.values()
        if other.visible and other.id != newcomer.id and turn.rules.visible(turn.room, newcomer, other)
    }


def may_hear(turn: Turn, listener: Participant, speaker: Participant) -> bool:
    """Whether a message of the one's may reach the other, also before the others are told of its sender."""
    if listener.hears_of is None:
        return True
    if speaker.visible:
        return speaker.id in listener.hears_of
    return turn.rules.visible(turn.room, listener, speaker)


def look_again(turn: Turn) -> None:
    """Ask about everyone who changed, both ways; plan the lanes of those who are told about others now."""
    stirred, turn.stirred = turn.stirred, set()
    if turn.rules.visible is everybody:
        return
    done: set[str] = set()
    for participant_id in sorted(stirred):
        participant = turn.room.participants.get(participant_id)
        if participant is None:
            continue
        done.add(participant_id)
        for other in turn.room.participants.values():
            if other.id not in done:
                _decide(turn, participant, other)
                _decide(turn, other, participant)


def _decide(turn: Turn, viewer: Participant, other: Participant) -> None:
    known = viewer.hears_of if viewer.hears_of is not None else set[str]()
    viewer.hears_of = known
    sees = other.visible and turn.rules.visible(turn.room, viewer, other)
    if sees == (other.id in known):
        return
    turn.heard.setdefault(viewer.id, frozenset(known))
    (known.add if sees else known.discard)(other.id)
    turn.touch(viewer)
