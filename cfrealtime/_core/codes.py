"""Error codes as they may be shown."""

from __future__ import annotations

import re
from typing import Final

_CODE_SHAPE: Final = re.compile(r"[A-Za-z0-9_.-]{1,64}")


def printable_code(code: str) -> str:
    """The code if it looks like one; a provider's prose in its place is not repeated."""
    return code if _CODE_SHAPE.fullmatch(code) else "an unprintable code"
