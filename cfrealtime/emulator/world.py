"""The shell around the rules: holds the sessions, tells the media plane, and lets time do its work."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Iterator
from typing import TypeVar

from attrs import evolve

from .faults import Faults
from .media.plan import Clock, MediaPlane, Source
from .refusals import bad_description, not_found
from .rules import data_transport, lifetime
from .rules.order import check_alive
from .rules.subscribing import wanted_rids
from .sdp import Negotiation, SdpError
from .state import Session, Subscription, find_publication

T = TypeVar("T")

POLL = 0.02
"""How often something waited for is looked at: a media plane reports connections, not packets."""


class World:
    """All sessions and what hangs on each: its negotiation, its media, its next timer."""

    def __init__(self, media: MediaPlane, clock: Clock | None, new_id: Callable[[], str]) -> None:
        self.media = media
        self.new_id = new_id
        self.faults = Faults()
        self.sessions: dict[str, Session] = {}
        self.watchers: list[Callable[[Session], None]] = []
        """Told of every session whose publications have changed, or that has ended."""
        self._given_clock = clock
        self._clock = clock
        self._started_at = 0.0
        self._negotiations: dict[str, Negotiation] = {}
        self._alarm: asyncio.TimerHandle | None = None
        self._due = float("inf")

    async def start(self) -> None:
        """Start the media plane; time is the running loop's unless a clock was given."""
        self._clock = self._given_clock or asyncio.get_running_loop().time
        self._started_at = self._clock()
        await self.media.start(self)

    async def stop(self) -> None:
        """Stop time and media; what is known stays readable."""
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
        await self.media.stop()

    @property
    def now(self) -> float:
        """The emulator's time."""
        if self._clock is None:
            raise RuntimeError("The emulator is not running: use it in `async with`.")
        return self._clock()

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
        return self.media.last_packet(session_id, mid)

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
            await asyncio.sleep(min(POLL, left))

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
        delay = max(0.001, self._due - self.now)
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
            self.media.close(session_id)
            return
        heard = {p.mid for p in session.publications.values() if not p.deaf and p.ended is None}
        closed = (session.publications.keys() | session.subscriptions.keys()) - heard
        open_ = [s for s in session.subscriptions.values() if not s.closed]
        sources = {s.mid: self._source(session, s) for s in open_}
        rids = {s.mid: self._rids(session, s) for s in open_}
        media = negotiation.media(sources, closed, rids)
        channels = data_transport.picture(self.sessions, session)
        self.media.apply(session_id, evolve(media, channels=channels))

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
