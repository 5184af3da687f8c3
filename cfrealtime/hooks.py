"""What an application may learn of every call: plain functions that are told, and cannot change anything.

One call makes one or more attempts. Each attempt is told with `request` and ends with exactly one of
`response` (an answer was read, whatever it says), `retry` or `error`. After a `response` that holds an
error `retry` or `error` follows; after any other, nothing. A call that ends between attempts, cancelled or
out of time, is told with an `error` that names the last attempt once more, or 0 if there was none.

None of the values holds SDP, credentials or, but for an error's `description`, the service's prose.

A hook runs where the call runs, so it must be quick and must not block; one that raises is logged and
ignored.
"""

from __future__ import annotations

from collections.abc import Callable

from attrs import frozen

from cfrealtime._core.chaining import chain

__all__ = ["ErrorInfo", "Hooks", "RequestInfo", "ResponseInfo", "RetryInfo"]


@frozen
class RequestInfo:
    """An attempt is about to leave. `call_id` is the same for all attempts of a call, in this process."""

    call_id: int
    operation: str
    session_id: str | None
    attempt: int
    method: str


@frozen
class ResponseInfo:
    """An answer was read, after `seconds` of this attempt. `cf_ray` is Cloudflare's id of the request.

    `error` is what the answer amounts to where it is no success: a refusal, or nothing that can be read.
    """

    call_id: int
    operation: str
    session_id: str | None
    attempt: int
    status: int
    cf_ray: str | None
    seconds: float
    error: BaseException | None


@frozen
class RetryInfo:
    """An attempt failed with `error`, and the call is sent again after `pause` seconds.

    `leaves_something` says that the failed attempt may have made a session or credentials that nobody will
    use; they expire by themselves. Count it.
    """

    call_id: int
    operation: str
    session_id: str | None
    attempt: int
    error: BaseException
    pause: float
    leaves_something: bool


@frozen
class ErrorInfo:
    """A call has ended with `error`, `seconds` after it began. A cancelled one ends with the cancellation."""

    call_id: int
    operation: str
    session_id: str | None
    attempt: int
    error: BaseException
    seconds: float


@frozen
class Hooks:
    """Functions to be told of calls; leave out what is of no interest."""

    request: Callable[[RequestInfo], None] | None = None
    response: Callable[[ResponseInfo], None] | None = None
    retry: Callable[[RetryInfo], None] | None = None
    error: Callable[[ErrorInfo], None] | None = None

    @classmethod
    def of(cls, *hooks: Hooks) -> Hooks:
        """Several sets of hooks as one; they are told in this order."""
        return cls(
            request=chain([one.request for one in hooks]),
            response=chain([one.response for one in hooks]),
            retry=chain([one.retry for one in hooks]),
            error=chain([one.error for one in hooks]),
        )
