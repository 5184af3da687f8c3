"""The state as others see it: the API's session state, and the emulator's own page of everything."""

from __future__ import annotations

from cfrealtime.emulator.refusals import Json
from cfrealtime.emulator.state import (
    Publication,
    Session,
    Sessions,
    Subscription,
    publication_status,
    subscription_status,
)


def session_state(sessions: Sessions, session: Session) -> Json:
    """The answer of get_session (contract, GetSessionStateResponse)."""
    tracks: list[Json] = [
        {
            "location": "local",
            "mid": publication.mid,
            "trackName": publication.track_name,
            "kind": publication.kind,
            "status": publication_status(session, publication),
        }
        for publication in session.publications.values()
    ]
    for subscription in session.subscriptions.values():
        track: Json = {
            "location": "remote",
            "mid": subscription.mid,
            "sessionId": subscription.source.session_id,
            "trackName": subscription.source.track_name,
            "kind": subscription.kind,
            "status": subscription_status(sessions, session, subscription),
        }
        if subscription.simulcast is not None and subscription.simulcast.preferred_rid is not None:
            track["simulcast"] = {"preferredRid": subscription.simulcast.preferred_rid}
        tracks.append(track)
    return {"tracks": tracks, "dataChannels": []}


def everything(sessions: Sessions) -> Json:
    """All sessions and tracks, for /_emulator/state."""
    return {"sessions": [_session(sessions, session) for session in sessions.values()]}


def _session(sessions: Sessions, session: Session) -> Json:
    tracks = [_publication(session, p) for p in session.publications.values()]
    tracks += [_subscription(sessions, session, s) for s in session.subscriptions.values()]
    return {
        "session_id": session.session_id,
        "connected": session.connected,
        "exchange": "awaiting_answer" if session.awaiting_answer else None,
        "tracks": tracks,
    }


def _publication(session: Session, publication: Publication) -> Json:
    return {
        "mid": publication.mid,
        "location": "local",
        "kind": publication.kind,
        "track_name": publication.track_name,
        "source_session_id": None,
        "status": publication_status(session, publication),
    }


def _subscription(sessions: Sessions, session: Session, subscription: Subscription) -> Json:
    return {
        "mid": subscription.mid,
        "location": "remote",
        "kind": subscription.kind,
        "track_name": subscription.source.track_name,
        "source_session_id": subscription.source.session_id,
        "status": subscription_status(sessions, session, subscription),
    }
