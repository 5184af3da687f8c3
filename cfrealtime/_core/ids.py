"""What may stand in a path: the ids of apps and sessions."""

from __future__ import annotations

import re
from typing import Final

from cfrealtime.errors import InvalidRequestError

# Letters, digits and the marks that no URL gives a meaning to. The generated code escapes ids as well; this
# refuses what an intermediary could unescape again, and the dots that a path resolves.
_IDENTIFIER: Final = re.compile(r"[A-Za-z0-9_~-][A-Za-z0-9._~-]{0,127}")


def is_identifier(value: object) -> bool:
    """Whether a value can be an id."""
    return isinstance(value, str) and _IDENTIFIER.fullmatch(value) is not None


def check_session_id(session_id: str) -> str:
    """The session id, if it can be one."""
    if not is_identifier(session_id):
        raise InvalidRequestError(
            "A session id holds letters, digits and ._~- only: this is not one. Take it from new_session()."
        )
    return session_id
