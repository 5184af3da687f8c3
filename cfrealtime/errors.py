"""Everything the SDK raises, in one tree.

    RealtimeError
    ├── ConfigurationError        credentials or settings are missing or malformed
    ├── InvalidRequestError       refused here, before anything was sent (also a ValueError)
    ├── ExchangeOpenError         an offer/answer exchange of this session is open, or was left unfinished
    ├── NotSentError              no connection: the service has seen nothing of it
    ├── OutcomeUnknownError       sent, but whether it happened cannot be told
    ├── UnexpectedAnswerError     a read was answered with something that cannot be read
    ├── ItemsFailedError          raised by raise_for_items(): `result` holds what failed and what did not
    ├── PacketError               no packet of a WebSocket adapter, or none that fits (also a ValueError)
    └── ApiError                  the service said no
        ├── BadRequestError       400, 413
        ├── AuthenticationError   401, 403
        ├── NotFoundError         404
        ├── NotAcceptableError    406: SDP it cannot use, or an exchange still open on this session
        ├── SessionGoneError      410: expired or closed
        ├── NotConnectedError     425: not connected yet
        ├── RateLimitError        429
        └── ServerError           5xx with an error code; for a read, any 5xx

The branches answer the caller's first question: may it have happened? Not with the first four; perhaps
with OutcomeUnknownError; and an ApiError does not prove that nothing changed either, only that the service
refused.

Every error carries `operation` (the API's operation id), `session_id`, `status`, `code`, `cf_ray`
(Cloudflare's id of the request, for its support), `retry_after` in seconds and `attempts`, each None where
there is none.

Messages say what happened, to what, and what to do. They never hold SDP, secrets or the service's own prose;
that prose is in `description`, for those who know where they print it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Final

from cfrealtime._core.codes import printable_code

if TYPE_CHECKING:
    from collections.abc import Callable

    from cfrealtime.models.shared import ResultOfItems

__all__ = [
    "ApiError",
    "AuthenticationError",
    "BadRequestError",
    "ConfigurationError",
    "ExchangeOpenError",
    "InvalidRequestError",
    "ItemsFailedError",
    "NotAcceptableError",
    "NotConnectedError",
    "NotFoundError",
    "NotSentError",
    "OutcomeUnknownError",
    "PacketError",
    "RateLimitError",
    "RealtimeError",
    "ServerError",
    "SessionGoneError",
    "UnexpectedAnswerError",
]

_AFTER_UNKNOWN: Final = {
    "new_session": "Make another session; the first one cannot be found again and expires by itself.",
    "get_session": "It changes nothing: ask again.",
    "new_tracks": "Do not send it again: get_state(), keep its mids for clean-up, replace the session.",
    "renegotiate": "Do not send the answer again: replace the session.",
    "update_tracks": "Look with get_state(), then send it again.",
    "close_tracks": "Repeat a forced close; after one with an offer, replace the session and force-close.",
    "establish_datachannels": "Do not send it again: replace the session.",
    "new_datachannels": "Look with get_state(); a channel it does not list may have been made all the same.",
    "update_datachannels": "Look with get_state(), then send it again.",
    "close_datachannels": "Send it again: what is closed already counts as closed.",
    "new_websocket_adapters": "Do not send it again: adapters cannot be listed. Use a new track name.",
    "close_websocket_adapters": "Send it again: what is closed already counts as closed.",
    "generate_ice_servers": "Ask again; the lost credentials expire by themselves.",
    "revoke_turn_credential": "Send it again: what is revoked already counts as revoked.",
}


def _about(operation: str, session_id: str | None) -> str:
    return operation if session_id is None else f"{operation} on session {session_id}"


def _rebuild(cls: type[RealtimeError], args: tuple[object, ...], state: dict[str, object]) -> RealtimeError:
    error = cls.__new__(cls)
    error.args = args
    error.__dict__.update(state)
    return error


class RealtimeError(Exception):
    """The root of every error of this package.

    `partial` is what is known to have been done when the call failed: the finished parts of a call that was
    split, or the items named in an answer that could not be used. What it names is allocated and needs
    clean-up.
    """

    def __init__(
        self,
        message: str,
        *,
        operation: str | None = None,
        session_id: str | None = None,
        status: int | None = None,
        code: str | None = None,
        cf_ray: str | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message)
        self.operation = operation
        self.session_id = session_id
        self.status = status
        self.code = code
        self.cf_ray = cf_ray
        self.retry_after = retry_after
        self.attempts: int | None = None
        self.partial: ResultOfItems | None = None

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        """Keep copies and pickles whole although constructors take keywords."""
        return _rebuild, (type(self), self.args, self.__dict__)


class ConfigurationError(RealtimeError):
    """Credentials or settings are missing or malformed; the message names them, never their values."""


class InvalidRequestError(RealtimeError, ValueError):
    """Refused before anything was sent: the arguments cannot make a valid request."""


class ExchangeOpenError(RealtimeError):
    """An offer/answer exchange of this session is open or was left unfinished, so no other can begin."""


class NotSentError(RealtimeError):
    """It did not leave in time, for want of a connection as a rule. The service has seen nothing of it."""

    def __init__(
        self,
        reason: str,
        *,
        operation: str,
        session_id: str | None = None,
        advice: str = "Check the network and the base URL",
    ) -> None:
        super().__init__(
            f"{_about(operation, session_id)} was not sent: {reason}. {advice}; sending it again is safe.",
            operation=operation,
            session_id=session_id,
        )


class OutcomeUnknownError(RealtimeError):
    """The request left, and whether it took effect cannot be told.

    The SDK has repeated it where that does no harm (`attempts` says how often); where it may allocate or
    negotiate twice, it has not, and neither should the caller.
    """

    def __init__(
        self,
        reason: str,
        *,
        operation: str,
        session_id: str | None = None,
        status: int | None = None,
        cf_ray: str | None = None,
    ) -> None:
        advice = _AFTER_UNKNOWN.get(operation, "Look at the session's state before doing anything else.")
        super().__init__(
            f"The outcome of {_about(operation, session_id)} is unknown: {reason}{_trace(cf_ray)}. {advice}",
            operation=operation,
            session_id=session_id,
            status=status,
            cf_ray=cf_ray,
        )


class UnexpectedAnswerError(RealtimeError):
    """A read was answered with something that cannot be read. It changed nothing and may be repeated."""

    def __init__(
        self,
        reason: str,
        *,
        operation: str,
        session_id: str | None = None,
        status: int | None = None,
        cf_ray: str | None = None,
    ) -> None:
        super().__init__(
            f"The answer to {_about(operation, session_id)} cannot be read: {reason}{_trace(cf_ray)}. "
            "Check that the base URL is the service's and that no proxy answers in its place.",
            operation=operation,
            session_id=session_id,
            status=status,
            cf_ray=cf_ray,
        )


class ItemsFailedError(RealtimeError):
    """Raised by `raise_for_items()`: parts of a batch failed. `result` holds every item, successes too."""

    def __init__(self, result: ResultOfItems) -> None:
        failed = [item.error for item in result.failed if item.error is not None]
        codes = sorted({printable_code(error.code) for error in failed})
        super().__init__(
            f"{len(result.failed)} of the items failed: {', '.join(codes)}. The others succeeded: look at "
            "`result`, and ask again for what failed alone.",
            code=codes[0] if len(codes) == 1 else None,
        )
        self.result = result


class PacketError(RealtimeError, ValueError):
    """Bytes that are no packet of a WebSocket adapter, or a packet that no message can carry."""


class ApiError(RealtimeError):
    """The service refused a whole request. `code` is None when the answer carried none, like a proxy's."""

    advice: ClassVar[str] = "The code says why; do not repeat the request unchanged."

    def __init__(
        self,
        *,
        status: int,
        operation: str,
        code: str | None = None,
        session_id: str | None = None,
        description: str | None = None,
        cf_ray: str | None = None,
        retry_after: float | None = None,
    ) -> None:
        shown = "without an error code" if code is None else printable_code(code)
        super().__init__(
            f"Cloudflare Realtime refused {_about(operation, session_id)}: "
            f"{status} {shown}{_trace(cf_ray)}. {self.advice}",
            operation=operation,
            session_id=session_id,
            status=status,
            code=code,
            cf_ray=cf_ray,
            retry_after=retry_after,
        )
        # The service's own prose: for those who know where they print it.
        self.description = description


class BadRequestError(ApiError):
    """400 or 413: the request itself is wrong."""

    advice = "Correct the request; repeating it changes nothing."


class AuthenticationError(ApiError):
    """401 or 403: the credentials do not open this app."""

    advice = "Check that the id (App ID, TURN key ID) and its secret are set and belong together."


class NotFoundError(ApiError):
    """404: the app, or what the request names, does not exist."""

    advice = "Check the App ID or TURN key ID, the base URL, and the ids in the request."


class NotAcceptableError(ApiError):
    """406: SDP the service cannot use, or a request that crossed an exchange still open on this session."""

    advice = (
        "Finish the open offer/answer exchange before the next call; if that is done, replace the session."
    )


class SessionGoneError(ApiError):
    """410: a session has expired or was closed. On a subscription it can be the publisher's."""

    advice = (
        "Replace the session; after a subscription look with get_state() first, it can be the publisher's."
    )


class NotConnectedError(ApiError):
    """425: the session's media connection is not up yet."""

    advice = "Wait until the endpoint reports its connection as connected, then send it again."


class RateLimitError(ApiError):
    """429: more than 50 calls a second on one session. `retry_after` is in seconds, if the service said."""

    advice = "Slow down, wait for `retry_after` if it is set, then send it again."


class ServerError(ApiError):
    """The service failed on its side and said so. Only `retryable_transient_error` asks for a plain retry."""

    advice = "Find out what it has left (get_state() lists a session) before sending it again."


def _trace(cf_ray: str | None) -> str:
    return "" if cf_ray is None else f" (cf-ray {cf_ray})"
