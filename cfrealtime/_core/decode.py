"""What a response means: a value, or the one error that says what to do."""

from __future__ import annotations

import json
import math
import re
from datetime import UTC, datetime
from typing import Any, Final, TypeVar, cast

from cfrealtime._core.exchange import Document, Lost, Request, Response, Safety, UnreadableError
from cfrealtime.errors import (
    ApiError,
    AuthenticationError,
    BadRequestError,
    NotAcceptableError,
    NotConnectedError,
    NotFoundError,
    NotSentError,
    OutcomeUnknownError,
    RateLimitError,
    RealtimeError,
    ServerError,
    SessionGoneError,
    UnexpectedAnswerError,
)
from cfrealtime.models.shared import ResultOfItems

T = TypeVar("T")

NO_CONTENT: Final = 204
BAD_REQUEST: Final = 400
NOT_ACCEPTABLE: Final = 406

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
# Under 200, 400 and 406, which say little, the code decides. session_error is missing
# on purpose, as it means one thing with 410 and another with 425.
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


def interpret(request: Request[T], outcome: Response | Lost) -> T | RealtimeError:
    """The value of a response, or the error to raise.

    The error is given back and not raised here, so that no text of the answer hangs on it as a context.
    """
    if isinstance(outcome, Lost):
        kind = OutcomeUnknownError if outcome.left else NotSentError
        return kind(outcome.reason, operation=request.operation, session_id=request.session_id)
    document = _document(outcome)
    code = _text(document, "errorCode")
    if not _is_answer(request, outcome.status, document, code):
        return _refusal(request, outcome, document, code)
    if document is None:
        return _unreadable(request, outcome, "it is not a JSON object", None)
    try:
        return request.read(document)
    except UnreadableError as error:
        return _unreadable(request, outcome, error.reason, error.partial)


def _is_answer(request: Request[Any], status: int, document: Document | None, code: str | None) -> bool:
    if 200 <= status < 300:
        return code is None
    # Adapters answer 503 when every item failed, and list them: those are results.
    return status in request.answers_with and document is not None and bool(document.get("tracks"))


def _refusal(
    request: Request[T], response: Response, document: Document | None, code: str | None
) -> RealtimeError:
    if response.status >= 500 and code is None and request.safety is not Safety.READ:
        # An edge server lost touch with the service in mid-call, or the service did with itself.
        return _unreadable(request, response, "no error code came with it", None)
    error = _class_of(response.status, code)(
        status=response.status,
        code=code,
        operation=request.operation,
        session_id=request.session_id,
        description=_text(document, "errorDescription"),
        cf_ray=cf_ray(response),
        retry_after=_retry_after(response),
    )
    error.partial = _salvage(request, document)
    return error


def _class_of(status: int, code: str | None) -> type[ApiError]:
    if status >= 500:
        return ServerError
    named = _BY_CODE.get(code or "")
    if named is not None and (status not in _BY_STATUS or status == NOT_ACCEPTABLE):
        return named
    return BadRequestError if status == BAD_REQUEST else _BY_STATUS.get(status, ApiError)


def _salvage(request: Request[T], document: Document | None) -> ResultOfItems | None:
    """The items that a refusal names all the same: a request can fail after part of its work was done."""
    if document is None or not (document.get("tracks") or document.get("dataChannels")):
        return None
    try:
        result = request.read(document)
    except UnreadableError as error:
        return error.partial
    return result if isinstance(result, ResultOfItems) else None


def _unreadable(
    request: Request[T], response: Response, reason: str, partial: ResultOfItems | None
) -> RealtimeError:
    kind = UnexpectedAnswerError if request.safety is Safety.READ else OutcomeUnknownError
    error = kind(
        f"of the answer with status {response.status}, {reason}",
        operation=request.operation,
        session_id=request.session_id,
        status=response.status,
        cf_ray=cf_ray(response),
    )
    error.partial = partial
    return error


def _document(response: Response) -> Document | None:
    if response.status == NO_CONTENT:
        return {}
    try:
        parsed: object = json.loads(response.body)
    except (ValueError, RecursionError):
        return None
    return cast("Document", parsed) if isinstance(parsed, dict) else None


def _text(document: Document | None, key: str) -> str | None:
    value = None if document is None else document.get(key)
    return value if isinstance(value, str) and value else None


def cf_ray(response: Response) -> str | None:
    """Cloudflare's id of a request, for its support."""
    value = response.headers.get("cf-ray", "")
    return value if _RAY.fullmatch(value) else None


def _retry_after(response: Response) -> float | None:
    """Seconds from a Retry-After header; a date in it is held against the response's own, or our clock's."""
    value = response.headers.get("retry-after", "")
    try:
        seconds = float(value)
    except ValueError:
        until, now = _date(value), _date(response.headers.get("date", "")) or response.received
        seconds = math.nan if until is None or now is None else (until - now).total_seconds()
    return max(seconds, 0.0) if math.isfinite(seconds) else None


def _date(value: str) -> datetime | None:
    # Imported with the first date: few answers hold one that matters.
    from email.utils import parsedate_to_datetime

    try:
        date = parsedate_to_datetime(value)
    except ValueError:
        return None
    return date if date.tzinfo is not None else date.replace(tzinfo=UTC)
