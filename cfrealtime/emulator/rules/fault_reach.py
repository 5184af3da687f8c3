"""What there is of every operation that a fault can be about: a session, items, fields of its answer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from cfrealtime.emulator.refusals import Json
from cfrealtime.emulator.routes import ROUTES

EVERY: Final = tuple(ROUTES)
OF_A_SESSION: Final = tuple(name for name, (_, path) in ROUTES.items() if "{session_id}" in path)
"""The operations whose path names a session."""
_ITEMS: Final = {
    "new_tracks": "tracks",
    "update_tracks": "tracks",
    "close_tracks": "tracks",
    "new_datachannels": "dataChannels",
    "update_datachannels": "dataChannels",
    "close_datachannels": "dataChannels",
    "new_websocket_adapters": "tracks",
    "close_websocket_adapters": "tracks",
}
OF_ITEMS: Final = tuple(_ITEMS)
"""The operations that name tracks or data channels, each of which can fail alone."""
_MORE: Final[Mapping[str, tuple[str, ...]]] = {
    "sessionId": ("new_session",),
    "sessionDescription": ("new_tracks", "close_tracks", "establish_datachannels"),
    "requiresImmediateRenegotiation": (
        *("new_tracks", "update_tracks", "close_tracks"),
        "establish_datachannels",
    ),
    "dataChannel": ("establish_datachannels",),
    "iceServers": ("generate_ice_servers",),
}
ANSWERED: Final[Mapping[str, tuple[str, ...]]] = {
    "item": OF_ITEMS,
    **{
        field: ("get_session", *(name for name, items in _ITEMS.items() if items == field))
        for field in ("tracks", "dataChannels")
    },
    **_MORE,
}
"""The fields of answers, and which operations have them; `item` is one entry of a list."""


def without(body: Json, field: str, item: int) -> Json:
    """An answer that lacks a field, or the item at a place; the same where it has none."""
    if field != "item":
        return {name: value for name, value in body.items() if name != field}
    items = {name: [*body[name][:item], *body[name][item + 1 :]] for name in _ITEMS.values() if name in body}
    return {**body, **items}
