"""Sends datagrams: several in one call of the kernel where it can (`sendmmsg`, Linux), else one by one.

The arrays that this call reads are laid out once, and packets are protected where the call finds them.
"""

from __future__ import annotations

import ctypes
import errno
import socket
import sys
from collections.abc import Callable, Iterable
from functools import lru_cache
from struct import Struct
from typing import Protocol

from .ice import Peer
from .srtp import Place, Put, put_plain

Kernel = Callable[[int, object, int, int], int]
"""`sendmmsg`: socket, messages, how many, flags; how many were sent, or -1 and `ctypes.get_errno()`."""
Waiting = Callable[[bytes, Peer], None]
"""Takes a datagram for which there is no room at the moment."""


class Sender(Protocol):
    """Sends datagrams, in their order except past those that wait for room; what cannot be sent is lost."""

    def hold(self) -> None:
        """Let what is sent from now on leave together, where that is possible."""

    def release(self) -> None:
        """Send what was held, and hold no longer."""

    def send(self, data: bytes, peer: Peer, put: Put = put_plain) -> None:
        """Send a datagram, as `put` leaves it."""


def sender(bound: socket.socket, waiting: Waiting) -> Sender:
    """What sends best here; `waiting` is given datagrams for which there is no room at the moment."""
    call = kernel()
    return Singly(bound, waiting) if call is None else Batch(bound, call, waiting)


class Singly:
    """One by one."""

    def __init__(self, bound: socket.socket, waiting: Waiting) -> None:
        self._bound = bound
        self._waiting = waiting
        self._place = Place()

    def hold(self) -> None:
        """Nothing is held."""

    def release(self) -> None:
        """Nothing was held."""

    def send(self, data: bytes, peer: Peer, put: Put = put_plain) -> None:
        """Send a datagram, as `put` leaves it."""
        length = put(data, self._place)
        try:
            if length:
                self._bound.sendto(self._place.memory[:length], peer)  # the loop's way costs as much again
        except BlockingIOError:
            self._waiting(self._place.memory[:length], peer)
        except OSError:
            return


SLOTS = 64

_ADDRESS = Struct("=H2s4s8x")  # sockaddr_in


class _Vector(ctypes.Structure):
    _fields_ = (("base", ctypes.c_void_p), ("length", ctypes.c_size_t))


class _Header(ctypes.Structure):
    _fields_ = (
        ("name", ctypes.c_void_p),
        ("name_length", ctypes.c_uint32),
        ("vectors", ctypes.c_void_p),
        ("vector_count", ctypes.c_size_t),
        ("control", ctypes.c_void_p),
        ("control_length", ctypes.c_size_t),
        ("flags", ctypes.c_int),
    )


class _Message(ctypes.Structure):
    _fields_ = (("header", _Header), ("sent", ctypes.c_uint))


def kernel() -> Kernel | None:
    """The call, where there is one; elsewhere than on Linux the arrays would look different."""
    if sys.platform != "linux":
        return None
    try:
        call = ctypes.CDLL(None, use_errno=True).sendmmsg
    except AttributeError:
        return None
    call.argtypes = (ctypes.c_int, ctypes.c_void_p, ctypes.c_uint, ctypes.c_int)
    return call


@lru_cache(4096)
def _address(peer: Peer) -> bytes:
    host, port = peer
    return _ADDRESS.pack(socket.AF_INET, port.to_bytes(2, "big"), socket.inet_aton(host))


class Batch:
    """Several in one call; one call for each costs as much as all the rest of forwarding."""

    def __init__(self, bound: socket.socket, call: Kernel, waiting: Waiting) -> None:
        self._bound = bound
        self._call = call
        self._waiting = waiting
        self._holding = False
        self._filled = 0
        self._places = [Place() for _ in range(SLOTS)]
        names = (ctypes.c_char * _ADDRESS.size * SLOTS)()
        vectors = (_Vector * SLOTS)()
        self._messages = (_Message * SLOTS)()
        for vector, message, place, name in zip(vectors, self._messages, self._places, names, strict=True):
            vector.base = place.address
            message.header.name, message.header.name_length = ctypes.addressof(name), _ADDRESS.size
            message.header.vectors, message.header.vector_count = ctypes.addressof(vector), 1
        self._names = [memoryview(name).cast("B") for name in names]
        self._peers: list[Peer] = [("", 0)] * SLOTS
        self._words = memoryview(vectors).cast("B").cast("P")
        """Base and length of each slot, in turn."""

    def hold(self) -> None:
        """Let what is sent from now on leave together, at the latest when there is no slot left."""
        self._holding = True

    def release(self) -> None:
        """Send what was held, and hold no longer."""
        self._holding = False
        self._flush()

    def send(self, data: bytes, peer: Peer, put: Put = put_plain) -> None:
        """Send a datagram, as `put` leaves it."""
        number = self._filled
        length = put(data, self._places[number])
        if not length:
            return
        self._words[2 * number + 1] = length
        if self._peers[number] is not peer:
            self._names[number][:] = _address(peer)
            self._peers[number] = peer
        self._filled = number + 1
        if not self._holding or number + 1 == SLOTS:
            self._flush()

    def _flush(self) -> None:
        first, filled, self._filled = 0, self._filled, 0
        while first < filled:
            start = ctypes.byref(self._messages, first * ctypes.sizeof(_Message))
            sent = self._call(self._bound.fileno(), start, filled - first, 0)
            if sent > 0:
                first += sent
            elif (number := ctypes.get_errno()) == errno.EAGAIN:
                self._wait(range(first, filled))
                return
            elif number != errno.EINTR:
                first += 1  # the first of them alone is at fault

    def _wait(self, numbers: Iterable[int]) -> None:
        for number in numbers:
            length = self._words[2 * number + 1]
            self._waiting(self._places[number].memory[:length], self._peers[number])
