"""Whether a failed call is sent again, and after how long. Decided here for both colours, without a clock."""

from __future__ import annotations

from typing import Any, Final

from cfrealtime._core.exchange import Request, Safety
from cfrealtime.errors import (
    ApiError,
    NotSentError,
    OutcomeUnknownError,
    RateLimitError,
    RealtimeError,
    ServerError,
    UnexpectedAnswerError,
)

FIRST_PAUSE: Final = 0.25
LONGEST_PAUSE: Final = 4.0
# With less time than this an attempt is more likely cut off than answered, and what was a plain refusal would
# end as an unknown outcome.
LEAST_TIME: Final = 0.25
TRANSIENT: Final = "retryable_transient_error"


def pause_before_retry(
    request: Request[Any], error: RealtimeError, *, attempt: int, left: float, chance: float
) -> float | None:
    """Seconds to wait before attempt `attempt + 1`, or None if the call ends with this error.

    `left` is what remains of the call's time. The pause is drawn with `chance`, from 0 to 1, between nothing
    and a bound that doubles with every attempt ("full jitter"), but never below what the service asked for,
    and so that the next attempt has time.
    """
    longest = left - LEAST_TIME
    if longest < 0.0 or not may_repeat(request, error):
        return None
    # An exponent without a bound overflows.
    bound = min(LONGEST_PAUSE, FIRST_PAUSE * 2.0 ** min(attempt - 1, 16), longest)
    pause = max(bound * chance, error.retry_after or 0.0)
    return pause if pause <= longest else None


def may_repeat(request: Request[Any], error: RealtimeError) -> bool:
    """Whether sending a request again can do no harm and may help.

    Source: the "when the response is lost" rules of the service's error documentation. A request that was
    turned away for its rate, or that never left, has done nothing. `retryable_transient_error` asks for a
    repetition itself. A refusal that names items is another matter: those can be allocated. Everything else
    depends on what a second run of the operation does.
    """
    harmless = request.safety is not Safety.ONCE
    match error:
        case NotSentError():
            return True
        case RateLimitError():
            return harmless or error.partial is None
        case OutcomeUnknownError() | UnexpectedAnswerError():
            return harmless
        case ApiError(code=code) if code == TRANSIENT:
            return harmless or error.partial is None
        case ServerError():
            return harmless
        case _:
            return False


def leaves_something(request: Request[Any], error: RealtimeError) -> bool:
    """Whether repeating may leave behind what the lost attempt has made: it expires by itself."""
    return request.safety is Safety.WASTEFUL and isinstance(error, (OutcomeUnknownError, ServerError))
