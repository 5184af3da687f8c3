"""What time and connectivity do to a session. Source: docs, limits and session state, unless marked."""

from __future__ import annotations

from attrs import evolve

from cfrealtime.emulator.limits import MEDIA_INACTIVITY, REMEMBER_ENDED, SESSION_REUSE, UNUSED_SESSION
from cfrealtime.emulator.state import Heard, Publication, Session

from . import data_transport


def connected(session: Session, now: float) -> Session:
    """The transport came up, or came back."""
    if session.ended_at is not None:
        return session
    if session.lost_at is not None:
        return evolve(session, lost_at=None, recovered_at=now)
    return evolve(session, connected_at=session.connected_at or now)


def lost(session: Session, now: float, *, closed: bool) -> Session:
    """Connectivity is gone: a close ends the session at once, anything else may still recover."""
    if closed:
        return end(session, now, "its connection was closed")
    if not session.connected:
        return session
    return evolve(session, lost_at=now)


def end(session: Session, now: float, because: str) -> Session:
    """The session is over: every later call is answered 410."""
    if session.ended_at is not None:
        return session
    return evolve(session, ended_at=now, ended_because=because, awaiting_answer=False)


def aged(session: Session, heard: Heard, now: float) -> Session:
    """The session as it stands at `now`: silent publications collected, a dead or unused session ended, data
    channels torn down that were not acknowledged."""
    if session.ended_at is not None:
        return session
    if session.lost_at is not None and now >= session.lost_at + SESSION_REUSE:
        return end(session, now, f"its connection was lost for {SESSION_REUSE:g} seconds")
    if session.connected_at is None and now >= session.touched_at + UNUSED_SESSION:
        return end(session, now, f"it never connected within {UNUSED_SESSION:g} seconds")
    silent = {
        publication.mid: evolve(publication, ended="collected")
        for publication in session.publications.values()
        if publication.ended is None and now >= silent_at(session, publication, heard)
    }
    if silent:
        session = evolve(session, publications={**session.publications, **silent})
    return data_transport.aged(session, now)


def forgettable(session: Session, now: float) -> bool:
    """Whether an ended session needs no memory any more: from then on it is unknown. Our choice."""
    return session.ended_at is not None and now >= session.ended_at + REMEMBER_ENDED


def next_change(session: Session, heard: Heard) -> float:
    """The earliest moment at which time alone can change the session."""
    if session.ended_at is not None:
        return session.ended_at + REMEMBER_ENDED
    moments = [silent_at(session, p, heard) for p in session.publications.values() if p.ended is None]
    moments.append(data_transport.next_change(session))
    if session.lost_at is not None:
        moments.append(session.lost_at + SESSION_REUSE)
    if session.connected_at is None:
        moments.append(session.touched_at + UNUSED_SESSION)
    return min(moments)


def silent_at(session: Session, publication: Publication, heard: Heard) -> float:
    """When a publication is collected if nothing more arrives.

    Docs: a lost session and its tracks can be reused until `SESSION_REUSE` is over, so they end together.
    That a session which came back has its whole while to be heard again is our choice.
    """
    if session.lost_at is not None:
        return max(publication.since, session.lost_at + SESSION_REUSE)
    last = heard(session.session_id, publication.mid)
    return max(publication.since, last or 0.0, session.recovered_at or 0.0) + MEDIA_INACTIVITY
