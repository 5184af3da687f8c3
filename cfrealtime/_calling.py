"""What callers of both colours share: notes for raw answers, and a refusal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cfrealtime.errors import InvalidRequestError

if TYPE_CHECKING:
    from cfrealtime._core.conduct import Finished
    from cfrealtime._core.exchange import Request
    from cfrealtime.raw import Answer


def record(tape: list[Answer], request: Request[Any], finished: Finished[Any]) -> None:
    """Note the last answer of a call."""
    from cfrealtime._core.decode import cf_ray
    from cfrealtime.raw import Answer

    response = finished.response
    if response is not None:
        ray = cf_ray(response)
        tape.append(
            Answer(
                request.operation, response.status, response.headers, ray, finished.attempts, finished.seconds
            )
        )


def closed(request: Request[Any]) -> InvalidRequestError:
    """The error for a call on a client that was closed."""
    return InvalidRequestError(
        f"{request.operation} was not sent: this client is closed. Make a new one.",
        operation=request.operation,
    )
