"""How saved rooms of older versions are brought up to date, one major version at a time.

Each function is pure and never changed again: it knows nothing of the classes of today.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from .versions import Body, Upgrade

_PHASES_OF_1: Final = {
    "Idle": "idle",
    "Calling": "calling",
    "AwaitingOffer": "awaiting_offer",
    "AwaitingApplied": "awaiting_applied",
    "AwaitingAnswer": "awaiting_answer",
    "Retired": "retired",
}
_CALLS_OF_1: Final = {
    "NewSession": "new_session",
    "Publish": "publish",
    "Subscribe": "subscribe",
    "Renegotiate": "renegotiate",
    "Update": "update",
    "Close": "close",
    "Look": "look",
}


def room_1_to_2(body: Body) -> Body:
    """Phases and calls are named, no longer by their classes; every phase calls its number `exchange`."""
    room = body["room"]
    for participant in room["participants"].values():
        lane = participant["lane"]
        lane["phase"] = _named(lane["phase"], _PHASES_OF_1)
        if "grant" in lane["phase"]:
            lane["phase"]["exchange"] = lane["phase"].pop("grant")
        if lane.get("repeat") is not None:
            lane["repeat"] = _named(lane["repeat"], _CALLS_OF_1)
    for operation in room["operations"].values():
        operation["call"] = _named(operation["call"], _CALLS_OF_1)
    return body


def _named(value: Body, names: Mapping[str, str]) -> Body:
    rest = {key: held for key, held in value.items() if key != "_type"}
    return {"type": names[value["_type"]], **rest}


ROOM_UPGRADES: Final[Mapping[int, Upgrade]] = {1: room_1_to_2}
