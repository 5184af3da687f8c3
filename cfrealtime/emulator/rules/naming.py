"""What a call is about: the names of its tracks and data channels, whichever way it points at them."""

from __future__ import annotations

from typing import cast

from cfrealtime.emulator.state import Session


def track_on(session: Session, mid: str) -> str | None:
    """The name of the track on a mid: of one that goes both ways, what the endpoint sends."""
    if mid in session.publications:
        return session.publications[mid].track_name
    return session.subscriptions[mid].source.track_name if mid in session.subscriptions else None


def channel_under(session: Session, channel_id: int) -> str | None:
    """The name of a data channel."""
    return session.channels[channel_id].name if channel_id in session.channels else None


def names_in(session: Session | None, body: object) -> tuple[str, ...]:
    """The names in a body of any shape; what has none is looked up in its session."""
    fields = cast("dict[str, object]", body) if isinstance(body, dict) else {}
    items = fields.get("tracks", fields.get("dataChannels"))
    if not isinstance(items, list):
        return ()
    found = (_name(session, item) for item in cast("list[object]", items))
    return tuple(name for name in found if isinstance(name, str))


def _name(session: Session | None, value: object) -> object:
    item = cast("dict[str, object]", value) if isinstance(value, dict) else {}
    name = item.get("trackName") or item.get("dataChannelName")
    if name or session is None:
        return name
    mid, channel_id = item.get("mid"), item.get("id")
    if isinstance(mid, str):
        return track_on(session, mid)
    return channel_under(session, channel_id) if isinstance(channel_id, int) else None
