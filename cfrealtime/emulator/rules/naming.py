"""What a call is about: its tracks and data channels, whichever way it points at them."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

from attrs import frozen

from cfrealtime.emulator.state import Locator, Session


@frozen
class Item:
    """A track or data channel that an entry of a call means; one that means nothing known has no name."""

    name: str = ""
    publisher: str | None = None
    """The session whose it is."""

    @classmethod
    def of(cls, source: Locator) -> Item:
        """A publication."""
        return cls(source.track_name, source.session_id)


def track_on(session: Session, mid: str) -> Item:
    """The track on a mid: of one that goes both ways, what the endpoint sends."""
    if mid in session.publications:
        return Item(session.publications[mid].track_name, session.session_id)
    return Item.of(session.subscriptions[mid].source) if mid in session.subscriptions else Item()


def channel_under(session: Session, channel_id: int) -> Item:
    """The data channel with an id."""
    channel = session.channels.get(channel_id)
    if channel is None:
        return Item()
    return Item(channel.name, channel.source.session_id if channel.source else session.session_id)


def items_in(session: Session | None, body: object, adapter: Callable[[str], Item]) -> tuple[Item, ...]:
    """What each entry of a body of any shape means; one without a name is looked up by its mid or id."""
    fields = cast("dict[str, object]", body) if isinstance(body, dict) else {}
    items = fields.get("tracks", fields.get("dataChannels"))
    if not isinstance(items, list):
        return ()
    return tuple(_item(session, item, adapter) for item in cast("list[object]", items))


def _item(session: Session | None, value: object, adapter: Callable[[str], Item]) -> Item:
    item = cast("dict[str, object]", value) if isinstance(value, dict) else {}
    name = item.get("trackName") or item.get("dataChannelName")
    if isinstance(name, str) and name:
        own = session.session_id if session else None
        publisher = own if item.get("location") == "local" else item.get("sessionId")
        return Item(name, publisher if isinstance(publisher, str) else None)
    mid, channel_id, adapter_id = item.get("mid"), item.get("id"), item.get("adapterId")
    if isinstance(adapter_id, str):
        return adapter(adapter_id)
    if session is not None and isinstance(mid, str):
        return track_on(session, mid)
    return channel_under(session, channel_id) if session and isinstance(channel_id, int) else Item()
