"""The negotiation of one lane, as a table: where it can be, what can happen to it there, and what follows.

The core goes by this table: `Lane.follow` takes no step that is not in it, and what a client is refused, when
an outcome comes too late, and what a deadline does is read from it. The picture and the tables of the
documentation are drawn from it (`python -m tests.docs.rooms`).
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Final

from attrs import field, frozen

from .ids import Exchange, OperationId
from .secrecy import SECRET


@frozen
class Idle:
    """Nothing is open; the next step may begin."""


@frozen
class Calling:
    """One API call is under way."""

    op: OperationId


@frozen
class AwaitingOffer:
    """The client was granted an offer."""

    exchange: Exchange
    deadline: float


@frozen
class AwaitingApplied:
    """The SFU's answer is with the client. It is kept for a client that resumes."""

    exchange: Exchange
    deadline: float
    answer: str = field(repr=False, metadata=SECRET)


@frozen
class AwaitingAnswer:
    """The SFU's offer is with the client. It is kept for a client that resumes."""

    exchange: Exchange
    deadline: float
    offer: str = field(repr=False, metadata=SECRET)


@frozen
class Retired:
    """Terminal: the session is in the ledger; a replacement is a new lane."""

    reason: str


Awaiting = AwaitingOffer | AwaitingApplied | AwaitingAnswer
"""It is the client's turn, until a deadline."""

Phase = Idle | Calling | Awaiting | Retired


class Trigger(Enum):
    """What can happen to the negotiation of a lane."""

    CALL = "call"
    """The plan's next step is an API call."""
    GRANT = "grant"
    """The client may make an offer: the plan says so, or a replaced session is to be published anew."""
    RESULT = "result"
    """The call has ended and leaves nothing open."""
    SFU_ANSWERS = "the SFU answers"
    """The call has brought an answer to the client's offer."""
    SFU_OFFERS = "the SFU offers"
    """The call has brought an offer for the client."""
    OFFER = "offer"
    """The client's offer, under its grant."""
    APPLIED = "applied"
    """The client has applied the SFU's answer."""
    ANSWER = "answer"
    """The client's answer to the SFU's offer."""
    LAPSE = "deadline"
    """The client did not do its part in time."""
    RESUME = "resume"
    """The client is back on another channel: it is told again what is open, and has its time anew."""
    HURRY = "hurry"
    """The host wants something closed: the client has less time to finish what is open."""
    END = "end"
    """The session is over: replaced, or its participant has left."""


@frozen
class Refusal:
    """The client is told that this is not for now."""

    code: str
    message: str


class Otherwise(Enum):
    """What a trigger does where no way leads on."""

    LATE = "late: changes nothing but the ledger"
    NOTHING = "nothing"
    FAULT = "a fault of the core's"


NEGOTIATION: Final[Mapping[type[Phase], Mapping[Trigger, type[Phase]]]] = {
    Idle: {
        Trigger.CALL: Calling,
        Trigger.GRANT: AwaitingOffer,
        Trigger.END: Retired,
    },
    Calling: {
        Trigger.RESULT: Idle,
        Trigger.SFU_ANSWERS: AwaitingApplied,
        Trigger.SFU_OFFERS: AwaitingAnswer,
        Trigger.END: Retired,
    },
    AwaitingOffer: {
        Trigger.OFFER: Idle,
        Trigger.LAPSE: Idle,
        Trigger.RESUME: AwaitingOffer,
        Trigger.HURRY: AwaitingOffer,
        Trigger.END: Retired,
    },
    AwaitingApplied: {
        Trigger.APPLIED: Idle,
        Trigger.LAPSE: Retired,
        Trigger.RESUME: AwaitingApplied,
        Trigger.HURRY: AwaitingApplied,
        Trigger.END: Retired,
    },
    AwaitingAnswer: {
        Trigger.ANSWER: Calling,
        Trigger.LAPSE: Retired,
        Trigger.RESUME: AwaitingAnswer,
        Trigger.HURRY: AwaitingAnswer,
        Trigger.END: Retired,
    },
    Retired: {},
}
"""Every way from one phase to the next."""

_STALE: Final = Refusal("stale", "That exchange is not open (any more).")

OTHERWISE: Final[Mapping[Trigger, Refusal | Otherwise]] = {
    Trigger.CALL: Otherwise.FAULT,
    Trigger.GRANT: Otherwise.FAULT,
    Trigger.RESULT: Otherwise.LATE,
    Trigger.SFU_ANSWERS: Otherwise.LATE,
    Trigger.SFU_OFFERS: Otherwise.LATE,
    Trigger.OFFER: Refusal("no_grant", "Offer only under a current grant: send negotiate and wait."),
    Trigger.APPLIED: _STALE,
    Trigger.ANSWER: _STALE,
    Trigger.LAPSE: Otherwise.NOTHING,
    Trigger.RESUME: Otherwise.NOTHING,
    Trigger.HURRY: Otherwise.NOTHING,
    Trigger.END: Otherwise.FAULT,
}
"""What becomes of a trigger in every other phase, and of one with the number of another exchange or call."""


class IllegalTransitionError(Exception):
    """A fault of the core's: a lane was to take a step that is not in the table."""


def follows(phase: type[Phase], trigger: Trigger) -> type[Phase] | Refusal | Otherwise:
    """What a trigger does in a phase: the whole table, with no pair left out."""
    return NEGOTIATION[phase].get(trigger, OTHERWISE[trigger])


def step_of(phase: Phase, trigger: Trigger, number: int) -> type[Phase] | Refusal | Otherwise:
    """The same for a trigger that names an exchange or a call: another than the open one leads nowhere."""
    return follows(type(phase), trigger) if number == _number(phase) else OTHERWISE[trigger]


def _number(phase: Phase) -> int | None:
    """Of the call or the exchange that is open."""
    match phase:
        case Calling(op):
            return op
        case AwaitingOffer() | AwaitingApplied() | AwaitingAnswer():
            return phase.exchange
        case _:
            return None
