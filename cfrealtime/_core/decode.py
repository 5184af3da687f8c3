"""What a response means: a value, or the one error that says what to do."""

from __future__ import annotations

import json
import math
import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final, TypeVar, cast

from cfrealtime._core.exchange import Document, Request, Response, UnreadableError
from cfrealtime.errors import (
    ApiError,
    AuthenticationError,
    BadRequestError,
    NotAcceptableError,
    NotConnectedError,
    NotFoundError,
    OutcomeUnknownError,
    RateLimitError,
    RealtimeError,
    ServerError,
    SessionGoneError,
    UnexpectedAnswerError,
)
from cfrealtime.models import CloseResult, TracksResult

T = TypeVar("T")

_BY_STATUS: Final[dict[int, type[ApiError]]] = {
    401: AuthenticationError,
    403: AuthenticationError,
    404: NotFoundError,
    406: NotAcceptableError,
    410: SessionGoneError,
    413: BadRequestError,
    425: NotConnectedError,
    429: RateLimitError,
}
# For an error under 200, and for 400, which says little: there the code decides. session_error is missing on
# purpose, as it means one thing with 410 and another with 425.
_BY_CODE: Final[dict[str, type[ApiError]]] = {
    "unauthorized": AuthenticationError,
    "not_found": NotFoundError,
    "decoding_error": BadRequestError,
    "invalid_params": BadRequestError,
    "payload_too_large": BadRequestError,
    "invalid_session_description": NotAcceptableError,
    "retryable_transient_error": ServerError,
    "temporarily_unavailable_error": ServerError,
    "transport_unavailable_error": ServerError,
    "backend_error": ServerError,
    "internal_error": ServerError,
}
_RAY: Final = re.compile(r"[A-Za-z0-9-]{1,64}")


def decode(request: Request[T], response: Response) -> T:
    """The value of a response, or its error raised."""
    document = _document(response.body)
    code = _text(document, "errorCode")
    if not 200 <= response.status < 300 or code is not None:
        raise _refusal(request, response, document, code)
    if document is None:
        raise _unreadable(request, response, "it is not a JSON object", None)
    try:
        return request.read(document)
    except UnreadableError as error:
        reason, partial = error.reason, error.partial
    # Raised out here, where no text of the answer hangs on it as a context.
    raise _unreadable(request, response, reason, partial)


def _refusal(
    request: Request[T], response: Response, document: Document | None, code: str | None
) -> RealtimeError:
    if response.status >= 500 and code is None and request.mutates:
        # An edge server lost touch with the service in mid-call, or the service did with itself.
        return _unreadable(request, response, "no error code came with it", None)
    error = _class_of(response.status, code)(
        status=response.status,
        code=code,
        operation=request.operation,
        session_id=request.session_id,
        description=_text(document, "errorDescription"),
        cf_ray=_ray(response),
        retry_after=_retry_after(response),
    )
    error.partial = _salvage(request, document)
    return error


def _class_of(status: int, code: str | None) -> type[ApiError]:
    if status >= 500:
        return ServerError
    if status in _BY_STATUS:
        return _BY_STATUS[status]
    named = _BY_CODE.get(code or "")
    return named or (BadRequestError if status == 400 else ApiError)


def _salvage(request: Request[T], document: Document | None) -> TracksResult | CloseResult | None:
    """The items that a refusal names all the same: a request can fail after part of its work was done."""
    if document is None or not document.get("tracks"):
        return None
    try:
        result = request.read(document)
    except UnreadableError as error:
        return error.partial
    return result if isinstance(result, (TracksResult, CloseResult)) else None


def _unreadable(
    request: Request[T], response: Response, reason: str, partial: TracksResult | CloseResult | None
) -> RealtimeError:
    kind = OutcomeUnknownError if request.mutates else UnexpectedAnswerError
    error = kind(
        f"of the answer with status {response.status}, {reason}",
        operation=request.operation,
        session_id=request.session_id,
        status=response.status,
        cf_ray=_ray(response),
    )
    error.partial = partial
    return error


def _document(body: bytes) -> Document | None:
    try:
        parsed: object = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return cast("Document", parsed) if isinstance(parsed, dict) else None


def _text(document: Document | None, key: str) -> str | None:
    value = None if document is None else document.get(key)
    return value if isinstance(value, str) and value else None


def _ray(response: Response) -> str | None:
    value = response.headers.get("cf-ray", "")
    return value if _RAY.fullmatch(value) else None


def _retry_after(response: Response) -> float | None:
    """Seconds from a Retry-After header; a date in it is held against the response's own Date."""
    value = response.headers.get("retry-after", "")
    try:
        seconds = float(value)
    except ValueError:
        until, now = _date(value), _date(response.headers.get("date", ""))
        seconds = math.nan if until is None or now is None else (until - now).total_seconds()
    return max(seconds, 0.0) if math.isfinite(seconds) else None


def _date(value: str) -> datetime | None:
    try:
        date = parsedate_to_datetime(value)
    except ValueError:
        return None
    return date if date.tzinfo is not None else date.replace(tzinfo=UTC)
