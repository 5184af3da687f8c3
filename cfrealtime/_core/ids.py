"""What may stand in a path: the ids of apps and sessions."""

from __future__ import annotations

import re
from typing import Final

# Letters, digits and the marks that no URL gives a meaning to. The generated code escapes ids as well; this
# refuses what an intermediary could unescape again, and the dots that a path resolves.
_IDENTIFIER: Final = re.compile(r"[A-Za-z0-9_~-][A-Za-z0-9._~-]{0,127}")


def is_identifier(value: object) -> bool:
    """Whether a value can be an id."""
    return isinstance(value, str) and _IDENTIFIER.fullmatch(value) is not None
