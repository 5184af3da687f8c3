"""What happened to a session that nobody called for: told by what it was and what it has become."""

from __future__ import annotations

from collections.abc import Iterator

from attrs import frozen

from cfrealtime.emulator.refusals import Json
from cfrealtime.emulator.state import Session


@frozen
class Event:
    """Something that happened to a session or an adapter, or was done to them."""

    kind: str
    session_id: str | None
    detail: str = ""

    def view(self) -> Json:
        """The event as JSON."""
        return {"event": self.kind, "session_id": self.session_id, "detail": self.detail}


def happened(before: Session, after: Session) -> Iterator[Event]:
    """The events between two states of a session."""
    session_id = after.session_id
    if before.connected_at is None and after.connected_at is not None:
        yield Event("session_connected", session_id)
    elif before.lost_at is not None and after.lost_at is None and after.ended_at is None:
        yield Event("connection_recovered", session_id)
    if before.lost_at is None and after.lost_at is not None:
        yield Event("connection_lost", session_id)
    if before.ended_at is None and after.ended_at is not None:
        yield Event("session_ended", session_id, after.ended_because)
    if before.publications is not after.publications:
        for mid, publication in after.publications.items():
            known = before.publications.get(mid)
            if publication.ended == "collected" and known is not None and known.ended is None:
                yield Event("track_collected", session_id, publication.track_name)
    if before.channels is not after.channels:
        for channel_id, channel in after.channels.items():
            old = before.channels.get(channel_id)
            if channel.ended not in (None, "closed") and old is not None and old.ended is None:
                yield Event("channel_ended", session_id, f"{channel.name}: {channel.ended}")
