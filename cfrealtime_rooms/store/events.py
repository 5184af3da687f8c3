"""Events as documents, for a host that puts them on a queue, into a log or into a table."""

from __future__ import annotations

from typing import Final

from ..core.events import EVENT_NAMES, RoomEvent
from .conversion import TAG, converter
from .versions import DocumentError, Format, Version

EVENT: Final = Format("event", Version(1, 0), {})
"""Their shape is in tests/cfrealtime_rooms/store/shapes; another one needs another version."""

_EVENTS: Final = {name: cls for cls, name in EVENT_NAMES.items()}


class UnknownEventError(DocumentError):
    """An event of a kind that a newer version has added. Whoever can do without it skips it."""

    def __init__(self, name: str) -> None:
        super().__init__(f"an event of a kind that this code does not know: {name[:40]!r}")
        self.type = name


def dump_event(event: RoomEvent) -> bytes:
    """An event as one line of JSON in ASCII: `version`, `type`, and the fields of the event.

    It holds no secret, but whatever people said and what they are called.
    """
    return EVENT.write({TAG: EVENT_NAMES[type(event)], **converter.unstructure(event)})


def load_event(document: bytes | str) -> RoomEvent:
    """The event that `dump_event` wrote, in this version, an older one or a newer minor one.

    Raises `UnknownEventError` for a kind of event that this code does not know yet, and `DocumentError` for
    anything else that is not an event.
    """
    body = EVENT.read(document)
    name = body.get(TAG)
    if not isinstance(name, str):
        raise DocumentError("an event has a type")
    if name not in _EVENTS:
        raise UnknownEventError(name)
    try:
        return converter.structure(body, _EVENTS[name])
    except Exception as error:
        # No chaining: the converter's errors quote what they could not read.
        raise DocumentError(f"an event cannot be read ({type(error).__name__})") from None
