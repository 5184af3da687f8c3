"""The shell around the rules: holds the sessions, tells the media plane, and lets time do its work."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Iterator, Sequence
from typing import TypeVar

from attrs import evolve

from .clockwork import Clockwork
from .faults import Fault, Faults
from .journal import Journal
from .media.plan import Clock, Disturbance, MediaPlane, Source
from .refusals import bad_description, not_found
from .rules import data_transport, events, lifetime
from .rules.events import Event
from .rules.fault_forms import describe
from .rules.faults import KillSession
from .rules.order import check_alive
from .rules.subscribing import wanted_rids
from .sdp import Negotiation, SdpError
from .state import Publication, Session, Subscription, find_publication

T = TypeVar("T")

POLL = 0.02
"""How often something waited for is looked at: a media plane reports connections, not packets."""


class World:
    """All sessions and what hangs on each: its negotiation, its media, its next timer."""

    def __init__(
        self, media: MediaPlane, clock: Clock | None, new_id: Callable[[], str], seed: int = 0
    ) -> None:
        self.media = media
        self.new_id = new_id
        self.faults = Faults(seed, has_network=media.has_network, changed=self._faults_changed)
        self.journal = Journal()
        self.sessions: dict[str, Session] = {}
        self.watchers: list[Callable[[Session], None]] = []
        """Told of every session whose publications have changed, or that has ended."""
        self._given_clock = clock
        self._time: Clockwork | None = None
        self._running = False
        self._started_at = 0.0
        self._opened = 0
        self._disturbances: dict[str, Disturbance] = {}
        self._negotiations: dict[str, Negotiation] = {}
        self._alarm: asyncio.TimerHandle | None = None
        self._due = float("inf")

    async def start(self) -> None:
        """Start the media plane; time is the running loop's unless a clock was given."""
        self._time = Clockwork(self._given_clock or asyncio.get_running_loop().time)
        self._time.speed = self.faults.clock_speed
        self._started_at = self.now
        await self.media.start(self)
        self._running = True
        self._faults_changed(self.faults.standing(), ())

    async def stop(self) -> None:
        """Stop time and media; what is known stays readable."""
        self._running = False
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
        await self.media.stop()

    @property
    def started(self) -> bool:
        """Whether there is time."""
        return self._time is not None

    @property
    def time(self) -> Clockwork:
        """What the emulator takes for time."""
        if self._time is None:
            raise RuntimeError("The emulator is not running: use it in `async with`.")
        return self._time

    @property
    def now(self) -> float:
        """The emulator's time."""
        return self.time.now

    @property
    def age(self) -> float:
        """Seconds since the emulator was started."""
        return self.now - self._started_at

    # Sessions.

    def open_session(
        self, app_id: str, *, third_party: bool = False, correlation_id: str | None = None
    ) -> Session:
        """A fresh session of an app."""
        session = Session(
            self.new_id(),
            app_id,
            touched_at=self.now,
            third_party=third_party,
            correlation_id=correlation_id,
        )
        self.put(session)
        return session

    def adopt(self, session: Session, negotiation: Negotiation) -> None:
        """A session that was not made by a call, with what it has agreed on."""
        self._negotiations[session.session_id] = negotiation
        self.put(session)

    def end(self, session_id: str, because: str) -> None:
        """End a session, if it has not ended."""
        self._change(session_id, lambda session: lifetime.end(session, self.now, because))

    def known(self, app_id: str, session_id: str) -> Session:
        """The session under an id, alive or not."""
        session = self.sessions.get(session_id)
        if session is None or session.app_id != app_id:
            raise not_found("session")
        return session

    def live(self, session_id: str) -> Session:
        """The session under an id, which must not have ended."""
        session = self.sessions.get(session_id)
        if session is None:
            raise not_found("session")
        check_alive(session)
        return session

    def put(self, session: Session) -> None:
        """Replace a session by what it has become, and bring the media of all it concerns there."""
        before = self.sessions.get(session.session_id)
        self.sessions[session.session_id] = session
        if before is None:
            self._opened += 1
            self.faults.introduce(session.session_id, self._opened, session.correlation_id)
        else:
            for event in events.happened(before, session):
                self.happened(event)
        self._bring_media(session)
        if before is not None and _changes_sources(before, session):
            for other in self._subscribers_of(session.session_id):
                self._bring_media(other)
            for watcher in self.watchers:
                watcher(session)
        self._wake_at(lifetime.next_change(session, self.heard))

    def note(self, session: Session) -> None:
        """Replace a session in which nothing has changed that media or time care for."""
        self.sessions[session.session_id] = session

    def heard(self, session_id: str, mid: str) -> float | None:
        """When the last packet arrived on a receiving section."""
        last = self.media.last_packet(session_id, mid)
        return None if last is None else self.time.at(last)

    def lacks(self, session_id: str, mid: str, source_session_id: str, source_mid: str) -> str | None:
        """The codec that arrives at a source, if it was not negotiated on the section that sends it on."""
        codec = self.media.codec(source_session_id, source_mid)
        negotiated = self.negotiation(session_id).send_codecs(mid)
        return codec if negotiated and codec not in negotiated else None

    def undelivered(self, session: Session, subscription: Subscription) -> str | None:
        """The codec because of which nothing is forwarded to a subscription; None if that is not why."""
        source = self._source(session, subscription)
        if source is None or subscription.closed or session.ended_at is not None:
            return None
        return self.lacks(session.session_id, subscription.mid, source.session_id, source.mid)

    async def wait(self, check: Callable[[], T | None], seconds: float) -> T | None:
        """What `check` gives as soon as it gives something, or None when the time is over."""
        until = self.now + seconds
        while True:
            result = check()
            left = until - self.now
            if result is not None or left <= 0:
                return result
            # Never for so short that a clock does not notice.
            await asyncio.sleep(max(0.001, min(POLL, self.time.real(left))))

    # Faults and the journal.

    def happened(self, event: Event) -> None:
        """Note what nobody called for."""
        self.journal.note(self.age, event)

    def _faults_changed(self, begun: Sequence[Fault], over: Sequence[Fault]) -> None:
        """Bring time, sessions and media where the faults that hold now want them."""
        if not self._running:
            return
        for kind, faults in (("fault", begun), ("fault_removed", over)):
            for fault in faults:
                known = fault.session if fault.session in self.sessions else None
                self.happened(Event(kind, known, describe(fault)))
        for fault in begun:
            if isinstance(fault.effect, KillSession):
                for session_id in [s for s in self.sessions if fault.session in self.faults.names(s)]:
                    self.end(session_id, "a fault ended it")
        self.time.speed = self.faults.clock_speed
        for session in tuple(self.sessions.values()):
            self._bring_media(session)
        if self._alarm is not None:
            self._set_alarm()

    # Descriptions.

    def negotiation(self, session_id: str) -> Negotiation:
        """The session's offer/answer state, made with its first exchange."""
        if session_id not in self._negotiations:
            self._negotiations[session_id] = Negotiation(self.media.transport(session_id))
        return self._negotiations[session_id]

    def answer(
        self, session_id: str, offer: str, publish: Collection[str], both_ways: Collection[str] = ()
    ) -> str:
        """Answer the endpoint's offer; one that restarts ICE gets new credentials."""
        negotiation = self.negotiation(session_id)
        try:
            if negotiation.restarts_ice(offer):
                negotiation.restart(self.media.transport(session_id))
            return negotiation.answer_offer(offer, publish, both_ways)
        except SdpError as error:
            raise bad_description(f"The offer cannot be used: {error}.") from error

    # What the media plane reports.

    def connected(self, session_id: str) -> None:
        """The session's transport is up."""
        self._change(session_id, lambda session: lifetime.connected(session, self.now))

    def recovered(self, session_id: str) -> None:
        """The session's transport is back."""
        self._change(session_id, lambda session: lifetime.connected(session, self.now))

    def lost(self, session_id: str, *, closed: bool) -> None:
        """The session's transport is gone."""
        self._change(session_id, lambda session: lifetime.lost(session, self.now, closed=closed))

    def channel_opened(self, session_id: str, channel_id: int) -> None:
        """Messages can be exchanged on a data channel."""
        self._change(session_id, lambda session: data_transport.opened(session, channel_id))

    def channel_acknowledged(self, session_id: str, channel_id: int) -> None:
        """A subscriber's first message has come on a channel that waits for it."""
        self._change(session_id, lambda session: data_transport.acknowledged(session, channel_id))

    def channel_closed(self, session_id: str, channel_id: int) -> None:
        """The endpoint closed a data channel, or its transport is gone."""
        self._change(session_id, lambda session: data_transport.hung_up(session, channel_id))

    # Time.

    def settle(self) -> None:
        """Let everything happen that time has made due; timers do it too, but only in the loop's own time."""
        now = self.now
        if now < self._due:
            return
        self._due = float("inf")
        for session in list(self.sessions.values()):
            if lifetime.forgettable(session, now):
                del self.sessions[session.session_id]
                self.faults.forget(session.session_id)
                continue
            aged = lifetime.aged(session, self.heard, now)
            if aged is not session:
                self.put(aged)
        moments = [lifetime.next_change(session, self.heard) for session in self.sessions.values()]
        self._wake_at(min(moments, default=float("inf")))

    def _wake_at(self, moment: float) -> None:
        if moment < self._due:
            self._due = moment
            self._set_alarm()

    def _set_alarm(self) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
        # Never at once: a clock of a test's own may stand still.
        delay = max(0.001, self.time.real(self._due - self.now))
        self._alarm = asyncio.get_running_loop().call_later(delay, self._ring)

    def _ring(self) -> None:
        self._alarm = None
        self.settle()
        if self._alarm is None and self._due != float("inf"):
            self._set_alarm()

    def _change(self, session_id: str, change: Callable[[Session], Session]) -> None:
        session = self.sessions.get(session_id)
        if session is not None and (changed := change(session)) is not session:
            self.put(changed)

    # Media.

    def _subscribers_of(self, session_id: str) -> Iterator[Session]:
        for other in self.sessions.values():
            if other.session_id != session_id and _receives_from(other, session_id):
                yield other

    def _bring_media(self, session: Session) -> None:
        session_id = session.session_id
        negotiation = self._negotiations.get(session_id)
        if negotiation is None:
            return
        if session.ended_at is not None:
            del self._negotiations[session_id]
            self._disturbances.pop(session_id, None)
            self.media.close(session_id)
            return
        heard = {p.mid for p in session.publications.values() if self._hears(session_id, p)}
        closed = (session.publications.keys() | session.subscriptions.keys()) - heard
        open_ = [s for s in session.subscriptions.values() if not s.closed]
        sources = {s.mid: self._source(session, s) for s in open_}
        rids = {s.mid: self._rids(session, s) for s in open_}
        media = negotiation.media(sources, closed, rids)
        channels = data_transport.picture(self.sessions, session)
        silent = [evolve(c, silent=self.faults.silenced(session_id, c.label)) for c in channels]
        self.media.apply(session_id, evolve(media, channels=tuple(silent)))
        disturbance = self.faults.disturbance(session_id)
        if disturbance != self._disturbances.get(session_id, Disturbance()):
            self._disturbances[session_id] = disturbance
            self.media.disturb(session_id, disturbance)

    def _hears(self, session_id: str, publication: Publication) -> bool:
        usable = not publication.deaf and publication.ended is None
        return usable and not self.faults.silenced(session_id, publication.track_name)

    def _source(self, session: Session, subscription: Subscription) -> Source | None:
        publication = find_publication(self.sessions, session.app_id, subscription.source)
        return Source(subscription.source.session_id, publication.mid) if publication else None

    def _rids(self, session: Session, subscription: Subscription) -> tuple[str, ...]:
        publication = find_publication(self.sessions, session.app_id, subscription.source)
        return wanted_rids(publication, subscription.simulcast) if publication else ()


def touched(session: Session, negotiation: Negotiation, now: float) -> Session:
    """The session after an exchange in which the endpoint described itself."""
    session = data_transport.settled(session, data_channels=negotiation.data_channels)
    return evolve(session, negotiated=True, touched_at=now)


def _receives_from(session: Session, publisher: str) -> bool:
    """Whether a session receives tracks or data channels of another."""
    return any(
        subscription.source.session_id == publisher for subscription in session.subscriptions.values()
    ) or any(
        channel.source is not None and channel.source.session_id == publisher
        for channel in session.channels.values()
    )


def _changes_sources(before: Session, after: Session) -> bool:
    return (
        before.publications is not after.publications
        or before.channels is not after.channels
        or before.ended_at != after.ended_at
    )
