"""How the emulator says no: a whole request is refused, or one item of a batch fails."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from attrs import frozen

Json = dict[str, Any]

ASKED_FOR: Final = "A fault was asked for."
"""What every error says that a fault made."""
NOT_ELSEWHERE: Final = "A fault was asked for: a mid is not pointed at another publication."
"""What that of `no_repointing` says."""


@frozen
class ItemError:
    """Why one item of a batch failed: it stands in the item, inside a 200."""

    code: str
    description: str

    def fields(self) -> Json:
        """The two fields as they stand on the wire."""
        return {"errorCode": self.code, "errorDescription": self.description}


@frozen
class Breach:
    """An order that a caller must never send: one mutation of a session at a time."""

    rule: str
    detail: str


class RefusalError(Exception):
    """The whole request is refused with a status, a code and a description."""

    def __init__(
        self,
        status: int,
        code: str,
        description: str,
        *,
        breach: Breach | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(description)
        self.status = status
        self.code = code
        self.description = description
        self.breach = breach
        self.headers = dict(headers or {})

    def body(self) -> Json:
        """The answer's JSON."""
        return {"errorCode": self.code, "errorDescription": self.description}


def decoding_error(description: str) -> RefusalError:
    """The body is not the JSON this operation takes. Contract: `decoding_error`, adapters tie it to 400."""
    return RefusalError(400, "decoding_error", description)


def invalid_params(description: str) -> RefusalError:
    """The fields are of the right types and make no sense together. Status 400 is our choice."""
    return RefusalError(400, "invalid_params", description)


def bad_description(description: str, *, breach: Breach | None = None) -> RefusalError:
    """An unusable description, or one out of order. Docs: 406 `invalid_session_description`."""
    return RefusalError(406, "invalid_session_description", description, breach=breach)


def unauthorized(what: str) -> RefusalError:
    """The bearer token is not the secret of the app or key. Seen in the field for apps: 401."""
    return RefusalError(401, "unauthorized", f"The bearer token is not the secret of this {what}.")


def not_found(what: str) -> RefusalError:
    """Contract: `not_found` for an unknown app, seen as 404; the same for a session is our choice."""
    return RefusalError(404, "not_found", f"There is no such {what}.")


def payload_too_large(limit: int) -> RefusalError:
    """Contract: `payload_too_large`; the status is HTTP's own 413."""
    return RefusalError(413, "payload_too_large", f"The body is larger than {limit} bytes.")


def too_many_requests(limit: int) -> RefusalError:
    """Docs give the limit, not the refusal: 429, `Retry-After` and this code are our choice."""
    description = f"More than {limit} requests in one second on this session."
    return RefusalError(429, "retryable_transient_error", description, headers={"Retry-After": "1"})


def session_ended(because: str) -> RefusalError:
    """Docs: 410 `session_error`, expired or closed."""
    return RefusalError(410, "session_error", f"The session has ended: {because}.")


def not_connected(seconds: float, what: str = "session") -> RefusalError:
    """Docs: 425 `session_error`, not connected within the wait."""
    return RefusalError(
        425, "session_error", f"The {what} is not connected after {seconds:g} seconds of waiting."
    )
