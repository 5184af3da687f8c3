"""Addresses of WebSocket servers: what can be one, and how one may be shown."""

from __future__ import annotations

import re
from typing import Final

# Host and port may be shown; what stands before and behind them can hold a password or a token. There is no
# fragment: RFC 6455 forbids it here.
_ENDPOINT: Final = re.compile(
    r"(?P<scheme>wss?://)(?:[^/?#@]*@)?(?P<host>(?:[A-Za-z0-9_.-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?)"
    r"(?P<rest>[/?][^#]*)?"
)


def is_endpoint(value: object) -> bool:
    """Whether a value is the address of a WebSocket server."""
    return _parts(value) is not None


def printable_endpoint(value: object) -> str:
    """Scheme, host and port of an address; whatever else it holds is not repeated."""
    found = _parts(value)
    if found is None:
        return "an unprintable endpoint"
    return found["scheme"] + found["host"] + ("/…" if found["rest"] else "")


def _parts(value: object) -> re.Match[str] | None:
    if not isinstance(value, str) or not value.isascii() or not value.isprintable() or " " in value:
        return None
    return _ENDPOINT.fullmatch(value)
