"""A room's state as a document, with a version, and what a next owner reads out of it."""

from __future__ import annotations

import json
from typing import Any

from cattrs.preconf.json import make_converter
from cattrs.strategies import configure_tagged_union

from ..core.calls import ApiCall
from ..core.inputs import AdoptDebt
from ..core.ledger import held_mids
from ..core.state import Phase, Room
from .contract import Intent, StoreError

VERSION = 1


def dump(room: Room) -> bytes:
    """The whole state. It holds SDP of open exchanges and tokens: keep it like a secret."""
    return json.dumps({"version": VERSION, "room": _converter.unstructure(room)}).encode()


def load(document: bytes) -> Room:
    """The state that `dump` wrote. Raises `StoreError` for a version this code does not know."""
    parsed: dict[str, Any] = json.loads(document)
    if parsed.get("version") != VERSION:
        raise StoreError(f"a room was saved in version {parsed.get('version')!r}; this code reads {VERSION}")
    return _converter.structure(parsed["room"], Room)


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


def _is_optional_call(hint: object) -> bool:
    return hint == (ApiCall | None)


_converter = make_converter()
configure_tagged_union(Phase, _converter)
configure_tagged_union(ApiCall, _converter)
_converter.register_unstructure_hook_func(_is_optional_call, _dump_call)
_converter.register_structure_hook_func(_is_optional_call, _load_call)
