"""Telling hooks and the log what happens to a call."""

from __future__ import annotations

import logging
from collections.abc import Callable
from itertools import count
from typing import Any, TypeVar

from cfrealtime._core.exchange import Request, Response
from cfrealtime.hooks import ErrorInfo, Hooks, RequestInfo, ResponseInfo, RetryInfo

logger = logging.getLogger("cfrealtime")

Info = TypeVar("Info")

_call_ids = count(1)


class Notices:
    """What is told of one call. Made only when somebody listens."""

    def __init__(self, request: Request[Any], hooks: Hooks) -> None:
        self._hooks = hooks
        self._method = request.method
        self._about = (next(_call_ids), request.operation, request.session_id)
        self._name = (
            request.operation if request.session_id is None else f"{request.operation} {request.session_id}"
        )

    def sending(self, attempt: int) -> None:
        """An attempt is about to leave."""
        logger.debug("%s: attempt %d", self._name, attempt)
        _tell(self._hooks.request, RequestInfo(*self._about, attempt, self._method))

    def answered(
        self, attempt: int, response: Response, ray: str | None, seconds: float, error: Exception | None
    ) -> None:
        """An answer was read; with an error it is no success."""
        logger.debug("%s: %d after %.3f s, cf-ray %s", self._name, response.status, seconds, ray)
        info = ResponseInfo(*self._about, attempt, response.status, ray, seconds, error)
        _tell(self._hooks.response, info)

    def retrying(self, attempt: int, error: Exception, pause: float, *, leaves_something: bool) -> None:
        """The call is sent again."""
        logger.info("%s: attempt %d failed, again in %.3f s: %s", self._name, attempt, pause, error)
        _tell(self._hooks.retry, RetryInfo(*self._about, attempt, error, pause, leaves_something))

    def failed(self, attempt: int, error: BaseException, seconds: float) -> None:
        """The call is over."""
        logger.debug("%s: ended after %.3f s with %s", self._name, seconds, type(error).__name__)
        _tell(self._hooks.error, ErrorInfo(*self._about, attempt, error, seconds))


def notices_for(request: Request[Any], hooks: Hooks | None) -> Notices | None:
    """Who is to be told of a call, if anybody listens."""
    if hooks is None:
        if not logger.isEnabledFor(logging.INFO):
            return None
        hooks = Hooks()
    return Notices(request, hooks)


def _tell(hook: Callable[[Info], None] | None, info: Info) -> None:
    if hook is None:
        return
    try:
        hook(info)
    except Exception:
        logger.exception("A hook failed on %s; the call goes on.", type(info).__name__)
