"""The state as others see it: the API's session state, and the emulator's own page of everything."""

from __future__ import annotations

from collections.abc import Callable
from heapq import nlargest

from attrs import frozen

from cfrealtime.emulator.data_channels import DataChannel
from cfrealtime.emulator.media.plan import Carried, Traffic
from cfrealtime.emulator.refusals import Json
from cfrealtime.emulator.state import (
    Publication,
    Session,
    Sessions,
    Simulcast,
    Subscription,
    publication_status,
    subscription_status,
)

from .data_channels import located
from .data_transport import status as channel_status


def session_state(sessions: Sessions, session: Session) -> Json:
    """The answer of get_session (contract, GetSessionStateResponse)."""
    tracks: list[Json] = [
        {
            "location": "local",
            "mid": publication.mid,
            "trackName": publication.track_name,
            "kind": publication.kind,
            "status": publication_status(session, publication),
            **_both_ways(publication),
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
            **_both_ways(subscription),
        }
        if subscription.simulcast is not None:
            track["simulcast"] = _layers(subscription.simulcast)
        tracks.append(track)
    channels = [
        {**located(channel), "status": channel_status(sessions, session, channel)}
        for channel in session.channels.values()
    ]
    return {"tracks": tracks, "dataChannels": channels}


def _both_ways(track: Publication | Subscription) -> Json:
    return {"bidirectionalMediaStream": True} if track.both_ways else {}


def _layers(simulcast: Simulcast) -> Json:
    preferred = {} if simulcast.preferred_rid is None else {"preferredRid": simulcast.preferred_rid}
    return {
        **preferred,
        "priorityOrdering": simulcast.priority_ordering,
        "ridNotAvailable": simulcast.rid_not_available,
    }


@frozen
class Seen:
    """What the page of everything shows beside the state itself."""

    undelivered: Callable[[Session, Subscription], str | None]
    """The codec because of which nothing is forwarded to a subscription."""
    traffic: Callable[[str], Traffic]
    number: Callable[[str], int]
    """The how many-th session it is."""
    faults: Callable[[str], list[str]]
    """What holds for a session now, as lines of text."""


NOTHING_SEEN = Seen(lambda _, __: None, lambda _: Traffic(), lambda _: 0, lambda _: [])
"""For those who ask for the state alone, which costs a fraction."""


def everything(sessions: Sessions, seen: Seen, ended: int | None = None) -> Json:
    """All sessions and tracks, for /_emulator/state; of those that ended the last so many."""
    over = {s.session_id: s.ended_at for s in sessions.values() if s.ended_at is not None}
    last = over.keys() if ended is None else set(nlargest(ended, over, key=over.__getitem__))
    shown = [s for s in sessions.values() if s.ended_at is None or s.session_id in last]
    return {
        "sessions": [_session(sessions, session, seen) for session in shown],
        "sessions_ended": len(over),
    }


def _session(sessions: Sessions, session: Session, seen: Seen) -> Json:
    traffic = seen.traffic(session.session_id)
    tracks = [
        {**_publication(session, publication), **_carried(traffic.received.get(publication.mid))}
        for publication in session.publications.values()
    ]
    for subscription in session.subscriptions.values():
        track = _subscription(sessions, session, subscription)
        codec = {"undelivered_codec": seen.undelivered(session, subscription)}
        tracks.append({**track, **codec, **_carried(traffic.sent.get(subscription.mid))})
    return {
        "session_id": session.session_id,
        "number": seen.number(session.session_id),
        "app_id": session.app_id,
        "third_party": session.third_party,
        "correlation_id": session.correlation_id,
        "adapter_id": session.adapter_id,
        "connected": session.connected,
        "lost": session.lost_at is not None and session.ended_at is None,
        "ended_because": session.ended_because or None,
        "exchange": "awaiting_answer" if session.awaiting_answer else None,
        "faults": seen.faults(session.session_id),
        "tracks": tracks,
        "data_channels": [
            {**_channel(sessions, session, channel), **_told(traffic.channels.get(channel.id))}
            for channel in session.channels.values()
        ],
    }


def _carried(carried: Carried | None) -> Json:
    """What a section has carried; null where nobody counts, because packets are pretended."""
    return {"packets": carried and carried.packets, "bytes": carried and carried.bytes}


def _told(carried: Carried | None) -> Json:
    """What a data channel has carried; null once it is closed."""
    return {"messages": carried and carried.packets, "bytes": carried and carried.bytes}


def _publication(session: Session, publication: Publication) -> Json:
    return {
        "mid": publication.mid,
        "location": "local",
        "kind": publication.kind,
        "track_name": publication.track_name,
        "source_session_id": None,
        "both_ways": publication.both_ways,
        "status": publication_status(session, publication),
    }


def _subscription(sessions: Sessions, session: Session, subscription: Subscription) -> Json:
    return {
        "mid": subscription.mid,
        "location": "remote",
        "kind": subscription.kind,
        "track_name": subscription.source.track_name,
        "source_session_id": subscription.source.session_id,
        "both_ways": subscription.both_ways,
        "status": subscription_status(sessions, session, subscription),
    }


def _channel(sessions: Sessions, session: Session, channel: DataChannel) -> Json:
    return {
        "id": channel.id,
        "location": "local" if channel.published else "remote",
        "name": channel.name,
        "source_session_id": channel.source.session_id if channel.source else None,
        "reply_session_id": channel.reply_from.session_id if channel.reply_from else None,
        "status": channel_status(sessions, session, channel),
    }
