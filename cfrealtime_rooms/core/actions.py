"""What the core wants done: performed by the runtime, which feeds results back as inputs."""

from __future__ import annotations

from attrs import frozen

from .events import RoomEvent
from .history import End, Kind
from .ids import Epoch
from .notices import Notice
from .state import Operation


@frozen
class Send:
    """Tell a client something, over its connection."""

    connection: str
    notice: Notice


@frozen
class HangUp:
    """Close a host's channel after everything before it was sent."""

    connection: str
    code: int
    """A WebSocket close code of the private range."""
    reason: str


@frozen
class Call:
    """Perform an API call and return its outcome under the operation's id."""

    operation: Operation


@frozen
class Emit:
    """Tell the host what happened."""

    event: RoomEvent


@frozen
class StopRepointing:
    """The service refuses to point a live mid at another publication: true for the whole app."""


@frozen
class Exchanged:
    """An exchange of descriptions with a participant's client is over: to be noticed, and nothing else."""

    participant: str
    identity: str
    epoch: Epoch
    session_id: str | None
    kind: Kind
    tracks: int
    end: End
    seconds: float
    client_seconds: float | None


Action = Send | HangUp | Call | Emit | StopRepointing | Exchanged
