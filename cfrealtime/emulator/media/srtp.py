"""SRTP where a packet lies: pylibsrtp copies it in and out, which costs half as much as protecting it.

What is touched beneath pylibsrtp's public names is this, and a test holds it in place: `Session._srtp`, and
of `_binding` `ffi`, `lib.srtp_protect` and `lib.srtp_protect_rtcp`.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any, cast

import pylibsrtp

MAX_DATAGRAM = 1500
"""Bytes, protected: longer ones are not WebRTC's, and stacks such as aiortc end a connection over them."""
_SHORTEST = 8
MAX_TRAILER = 4 + 16 + 128
"""Bytes that protecting may add: an index, a tag, a key identifier."""

_binding: Any = import_module("pylibsrtp._binding")
_ffi: Any = _binding.ffi
_protect_rtp: Any = _binding.lib.srtp_protect
_protect_rtcp: Any = _binding.lib.srtp_protect_rtcp


class Place:
    """Memory for one packet, before and after it is protected."""

    # Not a memoryview lent to cffi: the collector may clear it while cffi still has it, and Python 3.11 then
    # dies. Each place has a length of its own, because protecting releases the GIL.

    def __init__(self) -> None:
        self.pointer: Any = _ffi.new("unsigned char[]", MAX_DATAGRAM + MAX_TRAILER)
        self.length: Any = _ffi.new("int *")
        self.memory: Any = _ffi.buffer(self.pointer)
        self.address = int(_ffi.cast("uintptr_t", self.pointer))


Put = Callable[[bytes, Place], int]
"""Leaves data in a place as it travels; gives its length there, 0 if it cannot travel."""


def put_plain(data: bytes, place: Place) -> int:
    """Leave data as it is."""
    size = len(data)
    if size > MAX_DATAGRAM:
        return 0
    place.memory[:size] = data
    return size


class Protection:
    """What protects the packets of one direction."""

    def __init__(self, session: pylibsrtp.Session) -> None:
        self._session: Any = session  # which ends when nobody holds it
        self._handle: Any = self._session._srtp[0]

    def put(self, packet: bytes, place: Place) -> int:
        """Leave an RTP or RTCP packet protected; 0 for what is none, or too long when it is protected."""
        size = len(packet)
        if not _SHORTEST <= size <= MAX_DATAGRAM:
            return 0
        place.memory[:size] = packet
        length = place.length
        length[0] = size
        protect = _protect_rtcp if 192 <= packet[1] <= 223 else _protect_rtp
        if protect(self._handle, place.pointer, length) or length[0] > MAX_DATAGRAM:
            return 0
        return cast("int", length[0])


def as_sent(data: bytes, put: Put) -> bytes:
    """Data as `put` leaves it; empty if it cannot travel."""
    place = Place()
    length = put(data, place)
    return cast("bytes", place.memory[:length])
