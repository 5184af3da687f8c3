"""The room's state: plain values that serialize. Only the core's own functions change them."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from typing import Final

from attrs import Factory, define, evolve, field, frozen

from .calls import ApiCall
from .permissions import Permissions
from .tracks import ClientOffer, Locator, Publication, Retry, Subscription

TIMELINE_LENGTH = 64


@frozen
class Idle:
    """Nothing is open; the next step may begin."""


@frozen
class Calling:
    """One API call is under way."""

    op: int


@frozen
class AwaitingOffer:
    """The client was granted an offer."""

    grant: int
    deadline: float


@frozen
class AwaitingApplied:
    """The SFU's answer is with the client. It is kept for a client that resumes."""

    exchange: int
    deadline: float
    answer: str = field(repr=False)


@frozen
class AwaitingAnswer:
    """The SFU's offer is with the client. It is kept for a client that resumes."""

    exchange: int
    deadline: float
    offer: str = field(repr=False)


@frozen
class Retired:
    """Terminal: the session is in the ledger; a replacement is a new lane."""

    reason: str


Phase = Idle | Calling | AwaitingOffer | AwaitingApplied | AwaitingAnswer | Retired

TRANSITIONS: Final[Mapping[type[Phase], Mapping[type[Phase], str]]] = {
    Idle: {Calling: "step", AwaitingOffer: "grant"},
    Calling: {Idle: "result", AwaitingApplied: "the SFU answers", AwaitingAnswer: "the SFU offers"},
    AwaitingOffer: {Idle: "offer"},
    AwaitingApplied: {Idle: "applied"},
    AwaitingAnswer: {Calling: "answer"},
    Retired: {},
}
"""Every way from one phase to another, and what leads there; from each but the last to `Retired` as well."""


class IllegalTransitionError(Exception):
    """A fault of the core's: a lane was to enter a phase that does not follow from the one it is in."""


@define
class Lane:
    """Owner of every mutation of one session: what is wanted and what is, never a queue of requests."""

    epoch: int
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
    timeline: deque[tuple[float, str]] = Factory(lambda: deque[tuple[float, str]](maxlen=TIMELINE_LENGTH))

    @property
    def untouched(self) -> bool:
        """Nothing has begun on it: no session, no call, no offer of the client's."""
        return self.session_id is None and self.offer is None and not isinstance(self.phase, Calling)

    def enter(self, phase: Phase) -> None:
        """Go on to another phase. One that does not follow is refused, and the lane stays as it is."""
        before, after = type(self.phase), type(phase)
        if after not in TRANSITIONS[before] and (after is not Retired or before is Retired):
            raise IllegalTransitionError(f"{before.__name__} is not followed by {after.__name__}")
        self.phase = phase

    def shorten(self, until: float) -> None:
        """The client has until then, at most, to do its part of what is open."""
        if isinstance(self.phase, AwaitingOffer | AwaitingApplied | AwaitingAnswer):
            self.phase = evolve(self.phase, deadline=min(self.phase.deadline, until))

    def note(self, now: float, what: str) -> None:
        """Remember a step for `inspect`. Never SDP, never a secret."""
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
    token: str = field(repr=False)
    lane: Lane
    connection: str | None
    """None while the channel is down."""
    joined_at: float
    lost_at: float | None = None
    visible: bool = False
    """Others know of it: the first exchange has succeeded, or it is a viewer."""
    publications: dict[str, Publication] = Factory(dict[str, Publication])
    """By source."""
    told: int = 0
    """The revision its client has."""
    exchanges: int = 0
    replacements: list[float] = Factory(list[float])
    """When its sessions were replaced lately."""
    selection: Selection = Factory(Selection)
    layers: dict[str, str] = Factory(dict[str, str])
    """The simulcast layers that it wants, by publication."""
    hears_of: set[str] | None = None
    """Who its client was told about, where the host's function decides; None: all who are visible."""

    def next_exchange(self) -> int:
        """A number for a grant or an exchange; never used twice for this participant."""
        self.exchanges += 1
        return self.exchanges


def phase_deadline(participant: Participant) -> float | None:
    """Until when the client has to do its part of what is open, if something is."""
    phase = participant.lane.phase
    if isinstance(phase, AwaitingOffer | AwaitingApplied | AwaitingAnswer):
        return phase.deadline
    return None


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

    id: int
    call: ApiCall
    participant: str | None = None
    epoch: int | None = None


@define
class Room:
    """Everything known about one room."""

    id: str
    revision: int = 0
    """Counts changes that a client can see, and nothing else."""
    participants: dict[str, Participant] = Factory(dict[str, Participant])
    connections: dict[str, Connection] = Factory(dict[str, Connection])
    operations: dict[int, Operation] = Factory(dict[int, Operation])
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

    def next_number(self) -> int:
        """An id for an operation."""
        self.counter += 1
        return self.counter

    def located(self, session_id: str, track_name: str) -> Publication | None:
        """The publication that the SFU knows under this locator, if it still is one."""
        locator = Locator(session_id, track_name)
        for participant in self.participants.values():
            if participant.lane.session_id == session_id:
                for publication in participant.publications.values():
                    if publication.locator == locator:
                        return publication
        return None

    def publication(self, publication_id: str) -> tuple[Participant, Publication] | None:
        """A publication and its publisher."""
        for participant in self.participants.values():
            for publication in participant.publications.values():
                if publication.id == publication_id:
                    return participant, publication
        return None
