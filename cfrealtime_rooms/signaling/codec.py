"""Text to commands, notices to text. Whatever a client sends ends in a command or a `ProtocolError`."""

from __future__ import annotations

import json
import math
import re
from typing import Any, Final, cast

from attrs import fields, has
from cattrs import Converter
from cattrs.gen import make_dict_unstructure_fn, override

from ..core.commands import COMMAND_NAMES, Answer, Command, Join, Offer, Resume, SendMessage
from ..core.notices import NOTICE_NAMES, ClientLimits, Notice
from .reading import WrongValueError, reader

DEPTH: Final = 32
"""Levels of lists and objects in a message's `data`."""

_READERS: Final = {name: reader(cls) for cls, name in COMMAND_NAMES.items()}
_SURROGATE: Final = re.compile(r"\\u[dD][89a-fA-F]")


class ProtocolError(Exception):
    """A client's text is no message of this protocol; `code` and the sentence may be sent back to it."""

    def __init__(self, code: str, message: str, in_reply_to: str | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.in_reply_to = in_reply_to


def decode(text: str, limits: ClientLimits) -> Command:
    """One message of a client's. Its size is checked before it is parsed; unknown fields are ignored.

    Raises `ProtocolError` with `too_large` or `bad_message`.
    """
    if not isinstance(text, str):  # pyright: ignore[reportUnnecessaryIsInstance] - hosts make mistakes
        raise ProtocolError("bad_message", "A message is a text, not bytes.")
    # A line of SDP ends in two characters, which JSON writes as four.
    if len(text) > limits.message_bytes + 2 * limits.sdp_bytes:
        raise _too_large(limits, None)
    document = _parse(text)
    name = document.get("type")
    if not isinstance(name, str) or name not in _READERS:
        raise ProtocolError("bad_message", "The message has no type that this protocol knows.")
    try:
        command: Command = _READERS[name](document, "")
    except WrongValueError as error:
        raise ProtocolError("bad_message", f"In {name}: {error}.", name) from None
    _check_size(text, document, command, limits)
    if isinstance(command, SendMessage) and not _flat_enough(command.data):
        raise ProtocolError("bad_message", f"In {name}: data has more than {DEPTH} levels.", name)
    return command


def encode(notice: Notice) -> str:
    """A notice as one line of ASCII JSON."""
    body = _converter.unstructure(notice)
    return json.dumps({"type": NOTICE_NAMES[type(notice)], **body}, separators=(",", ":"))


def _parse(text: str) -> dict[str, object]:
    try:
        text.encode()  # half a character is no text, …
        document = json.loads(text, parse_constant=_no_constant, parse_float=_finite)
        if _SURROGATE.search(text):
            json.dumps(document, ensure_ascii=False).encode()  # … neither when escaped
    except (ValueError, RecursionError):
        raise ProtocolError("bad_message", "The message is not JSON.") from None
    if not isinstance(document, dict):
        raise ProtocolError("bad_message", "A message is a JSON object with a type.")
    return cast("dict[str, object]", document)


def _no_constant(name: str) -> None:
    raise ValueError(name)


def _finite(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise ValueError("too large a number")
    return number


def _check_size(text: str, document: dict[str, object], command: Command, limits: ClientLimits) -> None:
    """The SDP has a bound of its own; what is beside it has the message's."""
    sdp = command.offer if isinstance(command, Join | Resume) else None
    if isinstance(command, Offer | Answer):
        sdp = command.sdp
    name = COMMAND_NAMES[type(command)]
    if sdp is not None and len(sdp.encode()) > limits.sdp_bytes:
        raise ProtocolError("too_large", f"An SDP has at most {limits.sdp_bytes} bytes.", name)
    if len(text) <= limits.message_bytes and len(text.encode()) <= limits.message_bytes:
        return
    if sdp is not None:
        text = json.dumps({k: v for k, v in document.items() if v is not sdp}, ensure_ascii=False)
    if len(text.encode()) > limits.message_bytes:
        raise _too_large(limits, name)


def _too_large(limits: ClientLimits, name: str | None) -> ProtocolError:
    return ProtocolError(
        "too_large", f"A message has at most {limits.message_bytes} bytes beside its SDP.", name
    )


def _flat_enough(value: object) -> bool:
    """Whether a JSON value can be written again without going too deep."""
    level = [value]
    for _ in range(DEPTH + 1):
        inner: list[object] = []
        for one in level:
            if isinstance(one, dict):
                inner += cast("dict[str, object]", one).values()
            elif isinstance(one, list):
                inner += cast("list[object]", one)
        if not inner:
            return True
        level = inner
    return False


def _without_nothing(cls: type[Any]) -> Any:  # noqa: ANN401 - a hook of cattrs
    """Leave out what is None by default: absent and null mean the same."""
    omitted = {a.name: override(omit_if_default=True) for a in fields(cls) if a.default is None}
    return make_dict_unstructure_fn(cls, _converter, **omitted)  # type: ignore[arg-type]  # kwargs are overrides


_converter = Converter()
_converter.register_unstructure_hook_factory(has, _without_nothing)
