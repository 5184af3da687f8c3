"""What can be asked to go wrong: one typed value for every kind of fault, whichever door it came through.

A fault is an effect and the conditions under which it happens. Each effect's docstring is its line in the
catalogue of the emulator's README, and its bounds hold in Python as in JSON and on a command line.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import ClassVar, Final, Literal

import attrs
from attrs import field, frozen

from .fault_bounds import FaultError, Number, Text, YesOrNo
from .fault_reach import ANSWERED, EVERY, OF_A_SESSION, OF_ITEMS

_SECONDS = Number(0, 86_400)
_STATUS = Number(200, 599, whole=True)

ON_CALLS: Final = ("operation", "session", "track", "publisher", "nth", "times", "probability")
ON_SESSIONS: Final = ("session",)
ON_TRACKS: Final = ("session", "track")

Direction = Literal["up", "down", "both"]
Body = Literal["binary", "cut", "empty", "null"]


# What happens to calls.


@frozen
class Delay:
    """The call lands at once and its answer is sent late."""

    kind: ClassVar = "delay"
    conditions: ClassVar = ON_CALLS
    seconds: float = field(validator=_SECONDS)


@frozen
class DelayRequest:
    """The call arrives late: a caller who gives up before finds that it landed after all."""

    kind: ClassVar = "delay_request"
    conditions: ClassVar = ON_CALLS
    seconds: float = field(validator=_SECONDS)


@frozen
class Refuse:
    """The connection breaks before the call has any effect."""

    kind: ClassVar = "refuse"
    conditions: ClassVar = ON_CALLS


@frozen
class LoseAnswer:
    """The call lands, and the connection breaks instead of its answer."""

    kind: ClassVar = "lose_answer"
    conditions: ClassVar = ON_CALLS


@frozen
class Stall:
    """The call lands, and its answer stops in the middle: for `seconds`, or until the caller hangs up."""

    kind: ClassVar = "stall"
    conditions: ClassVar = ON_CALLS
    seconds: float | None = field(default=None, validator=Number(0, 86_400, optional=True))


@frozen
class AnswerWith:
    """The call is answered with an error of this status; it has no effect, unless it shall have `landed`."""

    kind: ClassVar = "status"
    conditions: ClassVar = ON_CALLS
    status: int = field(validator=_STATUS)
    code: str = field(default="internal_error", validator=Text())
    retry_after: int | None = field(default=None, validator=Number(0, 86_400, whole=True, optional=True))
    landed: bool = field(default=False, validator=YesOrNo())


@frozen
class Html:
    """The call is answered with a page of HTML instead, as a proxy on the way may send it."""

    kind: ClassVar = "html"
    conditions: ClassVar = ON_CALLS
    status: int = field(default=502, validator=_STATUS)
    landed: bool = field(default=False, validator=YesOrNo())


@frozen
class Garbage:
    """The call is answered with a body that is none: `binary`, `cut` in the middle, `empty` or `null`."""

    kind: ClassVar = "garbage"
    conditions: ClassVar = ON_CALLS
    body: Body = field(default="binary", validator=Text(("binary", "cut", "empty", "null")))
    status: int = field(default=200, validator=_STATUS)
    landed: bool = field(default=False, validator=YesOrNo())


@frozen
class Omit:
    """The call lands, and its answer lacks a `field`: one of its own, or the first `item` concerned."""

    kind: ClassVar = "omit"
    conditions: ClassVar = ON_CALLS
    field: str = attrs.field(validator=Text(tuple(ANSWERED)))


# What happens to single tracks and channels of a call.


@frozen
class FailItem:
    """Inside a 200, the item of a track or data channel fails with this code."""

    kind: ClassVar = "item_error"
    conditions: ClassVar = ON_CALLS
    code: str = field(default="internal_error", validator=Text())


@frozen
class NoRepointing:
    """`update_tracks` cannot point a mid at another publication: `update_track_error`."""

    kind: ClassVar = "no_repointing"
    conditions: ClassVar = ON_CALLS


# What happens to sessions and their media.


@frozen
class KillSession:
    """The session ends: at once, or, with an `operation`, just before such a call."""

    kind: ClassVar = "kill_session"
    conditions: ClassVar = ON_CALLS


@frozen
class Cut:
    """The session's network is gone without a word; it is back when the fault is removed."""

    kind: ClassVar = "cut"
    conditions: ClassVar = ON_SESSIONS


@frozen
class Silence:
    """Nothing that the session sends arrives any more, media or messages; its connection stays."""

    kind: ClassVar = "silence"
    conditions: ClassVar = ON_TRACKS


@frozen
class Loss:
    """This share of packets is lost, of media and data; checks and handshakes are spared."""

    kind: ClassVar = "loss"
    conditions: ClassVar = ON_SESSIONS
    share: float = field(validator=Number(0, 1))
    direction: Direction = field(default="both", validator=Text(("up", "down", "both")))


@frozen
class Jitter:
    """Packets of media and data are late by chance, by up to so many seconds, and overtake each other."""

    kind: ClassVar = "jitter"
    conditions: ClassVar = ON_SESSIONS
    seconds: float = field(validator=Number(0, 10))
    direction: Direction = field(default="both", validator=Text(("up", "down", "both")))


@frozen
class ClockSpeed:
    """The emulator's time passes so many times as fast: what takes 30 s is over sooner."""

    kind: ClassVar = "clock"
    conditions: ClassVar = ()
    speed: float = field(validator=Number(0.001, 1000))


Ending = Refuse | LoseAnswer | Stall | AnswerWith | Html | Garbage | Omit
"""How a call ends instead of being answered: one of them at most."""
Effect = (
    Delay
    | DelayRequest
    | Ending
    | FailItem
    | NoRepointing
    | KillSession
    | Cut
    | Silence
    | Loss
    | Jitter
    | ClockSpeed
)
EFFECTS: Final[Mapping[str, type[Effect]]] = {
    effect.kind: effect
    for effect in (
        *(Delay, DelayRequest, Refuse, LoseAnswer, Stall, AnswerWith, Html, Garbage, Omit),
        *(FailItem, NoRepointing, KillSession, Cut, Silence, Loss, Jitter, ClockSpeed),
    )
}
"""Every effect by its kind."""


def reach_of(effect: Effect) -> Collection[str]:
    """The operations to whose calls an effect can happen."""
    match effect:
        case FailItem():
            return OF_ITEMS
        case NoRepointing():
            return ("update_tracks",)
        case KillSession():
            return OF_A_SESSION
        case Omit(field):
            return ANSWERED[field]
        case _:
            return EVERY


@frozen
class Fault:
    """An effect and when it happens."""

    effect: Effect
    operation: str | None = field(default=None, validator=Text(EVERY, optional=True), kw_only=True)
    """One of the contract's operations; None for any."""
    session: str | None = field(default=None, validator=Text(optional=True), kw_only=True)
    """A session's id, its correlation id, or `#2` for the second that was opened; None for any."""
    track: str | None = field(default=None, validator=Text(optional=True), kw_only=True)
    """The name of a track or data channel that is concerned; None for any."""
    publisher: str | None = field(default=None, validator=Text(optional=True), kw_only=True)
    """Whose track or data channel it is: a session, named as above; None for anybody's."""
    nth: int | None = field(default=None, validator=Number(1, 1e9, whole=True, optional=True), kw_only=True)
    """Not before the n-th of the calls (or items) that fulfil the rest."""
    times: int | None = field(default=None, validator=Number(1, 1e9, whole=True, optional=True), kw_only=True)
    """How often it happens in all; None for once with `nth`, and always without."""
    probability: float = field(default=1.0, validator=Number(0, 1), kw_only=True)
    """By chance, which a seed decides."""

    def __attrs_post_init__(self) -> None:
        """Refuse conditions that this kind of fault does not look at, and what can never happen."""
        given = [name for name in ON_CALLS if getattr(self, name) != (1.0 if name == "probability" else None)]
        useless = [name for name in given if name not in self.effect.conditions]
        if useless:
            raise FaultError(f"{self.effect.kind} does not depend on {' or '.join(useless)}.")
        if isinstance(self.effect, KillSession) and self.operation is None and given != ["session"]:
            raise FaultError("kill_session needs the session that ends at once, or an operation to wait for.")
        self._check_reach()

    def _check_reach(self) -> None:
        reach = reach_of(self.effect)
        if self.operation is not None:
            if self.operation not in reach:
                raise FaultError(f"{self.effect.kind} happens to {', '.join(reach)} only.")
            reach = (self.operation,)
        for name, having in (("session", OF_A_SESSION), ("track", OF_ITEMS), ("publisher", OF_ITEMS)):
            if getattr(self, name) is not None and not set(having).intersection(reach):
                raise FaultError(f"A call of {' or '.join(reach)} has no {name}.")

    @property
    def limit(self) -> int | None:
        """How often it happens in all; None without end."""
        return 1 if self.times is None and self.nth is not None else self.times

    @property
    def waits(self) -> bool:
        """Whether it waits for calls; others hold from now on."""
        return self.effect.conditions is ON_CALLS and not (
            isinstance(self.effect, KillSession) and self.operation is None
        )
