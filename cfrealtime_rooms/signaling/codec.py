"""Text to commands, notices to text. Whatever a client sends ends in a command or a `ProtocolError`."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeGuard, cast, get_args, get_origin

from attrs import fields, has
from cattrs import BaseValidationError, Converter, transform_error
from cattrs.gen import make_dict_structure_fn, make_dict_unstructure_fn, override

from ..core.commands import COMMAND_NAMES, Answer, Command, Join, Offer, Resume
from ..core.notices import NOTICE_NAMES, ClientLimits, Notice

COMMANDS: Final[Mapping[str, type[Command]]] = {name: cls for cls, name in COMMAND_NAMES.items()}


class ProtocolError(Exception):
    """A client's text is no message of this protocol; `code` and the sentence may be sent back to it."""

    def __init__(self, code: str, message: str, in_reply_to: str | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.in_reply_to = in_reply_to


def decode(text: str, limits: ClientLimits) -> Command:
    """One message of a client's. Its size is checked before it is parsed.

    Raises `ProtocolError` with `too_large` or `bad_message`.
    """
    if not isinstance(text, str):  # pyright: ignore[reportUnnecessaryIsInstance] - hosts make mistakes
        raise ProtocolError("bad_message", "A message is a text, not bytes.")
    if len(text) > limits.message_bytes + limits.sdp_bytes:
        raise ProtocolError(
            "too_large", f"A message has at most {limits.message_bytes} bytes beside its SDP."
        )
    document = _parse(text)
    name = document.get("type")
    cls = COMMANDS.get(name) if isinstance(name, str) else None
    if cls is None:
        raise ProtocolError("bad_message", "The message has no type that this protocol knows.")
    try:
        command: Command = _converter.structure(document, cls)
    except (BaseValidationError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise ProtocolError("bad_message", _explain(error), COMMAND_NAMES[cls]) from None
    _check_size(text, command, limits)
    return command


def encode(notice: Notice) -> str:
    """A notice as one line of ASCII JSON."""
    body = _converter.unstructure(notice)
    return json.dumps({"type": NOTICE_NAMES[type(notice)], **body}, separators=(",", ":"))


def _parse(text: str) -> dict[str, object]:
    try:
        document = json.loads(text, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise ProtocolError("bad_message", "The message is not JSON.") from None
    if not isinstance(document, dict):
        raise ProtocolError("bad_message", "A message is a JSON object with a type.")
    return cast("dict[str, object]", document)


def _no_constant(name: str) -> None:
    raise ValueError(name)


def _check_size(text: str, command: Command, limits: ClientLimits) -> None:
    """The SDP has a bound of its own; what is beside it has the message's."""
    sdp = command.offer if isinstance(command, Join | Resume) else None
    if isinstance(command, Offer | Answer):
        sdp = command.sdp
    name = COMMAND_NAMES[type(command)]
    size = len(sdp.encode("utf-8", "replace")) if sdp is not None else 0
    if size > limits.sdp_bytes:
        raise ProtocolError("too_large", f"An SDP has at most {limits.sdp_bytes} bytes.", name)
    beside = len(text.encode("utf-8", "replace")) - (len(json.dumps(sdp)) if sdp is not None else 0)
    if beside > limits.message_bytes:
        message = f"A message has at most {limits.message_bytes} bytes beside its SDP."
        raise ProtocolError("too_large", message, name)


def _explain(error: Exception) -> str:
    """Which field is wrong, without repeating what was in it."""
    lines = transform_error(error, format_exception=_reason) if isinstance(error, BaseValidationError) else []
    faults = [line.split(" @ $.") for line in lines[:3]]
    sentence = "; ".join(f"{where} {what}" for what, *rest in faults for where in rest)
    return f"{sentence}." if sentence else "The message's fields are wrong."


def _reason(error: BaseException, _type: type | None) -> str:
    if isinstance(error, KeyError):
        return "is missing"
    if isinstance(error, _WrongTypeError):
        return str(error)
    return "has a value that is not allowed"


class _WrongTypeError(TypeError):
    """A JSON value of another type than the field's."""


def _strict(expected: type | tuple[type, ...], says: str) -> Callable[[Any, Any], Any]:
    def check(value: Any, _: Any) -> Any:  # noqa: ANN401 - cattrs hooks take and give anything
        wrong_bool = isinstance(value, bool) and expected is not bool
        if wrong_bool or not isinstance(value, expected):
            raise _WrongTypeError(f"must be {says}")
        return value

    return check


def _strict_object(cls: type[Any]) -> Callable[[Any, Any], Any]:
    structure = make_dict_structure_fn(cls, _converter)

    def check(value: Any, to: Any) -> Any:  # noqa: ANN401
        if not isinstance(value, dict):
            raise _WrongTypeError("must be an object")
        return structure(cast("dict[str, Any]", value), to)

    return check


def _is_list(value: object) -> TypeGuard[list[Any]]:
    return isinstance(value, list)


def _strict_tuple(tuple_of: Any) -> Callable[[Any, Any], Any]:  # noqa: ANN401
    (item, *_) = get_args(tuple_of)

    def check(value: Any, _: Any) -> Any:  # noqa: ANN401
        if not _is_list(value):
            raise _WrongTypeError("must be a list")
        return tuple(_converter.structure(one, item) for one in value)

    return check


def _strict_mapping(mapping_of: Any) -> Callable[[Any, Any], Any]:  # noqa: ANN401
    _, of = get_args(mapping_of)

    def check(value: Any, _: Any) -> Any:  # noqa: ANN401
        if not isinstance(value, dict):
            raise _WrongTypeError("must be an object")
        return {k: _converter.structure(v, of) for k, v in cast("dict[str, Any]", value).items()}

    return check


def _without_nothing(cls: type[Any]) -> Callable[[Any], dict[str, Any]]:
    """Leave out what is None by default: absent and null mean the same."""
    omitted = {a.name: override(omit_if_default=True) for a in fields(cls) if a.default is None}
    return make_dict_unstructure_fn(cls, _converter, **omitted)  # type: ignore[arg-type]  # kwargs are overrides


def _is_any_json(hint: object) -> bool:
    return hint is object


def _as_it_is(value: object, _: object) -> object:
    return value


def _is_tuple(hint: object) -> bool:
    return _origin(hint) is tuple


def _is_mapping(hint: object) -> bool:
    return _origin(hint) is Mapping


def _origin(hint: object) -> object:
    return get_origin(hint)


_converter = Converter()
_converter.register_structure_hook(str, _strict(str, "a string"))
_converter.register_structure_hook(bool, _strict(bool, "true or false"))
_converter.register_structure_hook(int, _strict(int, "a whole number"))
_converter.register_structure_hook(float, _strict((int, float), "a number"))
_converter.register_structure_hook_factory(has, _strict_object)
_converter.register_structure_hook_func(_is_any_json, _as_it_is)
_converter.register_structure_hook_factory(_is_tuple, _strict_tuple)
_converter.register_structure_hook_factory(_is_mapping, _strict_mapping)
_converter.register_unstructure_hook_factory(has, _without_nothing)
