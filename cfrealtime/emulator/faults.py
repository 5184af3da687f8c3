"""Failures that a test asks for: what is waiting, what holds now, and the methods to ask for them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from attrs import frozen

from .media.plan import Disturbance
from .refusals import ASKED_FOR, ItemError, Json
from .rules import fault_matching as matching
from .rules.fault_bounds import FaultError
from .rules.fault_forms import describe, read, read_many, write
from .rules.fault_matching import Armed, Subject, Track, Verdict
from .rules.faults import (
    AnswerWith,
    ClockSpeed,
    Cut,
    Delay,
    DelayRequest,
    Effect,
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
)
from .rules.naming import Item

__all__ = [
    "AnswerWith",
    "ClockSpeed",
    "Cut",
    "Delay",
    "DelayRequest",
    "Effect",
    "FailItem",
    "Fault",
    "FaultError",
    "Faults",
    "Garbage",
    "Html",
    "Jitter",
    "KillSession",
    "LoseAnswer",
    "Loss",
    "NoRepointing",
    "Omit",
    "Refuse",
    "Silence",
    "Stall",
]


Changed = Callable[[Sequence[Fault], Sequence[Fault]], None]
"""Told of faults that hold from now on, and of others that do no more."""


@frozen
class _Named:
    """A session as faults know it."""

    number: int
    names: frozenset[str]


_NOBODY: Final = _Named(0, frozenset())


class Faults:
    """What shall go wrong: `faults.add("lose_answer operation=new_tracks nth=2")`, or a method for the usual.

    `add` takes a fault as a line of text, as JSON, or as a `Fault`. Of the methods' arguments `nth` counts
    calls of the operation from now on; None means every one of them.
    """

    def __init__(self, seed: int, *, has_network: bool, changed: Changed) -> None:
        self.seed = seed
        self._has_network = has_network
        self._changed = changed
        self._armed: dict[str, Armed] = {}
        self._count = 0
        self._sessions: dict[str, _Named] = {}
        self._delay: str | None = None
        self._no_repointing: str | None = None

    # Any fault.

    def add(self, fault: Fault | Mapping[str, Any] | str) -> str:
        """Let this happen; gives the id under which it can be taken back. FaultError when it is no fault."""
        if not isinstance(fault, Fault):
            fault = read(fault if isinstance(fault, str) else dict(fault))
        self._check(fault)
        self._count += 1
        fault_id = f"f{self._count}"
        if fault.waits or not isinstance(fault.effect, KillSession):
            self._armed[fault_id] = Armed(fault_id, fault)
        if not fault.waits:
            self._changed((fault,), ())
        return fault_id

    def load(self, value: object) -> tuple[str, ...]:
        """Let all of these happen: JSON as `POST /_emulator/faults` takes it. All of them, or none."""
        faults = read_many(value)
        for fault in faults:
            self._check(fault)
        return tuple(self.add(fault) for fault in faults)

    def remove(self, fault_id: str) -> bool:
        """Take one back; whether there was one."""
        armed = self._armed.pop(fault_id, None)
        if armed is not None and not armed.fault.waits:
            self._changed((), (armed.fault,))
        return armed is not None

    def clear(self) -> None:
        """Nothing goes wrong any more."""
        standing = self.standing()
        self._armed.clear()
        if standing:
            self._changed((), standing)

    def view(self) -> Json:
        """All that is waiting or holds, as GET /_emulator/faults shows it."""
        faults = [
            {"id": armed.id, **write(armed.fault), "seen": armed.seen, "hits": armed.hits}
            for armed in self._armed.values()
        ]
        return {"seed": self.seed, "faults": faults}

    def _check(self, fault: Fault) -> None:
        if isinstance(fault.effect, Loss | Jitter) and not self._has_network:
            raise FaultError(
                f"{fault.effect.kind} needs packets that travel, and this emulator pretends them: give it a "
                "UdpMediaPlane."
            )
        if isinstance(fault.effect, KillSession) and not fault.waits and fault.session not in self._known:
            raise FaultError(f"There is no session {fault.session} that could end.")

    # The usual ones.

    @property
    def delay(self) -> float:
        """Seconds that every answer takes."""
        armed = self._armed.get(self._delay or "")
        return armed.fault.effect.seconds if armed and isinstance(armed.fault.effect, Delay) else 0.0

    @delay.setter
    def delay(self, seconds: float) -> None:
        self._armed.pop(self._delay or "", None)
        self._delay = self.add(Fault(Delay(seconds))) if seconds else None

    @property
    def repointing(self) -> bool:
        """False: pointing a mid at another publication is answered `update_track_error`."""
        return self._no_repointing not in self._armed

    @repointing.setter
    def repointing(self, possible: bool) -> None:
        self._armed.pop(self._no_repointing or "", None)
        self._no_repointing = None if possible else self.add(Fault(NoRepointing()))

    def refuse(self, operation: str, *, nth: int | None = 1, session_id: str | None = None) -> str:
        """Break the connection before the call has any effect."""
        return self.add(Fault(Refuse(), operation=operation, nth=nth, session=session_id))

    def lose_answer(self, operation: str, *, nth: int | None = 1, session_id: str | None = None) -> str:
        """Let the call land, then break the connection instead of answering."""
        return self.add(Fault(LoseAnswer(), operation=operation, nth=nth, session=session_id))

    def answer_with(
        self,
        operation: str,
        status: int,
        *,
        code: str = "internal_error",
        retry_after: int | None = None,
        nth: int | None = 1,
        session_id: str | None = None,
    ) -> str:
        """Answer with a status instead of doing anything."""
        effect = AnswerWith(status, code, retry_after)
        return self.add(Fault(effect, operation=operation, nth=nth, session=session_id))

    def fail_track(
        self, track_name: str, code: str, *, times: int | None = None, publisher: str | None = None
    ) -> str:
        """Fail every item (or `times` of them) that means this track or data channel; the last wish holds.

        Without a `publisher`, a session, it is anybody's.
        """
        for armed in tuple(self._armed.values()):
            fault = armed.fault
            if isinstance(fault.effect, FailItem) and (fault.track, fault.publisher) == (
                track_name,
                publisher,
            ):
                del self._armed[armed.id]
        return self.add(Fault(FailItem(code), track=track_name, times=times, publisher=publisher))

    def kill_session(self, session_id: str) -> None:
        """End a session at once."""
        self.add(Fault(KillSession(), session=session_id))

    def silence(self, session_id: str, track_name: str | None = None) -> str:
        """Let nothing arrive any more of one track of a session, or of all it sends."""
        return self.add(Fault(Silence(), session=session_id, track=track_name))

    def cut(self, session_id: str) -> str:
        """Take a session's network away, without a word to anyone."""
        return self.add(Fault(Cut(), session=session_id))

    # What the emulator asks.

    def introduce(self, session_id: str, number: int, correlation_id: str | None) -> None:
        """A session was opened, the n-th; from now on faults know its names."""
        labels = () if correlation_id is None else (correlation_id,)
        self._sessions[session_id] = _Named(number, frozenset((session_id, f"#{number}", *labels)))

    def forget(self, session_id: str) -> None:
        """The session is unknown from now on."""
        self._sessions.pop(session_id, None)

    def names(self, session_id: str | None) -> frozenset[str]:
        """All that a session is called."""
        return self._sessions.get(session_id or "", _NOBODY).names

    def number(self, session_id: str) -> int:
        """The how many-th session it is."""
        return self._sessions.get(session_id, _NOBODY).number

    def take(
        self, operation: str, session_id: str | None, items: Sequence[Item], *, alive: bool = True
    ) -> Verdict:
        """What happens to this call; `alive`: it has a session that could end. Settle how it ended."""
        subject = Subject(operation, self.names(session_id), self._tracks(items), alive)
        changed, verdict = matching.judge(self._armed.values(), subject, self.seed)
        self._keep(changed)
        return verdict

    def settle(self, verdict: Verdict, *, happened: bool) -> None:
        """Whether the ending of a call happened: one that did not waits for another call."""
        armed = self._armed.get(verdict.ended_by)
        if armed is not None:
            self._keep({armed.id: matching.settled(armed, happened=happened)})

    def item_errors(
        self, operation: str, session_id: str | None, items: Sequence[Item]
    ) -> list[ItemError | None]:
        """The error of each item of a call, of those that shall fail."""
        effects = [self._meet(FailItem, operation, session_id, item) for item in items]
        return [ItemError(e.code, ASKED_FOR) if isinstance(e, FailItem) else None for e in effects]

    def forbids_repointing(self, session_id: str, item: Item) -> bool:
        """Whether a mid cannot be pointed at this publication, although the rules allow it."""
        return self._meet(NoRepointing, "update_tracks", session_id, item) is not None

    def disturbance(self, session_id: str) -> Disturbance:
        """What a session's network shall be like."""
        named = self._sessions.get(session_id, _NOBODY)
        return matching.disturbance(self._armed.values(), named.names, f"{self.seed}/{named.number}")

    def silenced(self, session_id: str, track_name: str) -> bool:
        """Whether nothing of a publication shall arrive."""
        return matching.silenced(self._armed.values(), self.names(session_id), track_name)

    def holding(self, session_id: str) -> list[str]:
        """What holds for a session now, as lines of text."""
        names = self.names(session_id)
        return [
            describe(fault)
            for fault in self.standing()
            if "session" in fault.effect.conditions and (fault.session is None or fault.session in names)
        ]

    @property
    def clock_speed(self) -> float:
        """How many times as fast the emulator's time passes."""
        return matching.speed(self._armed.values())

    @property
    def _known(self) -> frozenset[str]:
        return frozenset[str]().union(*(named.names for named in self._sessions.values()))

    def standing(self) -> list[Fault]:
        """What holds now, without waiting for a call."""
        return [armed.fault for armed in self._armed.values() if not armed.fault.waits]

    def _keep(self, changed: Mapping[str, Armed]) -> None:
        for armed in changed.values():
            if armed.spent:
                del self._armed[armed.id]
            else:
                self._armed[armed.id] = armed

    def _tracks(self, items: Sequence[Item]) -> tuple[Track, ...]:
        return tuple(Track(item.name, self.names(item.publisher) | {item.publisher or ""}) for item in items)

    def _meet(
        self, kind: type[FailItem | NoRepointing], operation: str, session_id: str | None, item: Item
    ) -> Effect | None:
        """What of a kind happens to an item."""
        subject = Subject(operation, self.names(session_id), self._tracks([item]))
        changed, effect = matching.judge_item(self._armed.values(), kind, subject, self.seed)
        self._keep(changed)
        return effect
