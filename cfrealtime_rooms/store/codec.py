"""A room's state as a document, with a version, and what a next owner reads out of it."""

from __future__ import annotations

import json
from collections import deque
from typing import Any

from cattrs.preconf.json import make_converter
from cattrs.strategies import configure_tagged_union

from ..core.calls import ApiCall
from ..core.inputs import AdoptDebt
from ..core.ledger import held_mids
from ..core.phases import Phase
from ..core.state import TIMELINE_LENGTH, Room
from .contract import Intent, StoreError

VERSION = 1


def dump(room: Room) -> bytes:
    """The whole state. It holds SDP of open exchanges and tokens: keep it like a secret."""
    document = {"version": VERSION, "room": _converter.unstructure(room)}
    return json.dumps(document, separators=(",", ":")).encode()


def load(document: bytes) -> Room:
    """The state that `dump` wrote. Raises `StoreError` for anything else."""
    try:
        parsed = json.loads(document)
        version = parsed["version"]
        if version == VERSION:
            return _converter.structure(parsed["room"], Room)
    except Exception as error:
        # No chaining: the converter's errors quote what they could not read.
        raise StoreError(f"a saved room cannot be read ({type(error).__name__})") from None
    raise StoreError(f"a room was saved in version {version!r:.20}; this code reads {VERSION}")


def left_behind(room: Room | None, intents: tuple[Intent, ...]) -> list[AdoptDebt]:
    """What an earlier owner may have left at the SFU: its sessions, its debts, its open calls."""
    uncertain = {intent.session_id for intent in intents if intent.session_id}
    known: dict[str, set[str] | None] = {}
    if room is not None:
        for participant in room.participants.values():
            if participant.lane.session_id is not None:
                known[participant.lane.session_id] = held_mids(participant)
        known |= {debt.session_id: debt.mids for debt in room.debts.values()}
    sessions = sorted(known.keys() | uncertain)
    return [
        AdoptDebt(s, None if s in uncertain or (mids := known[s]) is None else tuple(sorted(mids)))
        for s in sessions
    ]


def _dump_call(call: ApiCall | None) -> object:
    return None if call is None else _converter.unstructure(call, unstructure_as=ApiCall)


def _load_call(value: object, _: object) -> ApiCall | None:
    return None if value is None else _converter.structure(value, ApiCall)  # type: ignore[arg-type]


def _load_timeline(value: Any, _: object) -> deque[tuple[float, str]]:  # noqa: ANN401 - any JSON
    return deque(((float(at), str(what)) for at, what in value), maxlen=TIMELINE_LENGTH)


def _is_timeline(hint: object) -> bool:
    return hint == deque[tuple[float, str]]


def _is_optional_call(hint: object) -> bool:
    return hint == (ApiCall | None)


_converter = make_converter()
configure_tagged_union(Phase, _converter)
configure_tagged_union(ApiCall, _converter)
_converter.register_structure_hook_func(_is_timeline, _load_timeline)
_converter.register_unstructure_hook_func(_is_optional_call, _dump_call)
_converter.register_structure_hook_func(_is_optional_call, _load_call)
