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
    Fault,
    Garbage,
    Html,
    Jitter,
    KillSession,
    LoseAnswer,
    Loss,
    Refuse,
    Silence,
    Stall,
)

ON_ITEMS: Final = ("item_error", "no_repointing")


@frozen
class Subject:
    """A call, or one item of it, that faults are held against."""

    operation: str
    sessions: frozenset[str] = frozenset()
    """All names of its session."""
    tracks: frozenset[str] = frozenset()


@frozen
class Armed:
    """A fault that is waiting, and what it has met so far."""

    id: str
    fault: Fault
    seen: int = 0
    """Calls (or items) that fulfilled its conditions."""
    hits: int = 0
    """How often it happened."""

    @property
    def spent(self) -> bool:
        """Whether it cannot happen any more."""
        return self.fault.limit is not None and self.hits >= self.fault.limit


@frozen
class Verdict:
    """What happens to one call."""

    delay_request: float = 0.0
    delay: float = 0.0
    kills: bool = False
    ending: Ending | None = None
    kinds: tuple[str, ...] = ()
    """The kinds of all that happens."""


def concerns(fault: Fault, subject: Subject) -> bool:
    """Whether a call or an item fulfils a fault's conditions, count and chance aside."""
    return (
        fault.operation in (None, subject.operation)
        and (fault.session is None or fault.session in subject.sessions)
        and (fault.track is None or fault.track in subject.tracks)
    )


def meet(armed: Armed, subject: Subject, seed: int) -> tuple[Armed, bool]:
    """The fault after it has met a call or an item, and whether it happens to it."""
    fault = armed.fault
    if armed.spent or not concerns(fault, subject):
        return armed, False
    seen = armed.seen + 1
    hit = seen >= (fault.nth or 1) and _chance(f"{seed}/{armed.id}/{seen}") < fault.probability
    return evolve(armed, seen=seen, hits=armed.hits + hit), hit


def judge(waiting: Iterable[Armed], subject: Subject, seed: int) -> tuple[dict[str, Armed], Verdict]:
    """What happens to a call: every fault sees it, delays add up, and the first ending wins.

    Gives the faults that it changed, too.
    """
    changed, verdict = dict[str, Armed](), Verdict()
    for armed in waiting:
        if armed.fault.effect.kind in ON_ITEMS or not armed.fault.waits:
            continue
        after, hit = meet(armed, subject, seed)
        if after is not armed:
            changed[armed.id] = after
        if hit:
            verdict = _with(verdict, armed.fault.effect)
    return changed, verdict


def _with(verdict: Verdict, effect: Effect) -> Verdict:
    kinds = (*verdict.kinds, effect.kind)
    match effect:
        case Delay(seconds):
            return evolve(verdict, delay=verdict.delay + seconds, kinds=kinds)
        case DelayRequest(seconds):
            return evolve(verdict, delay_request=verdict.delay_request + seconds, kinds=kinds)
        case KillSession():
            return evolve(verdict, kills=True, kinds=kinds)
        case Refuse() | LoseAnswer() | Stall() | AnswerWith() | Html() | Garbage() if verdict.ending is None:
            return evolve(verdict, ending=effect, kinds=kinds)
        case _:
            return verdict


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
    subject = Subject("", names, frozenset({track_name}))
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
