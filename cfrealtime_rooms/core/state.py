"""The room's state: plain values that serialize. Only the core's own functions change them."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping

from attrs import Factory, define, evolve, field, frozen

from .calls import ApiCall
from .history import Called, OpenExchange
from .ids import UNSEEN, Epoch, Exchange, OperationId, RoomRevision
from .permissions import Permissions
from .phases import Awaiting, Calling, Idle, IllegalTransitionError, Phase, Trigger, follows
from .secrecy import SECRET
from .tracks import ClientOffer, Publication, Retry, Subscription

TIMELINE_LENGTH = 32


@define
class Lane:
    """Owner of every mutation of one session: what is wanted and what is, never a queue of requests."""

    epoch: Epoch
    session_id: str | None = None
    phase: Phase = Factory(Idle)
    subscriptions: dict[str, Subscription] = Factory(dict[str, Subscription])
    retries: dict[str, Retry] = Factory(dict[str, Retry])
    """By publication id: items the SFU refused."""
    call_retry: Retry | None = None
    """The lane as a whole waits after a call that came to nothing."""
    close_retry: Retry | None = None
    """Only closes wait: the SFU did not close everything it was asked to."""
    repeat: ApiCall | None = None
    """A call that was not accepted and goes again before anything else: its exchange is still open."""
    offer: ClientOffer | None = None
    closing: set[str] = Factory(set[str])
    """Mids to close by force: own sections that ended, received ones that nobody can use."""
    wants_grant: bool = False
    granted_last: bool = False
    """Grants and subscription batches alternate."""
    look: bool = False
    """Read the session before anything else: there is doubt about what it holds."""
    negotiated_at: float | None = None
    """When the first exchange succeeded: from then on subscriptions wait for the client's connection."""
    subscribed_at: float | None = None
    """When the last batch of subscriptions was done."""
    connected: bool = False
    sections: int = 0
    enforcing: bool = False
    """The host wants something closed: the client gets little time to finish what is open before that."""
    wake_at: float | None = None
    """When the next step may become possible though nothing happens."""
    asked_at: float | None = None
    """Since when something may wait for it to be idle."""
    exchange: OpenExchange | None = None
    timeline: deque[tuple[float, str]] = Factory(lambda: deque[tuple[float, str]](maxlen=TIMELINE_LENGTH))

    @property
    def untouched(self) -> bool:
        """Nothing has begun on it: no session, no call, no offer of the client's."""
        return self.session_id is None and self.offer is None and not isinstance(self.phase, Calling)

    def follow(self, trigger: Trigger, phase: Phase) -> None:
        """Go on to another phase. A step that is not in the table is refused, and the lane stays as it is."""
        before, after = type(self.phase), type(phase)
        if follows(before, trigger) is not after:
            raise IllegalTransitionError(
                f"{before.__name__}: {trigger.value} does not lead to {after.__name__}"
            )
        self.phase = phase

    def wait_until(self, trigger: Trigger, deadline: float) -> None:
        """The client has another deadline for its part of what is open, if something is."""
        if isinstance(self.phase, Awaiting):
            self.follow(trigger, evolve(self.phase, deadline=deadline))

    def next_epoch(self) -> Epoch:
        """Of the lane that replaces this one."""
        return Epoch(self.epoch + 1)

    def handed(self, now: float) -> None:
        """The SFU's description goes to the client."""
        if self.exchange is not None:
            self.exchange = evolve(self.exchange, handed_at=now)

    def answered(self, now: float) -> None:
        """The client has done its part of the exchange."""
        if self.exchange is not None and self.exchange.handed_at is not None:
            self.exchange = evolve(self.exchange, client_seconds=now - self.exchange.handed_at)

    def note(self, now: float, what: str) -> None:
        """Remember a step for `inspect`. Calls are remembered apart. Never SDP, never a secret."""
        self.timeline.append((now, what))

    def mids(self) -> dict[str, str]:
        """Every receiving mid that carries a publication, for the client."""
        return {s.mid: s.publication for s in self.subscriptions.values() if s.publication is not None}


@frozen
class Selection:
    """What a participant has chosen to receive: the first is the most wanted."""

    publications: tuple[str, ...] = ()
    participants: tuple[str, ...] = ()
    """Everything that these publish, now and later."""


@define
class Participant:
    """A membership in the room."""

    id: str
    identity: str
    name: str
    permissions: Permissions
    attributes: dict[str, str]
    token: str = field(repr=False, metadata=SECRET)
    lane: Lane
    connection: str | None
    """None while the channel is down."""
    joined_at: float
    lost_at: float | None = None
    visible: bool = False
    """Others know of it: the first exchange has succeeded, or it is a viewer."""
    publications: dict[str, Publication] = Factory(dict[str, Publication])
    """By source."""
    told: RoomRevision = UNSEEN
    """The revision its client has."""
    exchanges: int = 0
    """How many grants and exchanges there have been."""
    replacements: list[float] = Factory(list[float])
    """When its sessions were replaced lately."""
    selection: Selection = Factory(Selection)
    layers: dict[str, str] = Factory(dict[str, str])
    """The simulcast layers that it wants, by publication."""
    hears_of: set[str] | None = None
    """Who its client was told about, where the host's function decides; None: all who are visible."""
    calls: tuple[Called, ...] = ()
    """The last of its API calls, of whatever session."""

    def next_exchange(self) -> Exchange:
        """A number for a grant or an exchange; never used twice for this participant."""
        self.exchanges += 1
        return Exchange(self.exchanges)


def phase_deadline(participant: Participant) -> float | None:
    """Until when the client has to do its part of what is open, if something is."""
    phase = participant.lane.phase
    return phase.deadline if isinstance(phase, Awaiting) else None


@define
class Connection:
    """A channel of the host's, before and after its participant has joined."""

    id: str
    identity: str
    name: str | None
    permissions: Permissions
    attributes: Mapping[str, str]
    participant: str | None = None


@frozen
class Ban:
    """Why an identity is not let in, and until when."""

    reason: str
    until: float | None = None
    """None: as long as the room."""


@define
class Debt:
    """Something the SFU may still hold for a session that is over."""

    session_id: str
    mids: set[str] | None
    """None: nobody knows; look first."""
    since: float
    again: bool = False
    """A call whose outcome is unknown may land late: look once more after it is paid."""
    tries: int = 0
    not_before: float = 0.0


@frozen
class Operation:
    """A call under way, and who waits for it: a lane (participant and epoch), else its session's debt."""

    id: OperationId
    call: ApiCall
    participant: str | None = None
    epoch: Epoch | None = None
    since: float = 0.0
    """When it was decided on."""
    waited: float = 0.0
    """For how long its lane had been busy with something else while something was asked of it."""
    attempt: int = 1
    """How many calls in a row this is since something came of one."""


@define
class Room:
    """Everything known about one room."""

    id: str
    revision: RoomRevision = UNSEEN
    """Counts changes that a client can see, and nothing else."""
    participants: dict[str, Participant] = Factory(dict[str, Participant])
    connections: dict[str, Connection] = Factory(dict[str, Connection])
    operations: dict[OperationId, Operation] = Factory(dict[OperationId, Operation])
    debts: dict[str, Debt] = Factory(dict[str, Debt])
    """The ledger, by session id."""
    attributes: dict[str, str] = Factory(dict[str, str])
    rights: dict[str, Permissions] = Factory(dict[str, Permissions])
    """What the host has decided since people connected, by identity."""
    muted: dict[str, set[str]] = Factory(dict[str, set[str]])
    """Sources that the host keeps closed, by identity."""
    bans: dict[str, Ban] = Factory(dict[str, Ban])
    """By identity."""
    counter: int = 0
    """For ids of operations."""

    def next_operation(self) -> OperationId:
        """An id for an operation; never used twice in this room."""
        self.counter += 1
        return OperationId(self.counter)

    def next_revision(self) -> None:
        """Something that clients can see has changed."""
        self.revision = RoomRevision(self.revision + 1)
