"""From an answer's JSON straight into models, by cattrs.

Nothing is guessed: a string stays a string or the answer is unreadable. `null` and an empty string mean that
a field is absent, which is how the service leaves out a mid it did not allocate.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from types import NoneType
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast, get_args, get_origin

from attrs import Attribute, AttrsInstance, fields, has, resolve_types

from cfrealtime._core.exchange import UnreadableError
from cfrealtime.models.shared import ItemError, SessionDescription, wire_name

if TYPE_CHECKING:
    from cattrs import Converter

T = TypeVar("T")
Hook = Callable[[Any, Any], Any]

_ABSENT: Final = (None, "")
_ERROR_KEYS: Final = frozenset({"errorCode", "errorDescription"})


def structure(document: object, model: type[T]) -> T:
    """A model from a JSON value, or UnreadableError."""
    try:
        return _converter().structure(document, model)
    except UnreadableError:
        raise
    except Exception:
        # Whatever cattrs raises says the same. Its text can quote the answer, so it goes no further.
        reason = f"it does not hold a {model.__name__}"
    raise UnreadableError(reason)


@cache
def _converter() -> Converter:
    # Imported with the first answer: cattrs takes as long to import as httpx does.
    from cattrs import Converter

    converter = Converter(detailed_validation=False)

    def for_model(model: type[AttrsInstance]) -> Hook:
        return _model_hook(converter, model)

    def for_tuple(kind: type) -> Hook:
        return _tuple_hook(converter, kind)

    converter.register_structure_hook_factory(has, for_model)
    converter.register_structure_hook_factory(_is_tuple, for_tuple)
    converter.register_structure_hook(str, _scalar)
    converter.register_structure_hook(bool, _scalar)
    converter.register_structure_hook(int, _integer)
    converter.register_structure_hook(SessionDescription, _description)
    return converter


def _scalar(value: object, kind: type) -> object:
    if type(value) is not kind:
        raise UnreadableError(f"a {type(value).__name__} stands where a {kind.__name__} belongs")
    return value


def _integer(value: object, _: type) -> int:
    # The published schema says "number" for ids that are whole.
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return cast("int", _scalar(value, int))


def _description(value: object, _: type) -> SessionDescription:
    document = _object(value)
    kind, sdp = document.get("type"), document.get("sdp")
    if not isinstance(sdp, str) or not sdp:
        raise UnreadableError("its session description holds no SDP")
    if kind == "offer":
        return SessionDescription.offer(sdp)
    if kind == "answer":
        return SessionDescription.answer(sdp)
    raise UnreadableError("its session description is neither an offer nor an answer")


def _is_tuple(kind: object) -> bool:
    return get_origin(kind) is tuple


def _tuple_hook(converter: Converter, kind: type) -> Hook:
    item = get_args(kind)[0]
    read = converter.get_structure_hook(item)

    def hook(value: object, _: object) -> tuple[object, ...]:
        if not isinstance(value, list):
            raise UnreadableError(f"a {type(value).__name__} stands where a list belongs")
        return tuple(read(entry, item) for entry in cast("list[object]", value))

    return hook


def _model_hook(converter: Converter, model: type[AttrsInstance]) -> Hook:
    # A loop over what is there, not over what could be: an answer for 64 tracks is read at once.
    resolve_types(model)
    attributes = {attribute.name: attribute for attribute in fields(model)}
    keeps_extra = attributes.pop("extra", None) is not None
    error = attributes.pop("error", None)
    read_error = None if error is None else converter.get_structure_hook(_present(error.type))
    known = {wire_name(each): (each.name, *_reader(converter, each)) for each in attributes.values()}

    def hook(value: object, _: object) -> object:
        document = _object(value)
        values: dict[str, Any] = {}
        extra: dict[str, object] = {}
        for key, entry in document.items():
            if entry is None or entry == "":
                continue
            if key in known:
                name, read, kind = known[key]
                values[name] = read(entry, kind)
            elif key not in _ERROR_KEYS:
                extra[key] = entry
        if read_error is not None and document.get("errorCode") not in _ABSENT:
            # On the wire an item's error is flat, beside the item's own fields.
            values["error"] = read_error(document, ItemError)
        if keeps_extra:
            values["extra"] = extra
        return model(**values)

    return hook


def _reader(converter: Converter, attribute: Attribute[Any]) -> tuple[Hook, Any]:
    kind = _present(attribute.type)
    return converter.get_structure_hook(kind), kind


def _present(kind: Any) -> Any:  # noqa: ANN401 - a type, or what typing makes of two
    """What an attribute holds where it is not left out."""
    kinds = [each for each in get_args(kind) if each is not NoneType]
    return kinds[0] if len(kinds) == 1 and get_origin(kind) is not tuple else kind


def _object(value: object) -> dict[str, object]:
    if not isinstance(value, dict):
        raise UnreadableError(f"a {type(value).__name__} stands where an object belongs")
    return cast("dict[str, object]", value)
