"""Values of the core as JSON values and back: one converter for saved rooms and for events."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Set
from typing import Any, Final

from cattrs.preconf.json import make_converter
from cattrs.strategies import configure_tagged_union

from ..core import calls, phases
from ..core.state import TIMELINE_LENGTH

TAG: Final = "type"
"""The field that says which of several values it is."""

PHASE_NAMES: Final[Mapping[type[phases.Phase], str]] = {
    phases.Idle: "idle",
    phases.Calling: "calling",
    phases.AwaitingOffer: "awaiting_offer",
    phases.AwaitingApplied: "awaiting_applied",
    phases.AwaitingAnswer: "awaiting_answer",
    phases.Retired: "retired",
}
CALL_NAMES: Final[Mapping[type[calls.ApiCall], str]] = {
    calls.NewSession: "new_session",
    calls.Publish: "publish",
    calls.Subscribe: "subscribe",
    calls.Renegotiate: "renegotiate",
    calls.Update: "update",
    calls.Close: "close",
    calls.Look: "look",
}
UNIONS: Final[Mapping[Any, Mapping[type[Any], str]]] = {
    phases.Phase: PHASE_NAMES,
    calls.ApiCall: CALL_NAMES,
}
"""What is told apart by its tag. The names are part of the documents; those of the classes are not."""

converter: Final = make_converter(
    unstruct_collection_overrides={Set: sorted}
)  # equal values, equal documents


def _dump_call(call: calls.ApiCall | None) -> object:
    return None if call is None else converter.unstructure(call, unstructure_as=calls.ApiCall)


def _load_call(value: object, _: object) -> calls.ApiCall | None:
    return None if value is None else converter.structure(value, calls.ApiCall)  # type: ignore[arg-type]


def _load_timeline(value: Any, _: object) -> deque[tuple[float, str]]:  # noqa: ANN401 - any JSON
    return deque(((float(at), str(what)) for at, what in value), maxlen=TIMELINE_LENGTH)


def _is_timeline(hint: object) -> bool:
    return hint == deque[tuple[float, str]]


def _is_optional_call(hint: object) -> bool:
    return hint == (calls.ApiCall | None)


def _is_any_json(hint: object) -> bool:
    return hint is object


converter.register_structure_hook_func(_is_timeline, _load_timeline)
converter.register_unstructure_hook_func(_is_optional_call, _dump_call)
converter.register_structure_hook_func(_is_optional_call, _load_call)
converter.register_structure_hook_func(_is_any_json, lambda value, _: value)
for _union, _names in UNIONS.items():
    configure_tagged_union(_union, converter, tag_generator=_names.__getitem__, tag_name=TAG)
