"""What the check needs of STUN (RFC 8489): a binding request, and whether a message answers it."""

from __future__ import annotations

import struct
from typing import Final

_COOKIE: Final = 0x2112A442
_REQUEST: Final = 0x0001
_SUCCESS: Final = 0x0101
_HEADER: Final = struct.Struct("!HHI12s")


def request(transaction: bytes) -> bytes:
    """A binding request under twelve bytes of the caller's choice."""
    return _HEADER.pack(_REQUEST, 0, _COOKIE, transaction)


def answers(message: bytes, transaction: bytes) -> bool:
    """Whether a datagram is the success that belongs to a request."""
    if len(message) < _HEADER.size:
        return False
    kind, _, cookie, theirs = _HEADER.unpack_from(message)
    return (kind, cookie, theirs) == (_SUCCESS, _COOKIE, transaction)
