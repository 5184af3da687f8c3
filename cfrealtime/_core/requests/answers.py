"""What the document of a successful answer means, operation by operation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, TypeAlias, TypeVar

from attrs import evolve

from cfrealtime._core.codec import structure
from cfrealtime._core.exchange import Document, UnreadableError
from cfrealtime._core.ids import is_identifier
from cfrealtime.models.sessions import SessionState
from cfrealtime.models.shared import SessionDescription
from cfrealtime.models.tracks import CloseResult, TracksResult

T = TypeVar("T")

Reader: TypeAlias = Callable[[Document], T]
Kind = Literal["offer", "answer"]


def created_session(document: Document) -> str:
    """The id of a new session."""
    identity = document.get("sessionId")
    if not isinstance(identity, str) or not is_identifier(identity):
        raise UnreadableError("it holds no session id")
    return identity


def session_state(document: Document) -> SessionState:
    """A session's tracks and data channels; lists that are left out are empty."""
    return structure(document, SessionState)


def renegotiated(document: Document) -> SessionDescription | None:
    """The description that came back with an accepted answer: none, as a rule."""
    return description_in(document)


def published(document: Document) -> TracksResult:
    """The results of a publish: with successes there is an answer to apply."""
    return _negotiated(document, "answer")


def subscribed(document: Document) -> TracksResult:
    """The results of a subscription: with successes there is an offer to answer."""
    return _negotiated(document, "offer")


def subscribed_in_place(document: Document) -> TracksResult:
    """The results of a subscription onto existing media sections, which may need no exchange."""
    return _negotiated(document, "offer", required=False)


def updated(document: Document) -> TracksResult:
    """The results of an update, which has no exchange."""
    return _tracks(document)


def closed(document: Document) -> CloseResult:
    """The results of a forced close, which has no exchange."""
    return _closes(document)


def closed_with_offer(document: Document) -> CloseResult:
    """The results of a close with an offer: with successes there is an answer to apply."""
    result = _closes(document)
    try:
        result = evolve(result, description=description_in(document))
        expect("answer", result.description, required=any(item.error is None for item in result.items))
    except UnreadableError as error:
        raise UnreadableError(error.reason, partial=result) from None
    return result


def _negotiated(document: Document, kind: Kind, *, required: bool = True) -> TracksResult:
    result = _tracks(document)
    try:
        result = evolve(result, description=description_in(document))
        expect(kind, result.description, required=required and bool(result.ok))
    except UnreadableError as error:
        # Its items are known, and what they name is allocated: they travel with the error.
        raise UnreadableError(error.reason, partial=result) from None
    return result


def expect(kind: Kind, description: SessionDescription | None, *, required: bool) -> None:
    """Refuse an answer without the description it must hold, or with the wrong one."""
    if description is None and required:
        raise UnreadableError(f"it names successes but lacks its {kind}")
    if description is not None and description.type != kind:
        raise UnreadableError(f"it holds an {description.type} where an {kind} belongs")


def items_of(document: Document, key: str) -> Document:
    """The document without its description, which is read on its own, if it lists what it must."""
    if not isinstance(document.get(key), list):
        raise UnreadableError(f"it lists no {key}")
    return {name: value for name, value in document.items() if name != "sessionDescription"}


def description_in(document: Document) -> SessionDescription | None:
    """The description in a document, if there is one."""
    given = document.get("sessionDescription")
    # Nothing, null, {} and empty strings inside are the ways in which encoders write "none".
    if given in (None, {}, {"sdp": ""}, {"sdp": "", "type": ""}):
        return None
    return structure(given, SessionDescription)


def _tracks(document: Document) -> TracksResult:
    return structure(items_of(document, "tracks"), TracksResult)


def _closes(document: Document) -> CloseResult:
    return structure(items_of(document, "tracks"), CloseResult)
