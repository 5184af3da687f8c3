"""A lane's call that failed as a whole, as a table: what kind of failure it is, and what the lane then does.

The core goes by this table; the one in the documentation is drawn from it (`python -m tests.docs.rooms`).
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Final

from attrs import frozen

from .backoff import later
from .calls import ApiCall, Close, Failed, Look, NewSession, Publish, Renegotiate, Subscribe, Update
from .exchange import refuse_offer
from .replacing import replace
from .repointing import not_repointed
from .state import Participant
from .turn import Turn

PATIENCE: Final = 5
"""How often in a row a call may come to nothing before the last word of the table's is taken."""


class Failure(Enum):
    """What a failed call says; the first that fits."""

    GONE = "410, 404"
    """The session is expired or closed, or the SFU does not know it."""
    UNKNOWN = "no answer, 5xx"
    """It may have happened all the same."""
    CREDENTIALS = "401, 403"
    """The service does not take the app's credentials: it says nothing about the session."""
    UNREACHED = "not sent, 429"
    """The service cannot be reached, or wants fewer calls: it says nothing about the session."""
    TRACKS = "a code about tracks"
    """Tracks are not there, or not ready; it can fail a whole request of them."""
    NOT_YET = "425, transient"
    """Nothing happened, and the same call may well succeed later."""
    UNREADABLE = "400, 413"
    """The SFU cannot read what it was sent."""
    OUT_OF_STEP = "406"
    """The SFU expects another description."""
    REFUSED = "any other refusal"
    """It will be refused again."""


class Reaction(Enum):
    """What a lane does after a failure. Whatever it is, the lane first waits a while, longer each time."""

    WAIT = "plan again"
    """Nothing else happens."""
    REPEAT = "the same call again"
    """Before anything else: its exchange is still open."""
    LOOK = "look"
    """The session is read before anything else is done to it."""
    LOOK_AND_TRACKS_WAIT = "look; the tracks wait"
    """It may be about a publisher's session: the lane's own is read before it is given up."""
    TRACKS_WAIT = "the tracks wait"
    """Each by itself, and the lane does not."""
    CLOSES_WAIT = "closes wait"
    """They can be repeated for ever, and the lane does not wait for them."""
    BAD_SDP = "`bad_sdp`"
    """The client gets its offer back, and may make another at once."""
    GIVE_BACK = "`publish_failed`"
    """The client gets its offer back."""
    GIVE_UP = "`publish_failed`, perhaps"
    """The same, unless it holds what was published before: after an outage, however long, it must be back."""


@frozen
class Replace:
    """The session is replaced."""

    reason: str
    uncertain: bool = False
    """The call may still land: the session is read once more after it was cleaned up."""


@frozen
class AtFirst:
    """One thing until the patience is used up, then another."""

    first: Reaction
    last: Reaction | Replace


Verdict = Reaction | Replace | AtFirst

_GONE: Final = Replace("the session is gone")
_NOT_ACCEPTED: Final = Replace("the answer was not accepted")
_LOST_OFFER: Final = Replace("nobody knows what became of the offer", uncertain=True)
_LOST_SUBSCRIPTION: Final = Replace("nobody knows what became of a subscription", uncertain=True)
_WAIT_OR_GIVE_UP: Final = AtFirst(Reaction.WAIT, Reaction.GIVE_UP)
_WAIT_OR_READ: Final = AtFirst(Reaction.WAIT, Replace("the session cannot be read"))
_WAIT_OR_USE: Final = AtFirst(Reaction.WAIT, Replace("the session cannot be used"))
_BLAMELESS: Final = {Failure.CREDENTIALS: Reaction.WAIT, Failure.UNREACHED: Reaction.WAIT}

_RECEIVING: Final[Mapping[Failure, Verdict]] = {
    **dict.fromkeys(Failure, _WAIT_OR_USE),
    **_BLAMELESS,
    Failure.GONE: Reaction.LOOK_AND_TRACKS_WAIT,
    Failure.TRACKS: Reaction.TRACKS_WAIT,
    Failure.OUT_OF_STEP: Replace("the session is out of step"),
}
FAILURES: Final[Mapping[type[ApiCall], Mapping[Failure, Verdict]]] = {
    NewSession: dict.fromkeys(Failure, _WAIT_OR_GIVE_UP),
    Publish: {
        Failure.GONE: _GONE,
        Failure.UNKNOWN: _LOST_OFFER,
        Failure.TRACKS: Reaction.BAD_SDP,
        Failure.CREDENTIALS: Reaction.GIVE_UP,
        Failure.UNREACHED: _WAIT_OR_GIVE_UP,
        Failure.NOT_YET: _WAIT_OR_GIVE_UP,
        Failure.UNREADABLE: Reaction.BAD_SDP,
        Failure.OUT_OF_STEP: Reaction.BAD_SDP,
        Failure.REFUSED: Reaction.GIVE_BACK,
    },
    Subscribe: {**_RECEIVING, Failure.UNKNOWN: _LOST_SUBSCRIPTION},
    Update: {**_RECEIVING, Failure.UNKNOWN: Reaction.LOOK},
    Renegotiate: {
        **dict.fromkeys(Failure, _NOT_ACCEPTED),
        Failure.GONE: _GONE,
        Failure.CREDENTIALS: Reaction.REPEAT,
        Failure.UNREACHED: Reaction.REPEAT,
        Failure.NOT_YET: AtFirst(Reaction.REPEAT, _NOT_ACCEPTED),
    },
    Close: {**dict.fromkeys(Failure, Reaction.CLOSES_WAIT), **_BLAMELESS, Failure.GONE: _GONE},
    Look: {**dict.fromkeys(Failure, _WAIT_OR_READ), **_BLAMELESS, Failure.GONE: _GONE},
}
"""What a lane does about every failure of every call."""


def kind_of(failed: Failed) -> Failure:
    """What a failed call says."""
    if failed.gone:
        return Failure.GONE
    if failed.uncertain:
        return Failure.UNKNOWN
    if failed.outcome == "not_sent":
        return Failure.UNREACHED
    said = _BY_STATUS.get(failed.status or 0, Failure.REFUSED)
    if said in (Failure.CREDENTIALS, Failure.UNREACHED):
        return said
    return _BY_CODE.get(failed.code or "", said)


_BY_STATUS: Final = {
    400: Failure.UNREADABLE,
    401: Failure.CREDENTIALS,
    403: Failure.CREDENTIALS,
    406: Failure.OUT_OF_STEP,
    413: Failure.UNREADABLE,
    425: Failure.NOT_YET,
    429: Failure.UNREACHED,
}
_BY_CODE: Final = {
    "not_found_track_error": Failure.TRACKS,
    "empty_track_error": Failure.TRACKS,
    "update_track_error": Failure.TRACKS,
    "retryable_transient_error": Failure.NOT_YET,
}


def fail(turn: Turn, participant: Participant, call: ApiCall, failed: Failed) -> None:
    """Take in a failure: the lane waits a while, and does what the table says."""
    lane = participant.lane
    lane.call_retry = later(lane.call_retry, f"{participant.id} {lane.epoch}", turn.now, failed.retry_after)
    verdict = FAILURES[type(call)][kind_of(failed)]
    if isinstance(verdict, AtFirst):
        verdict = verdict.first if lane.call_retry.tries < PATIENCE else verdict.last
    if isinstance(verdict, Replace):
        replace(turn, participant, verdict.reason, uncertain=verdict.uncertain)
    else:
        _react(turn, participant, call, verdict, failed.code)


def _react(turn: Turn, participant: Participant, call: ApiCall, reaction: Reaction, code: str | None) -> None:
    lane = participant.lane
    match reaction:
        case Reaction.WAIT:
            pass
        case Reaction.REPEAT:
            lane.repeat = call
        case Reaction.LOOK:
            lane.look = True
        case Reaction.LOOK_AND_TRACKS_WAIT:
            lane.look = True
            _tracks_wait(turn, participant, call, code)
        case Reaction.TRACKS_WAIT:
            _tracks_wait(turn, participant, call, code)
        case Reaction.CLOSES_WAIT:
            lane.close_retry = later(lane.close_retry, f"{participant.id} close", turn.now)
            lane.call_retry = None
        case Reaction.BAD_SDP:
            lane.call_retry = None
            refuse_offer(turn, participant, "bad_sdp")
        case Reaction.GIVE_UP if lane.offer is None or _brings_back(participant):
            pass
        case Reaction.GIVE_BACK | Reaction.GIVE_UP:
            refuse_offer(turn, participant, "publish_failed")


def _tracks_wait(turn: Turn, participant: Participant, call: ApiCall, code: str | None) -> None:
    """Each by itself; the lane need not."""
    participant.lane.call_retry = None
    for track in call.tracks if isinstance(call, Subscribe | Update) else ():
        not_repointed(turn, participant, track, code)


def _brings_back(participant: Participant) -> bool:
    """Whether the offer holds what was published before: after an outage, however long, it must be back."""
    offer = participant.lane.offer
    return offer is not None and any(track.source in participant.publications for track in offer.tracks)
