"""What is remembered of calls and exchanges for those who watch a room. No SDP, no secret, nobody's prose."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Final, Literal

from attrs import frozen

from cfrealtime._core.codes import printable_code
from cfrealtime.models import CloseItem, CloseResult, TrackResult, TracksResult

from .calls import (
    ApiCall,
    CallOutcome,
    Close,
    Failed,
    Look,
    NewSession,
    Publish,
    Renegotiate,
    Subscribe,
    Succeeded,
    Update,
)
from .ids import Epoch

CALLS_KEPT = 32
"""So many of its last calls are remembered of a participant."""

OperationName = Literal[
    "new_session", "publish", "subscribe", "renegotiate", "update_tracks", "close_tracks", "get_state"
]
"""The SDK's methods."""
Result = Literal["succeeded", "partial", "refused", "not_sent", "unknown"]
"""`partial`: the call succeeded, and some of its items did not. `unknown`: it may have happened."""
Kind = Literal["publish", "subscribe"]
End = Literal["finished", "failed", "abandoned"]
"""`abandoned`: its session was replaced, or its participant left."""

OPERATIONS: Final[Mapping[type[ApiCall], OperationName]] = {
    NewSession: "new_session",
    Publish: "publish",
    Subscribe: "subscribe",
    Renegotiate: "renegotiate",
    Update: "update_tracks",
    Close: "close_tracks",
    Look: "get_state",
}


@frozen
class Called:
    """A call that has ended."""

    at: float
    """When it ended."""
    epoch: Epoch
    operation: OperationName
    tracks: int
    result: Result
    seconds: float
    failed: int = 0
    """Of its items."""
    status: int | None = None
    """Of a refusal."""
    code: str | None = None
    cf_ray: str | None = None
    """Cloudflare's id of a call that failed."""

    def __str__(self) -> str:
        said = [f"{self.operation} {self.tracks}" if self.tracks else self.operation, self.result]
        said += [str(one) for one in (self.status, self.code) if one is not None]
        if self.failed:
            said.append(f"({self.failed} failed)")
        return f"{' '.join(said)} after {self.seconds:.2f} s"


@frozen
class OpenExchange:
    """Descriptions on their way: from the call that began it to the client's last part, or the last call."""

    kind: Kind
    tracks: int
    since: float
    handed_at: float | None = None
    """When the SFU's description went to the client."""
    client_seconds: float | None = None
    """How long the client took for its part."""


def called(now: float, epoch: Epoch, call: ApiCall, outcome: CallOutcome, seconds: float) -> Called:
    """A call as it is remembered."""
    name, tracks = OPERATIONS[type(call)], tracks_of(call)
    if isinstance(outcome, Failed):
        refusal = outcome.status, outcome.code, outcome.cf_ray
        return Called(now, epoch, name, tracks, outcome.outcome, seconds, 0, *refusal)
    return Called(now, epoch, name, tracks, result_of(outcome), seconds, len(_failed(outcome)))


def tracks_of(call: ApiCall) -> int:
    """How many tracks, or mids, a call is about."""
    match call:
        case Publish() | Subscribe() | Update():
            return len(call.tracks)
        case Close(_, mids):
            return len(mids)
        case _:
            return 0


def failed_items(outcome: CallOutcome) -> Mapping[str, int]:
    """How many items of a call failed, by code."""
    errors = (item.error for item in _failed(outcome))
    return Counter(printable_code(error.code) for error in errors if error is not None)


def result_of(outcome: CallOutcome) -> Result:
    """An outcome in a word."""
    if isinstance(outcome, Failed):
        return outcome.outcome
    return "partial" if _failed(outcome) else "succeeded"


def _failed(outcome: CallOutcome) -> tuple[TrackResult | CloseItem, ...]:
    if isinstance(outcome, Succeeded) and isinstance(outcome.value, TracksResult | CloseResult):
        return outcome.value.failed
    return ()
