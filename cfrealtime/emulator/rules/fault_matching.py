"""Which faults happen to a call, to an item, to a session. Pure: chance is a function of a seed."""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import blake2b
from typing import Final

from attrs import evolve, frozen

from cfrealtime.emulator.media.plan import Disturbance, Way

from .faults import (
    AnswerWith,
    ClockSpeed,
    Cut,
    Delay,
    DelayRequest,
    Effect,
    Ending,
    FailItem,
    Fault,
    Garbage,
    Html,
    Jitter,
    KillSession,
    LoseAnswer,
    Loss,
    NoRepointing,
    Omit,
    Refuse,
    Silence,
    Stall,
    reach_of,
)

ON_ITEMS: Final = ("item_error", "no_repointing")


@frozen
class Track:
    """A track or data channel that a call is about."""

    name: str
    publishers: frozenset[str] = frozenset()
    """All names of the session whose it is."""


@frozen
class Subject:
    """A call, or one item of it, that faults are held against."""

    operation: str
    sessions: frozenset[str] = frozenset()
    """All names of its session."""
    tracks: tuple[Track, ...] = ()
    """Those of its items, in their order."""
    alive: bool = True
    """Whether it has a session that could end."""


@frozen
class Armed:
    """A fault that is waiting, and what it has met so far."""

    id: str
    fault: Fault
    seen: int = 0
    """Calls (or items) that fulfilled its conditions."""
    hits: int = 0
    """How often it happened."""
    pending: int = 0
    """Calls that it will end, if nothing else does before."""

    @property
    def spent(self) -> bool:
        """Whether it cannot happen any more."""
        return self.fault.limit is not None and self.hits >= self.fault.limit

    @property
    def promised(self) -> bool:
        """Whether it cannot happen to another call, if it happens to all that it will end."""
        return self.fault.limit is not None and self.hits + self.pending >= self.fault.limit


@frozen
class Verdict:
    """What happens to one call."""

    delay_request: float = 0.0
    delay: float = 0.0
    kills: bool = False
    ending: Ending | None = None
    ended_by: str = ""
    """The id of the fault that has this ending."""
    item: int = 0
    """The place of the item that it is about."""
    kinds: tuple[str, ...] = ()
    """The kinds of all that happens."""


def concerns(fault: Fault, subject: Subject) -> bool:
    """Whether a call or an item fulfils a fault's conditions, count and chance aside."""
    return (
        fault.operation in (None, subject.operation)
        and (fault.session is None or fault.session in subject.sessions)
        and (_anything(fault) or any(_means(fault, track) for track in subject.tracks))
    )


def _anything(fault: Fault) -> bool:
    return fault.track is None and fault.publisher is None


def _means(fault: Fault, track: Track) -> bool:
    return fault.track in (None, track.name) and (
        fault.publisher is None or fault.publisher in track.publishers
    )


def meet(armed: Armed, subject: Subject, seed: int) -> tuple[Armed, bool]:
    """The fault after it has seen a call or an item, and whether it is its turn."""
    fault = armed.fault
    reachable = subject.operation in reach_of(fault.effect)
    if armed.spent or not reachable or not concerns(fault, subject):
        return armed, False
    seen = armed.seen + 1
    turn = seen >= (fault.nth or 1) and _chance(f"{seed}/{armed.id}/{seen}") < fault.probability
    return evolve(armed, seen=seen), turn and not armed.promised


def judge(waiting: Iterable[Armed], subject: Subject, seed: int) -> tuple[dict[str, Armed], Verdict]:
    """What happens to a call: every fault sees it, delays add up, and the first ending wins.

    Gives the faults that it changed, too. What cannot happen is not used up: another ending than the first,
    the end of a session that is none. Whether the first can is known in the end: see `settled`.
    """
    changed, verdict = dict[str, Armed](), Verdict()
    for armed in waiting:
        if armed.fault.effect.kind in ON_ITEMS or not armed.fault.waits:
            continue
        after, turn = meet(armed, subject, seed)
        if turn:
            after, verdict = _happening(after, verdict, subject)
        if after is not armed:
            changed[armed.id] = after
    return changed, verdict


def judge_item(
    waiting: Iterable[Armed], kind: type[FailItem | NoRepointing], subject: Subject, seed: int
) -> tuple[dict[str, Armed], Effect | None]:
    """What of a kind happens to an item: every fault sees it, and the first wins.

    Gives the faults that it changed, too.
    """
    changed, effect = dict[str, Armed](), None
    for armed in waiting:
        if isinstance(armed.fault.effect, kind):
            after, turn = meet(armed, subject, seed)
            if turn and effect is None:
                after, effect = evolve(after, hits=after.hits + 1), armed.fault.effect
            if after is not armed:
                changed[armed.id] = after
    return changed, effect


def settled(armed: Armed, *, happened: bool) -> Armed:
    """The fault after a call that it was to end."""
    return evolve(armed, pending=armed.pending - 1, hits=armed.hits + happened)


def _happening(armed: Armed, verdict: Verdict, subject: Subject) -> tuple[Armed, Verdict]:
    effect = armed.fault.effect
    used, kinds = evolve(armed, hits=armed.hits + 1), (*verdict.kinds, effect.kind)
    match effect:
        case Delay(seconds):
            return used, evolve(verdict, delay=verdict.delay + seconds, kinds=kinds)
        case DelayRequest(seconds):
            return used, evolve(verdict, delay_request=verdict.delay_request + seconds, kinds=kinds)
        case KillSession() if subject.alive and not verdict.kills:
            return used, evolve(verdict, kills=True, kinds=kinds)
        case Refuse() | LoseAnswer() | Stall() | AnswerWith() | Html() | Garbage() | Omit() if (
            verdict.ending is None
        ):
            item = next((n for n, track in enumerate(subject.tracks) if _means(armed.fault, track)), 0)
            verdict = evolve(verdict, ending=effect, ended_by=armed.id, item=item, kinds=kinds)
            return evolve(armed, pending=armed.pending + 1), verdict
        case _:
            return armed, verdict


def disturbance(standing: Iterable[Armed], names: frozenset[str], seed: str) -> Disturbance:
    """What faults do to the network of a session with these names; losses add up as chances do."""
    up, down, cut = Way(), Way(), False
    for armed in standing:
        fault = armed.fault
        if fault.session is not None and fault.session not in names:
            continue
        match fault.effect:
            case Cut():
                cut = True
            case Loss(share, direction):
                up = evolve(up, loss=_either(up.loss, share)) if direction != "down" else up
                down = evolve(down, loss=_either(down.loss, share)) if direction != "up" else down
            case Jitter(seconds, direction):
                up = evolve(up, jitter=up.jitter + seconds) if direction != "down" else up
                down = evolve(down, jitter=down.jitter + seconds) if direction != "up" else down
            case _:
                pass
    changed = Disturbance(up, down, cut=cut)
    return changed if changed == Disturbance() else evolve(changed, seed=seed)


def silenced(standing: Iterable[Armed], names: frozenset[str], track_name: str) -> bool:
    """Whether nothing of a publication shall arrive."""
    subject = Subject("", names, (Track(track_name),))
    return any(isinstance(a.fault.effect, Silence) and concerns(a.fault, subject) for a in standing)


def speed(standing: Iterable[Armed]) -> float:
    """How fast time passes: as the newest wish says."""
    speeds = [armed.fault.effect.speed for armed in standing if isinstance(armed.fault.effect, ClockSpeed)]
    return speeds[-1] if speeds else 1.0


def _either(one: float, other: float) -> float:
    return 1 - (1 - one) * (1 - other)


def _chance(of: str) -> float:
    """A number from 0 up to 1, always the same for the same text."""
    return int.from_bytes(blake2b(of.encode(), digest_size=7).digest(), "big") / 2**56
