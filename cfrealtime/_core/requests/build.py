"""What all requests are made with: the checks at the edge, and the way from generated code to a value."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Any, Final, Literal, TypeVar, cast

from cfrealtime._core.exchange import Document, Request, Safety
from cfrealtime._generated.models.session_description import SessionDescription as WireDescription
from cfrealtime.errors import InvalidRequestError
from cfrealtime.models.shared import SessionDescription

T = TypeVar("T")

TRACKS_PER_REQUEST: Final = 64


def request(
    operation: str,
    session_id: str | None,
    built: dict[str, Any],
    read: Callable[[Document], T],
    safety: Safety,
    *,
    answers_with: frozenset[int] = frozenset(),
) -> Request[T]:
    """The request value of what generated code has built."""
    body = built.get("json")
    query = cast("dict[str, object]", built.get("params", {}))
    return Request(
        operation=operation,
        method=str(built["method"]).upper(),
        path=str(built["url"]),
        read=read,
        safety=safety,
        session_id=session_id,
        query={key: _text(value) for key, value in query.items()},
        body=None if body is None else json.dumps(body, separators=(",", ":")).encode(),
        answers_with=answers_with,
    )


def invalid(call: str, session_id: str | None, problem: str) -> InvalidRequestError:
    """The error for arguments that cannot make a request."""
    about = call if session_id is None else f"{call} on session {session_id}"
    return InvalidRequestError(f"{about} was not sent: {problem}.", operation=call, session_id=session_id)


def name(call: str, session_id: str | None, what: str, value: str) -> str:
    """A string that is not empty."""
    # A caller without a type checker can pass anything, and null on the wire means something else.
    if not isinstance(value, str) or not value:  # pyright: ignore[reportUnnecessaryIsInstance]
        raise invalid(call, session_id, f"{what} must be a string that is not empty")
    return value


def entries_of(
    call: str, session_id: str | None, entries: Iterable[T], kind: type[T] | tuple[type[T], ...]
) -> list[T]:
    """The entries of a batch: at least one, all of the kind this call takes."""
    try:
        found = list(entries)
    except TypeError:
        raise invalid(call, session_id, "it takes a list, and was given one thing") from None
    if not found:
        raise invalid(call, session_id, "there is nothing to do in an empty list")
    if not all(isinstance(entry, kind) for entry in found):
        kinds = kind if isinstance(kind, tuple) else (kind,)
        names = " or ".join(one.__name__ for one in kinds)
        raise invalid(call, session_id, f"every entry must be a {names}")
    return found


def at_most_64(call: str, session_id: str, entries: list[T]) -> list[T]:
    """The entries, if one exchange can carry them."""
    if len(entries) > TRACKS_PER_REQUEST:
        raise invalid(
            call,
            session_id,
            f"{len(entries)} tracks, and one call takes {TRACKS_PER_REQUEST}: make several, each with its "
            "own offer/answer exchange; subscribe_all() of session.negotiate() does that for subscriptions",
        )
    return entries


def parts(entries: list[T], size: int = TRACKS_PER_REQUEST) -> Iterator[list[T]]:
    """The entries in pieces that one request can carry."""
    rest = iter(entries)
    while part := list(islice(rest, size)):
        yield part


def description(
    call: str, session_id: str, kind: Literal["offer", "answer"], given: str | SessionDescription
) -> WireDescription:
    """One side's description, if it is of the kind this call takes."""
    if not isinstance(given, (str, SessionDescription)):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise invalid(call, session_id, f"the {kind} is SDP text or a SessionDescription")
    described = SessionDescription(kind, given) if isinstance(given, str) else given
    if described.type != kind:
        raise invalid(call, session_id, f"it takes an {kind}, and was given an {described.type}")
    if not described.sdp.strip():
        raise invalid(call, session_id, f"the {kind} holds no SDP")
    return WireDescription(type_=kind, sdp=described.sdp)


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
