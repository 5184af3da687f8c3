"""The one UDP socket of all sessions: takes what has come in one go, and sends without a detour."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from time import monotonic
from typing import Any

from .ice import Peer

Take = Callable[[bytes, Peer], None]

AT_ONCE = 0.002
"""Seconds after which HTTP, timers and all else of the process have their turn: one datagram may go out to
hundreds."""
_LARGEST = 2048
"""No datagram of WebRTC is as long."""
_RECEIVE_BUFFER = 4 * 1024 * 1024


class _Protocol(asyncio.DatagramProtocol):
    def __init__(self, bound: socket.socket, take: Take) -> None:
        self._bound = bound
        self._take = take

    def datagram_received(self, data: bytes, addr: tuple[str | Any, int]) -> None:
        """One has come, so there may be more: asking the loop for each costs as much as forwarding it."""
        self._take(data, (addr[0], addr[1]))
        until = monotonic() + AT_ONCE
        while monotonic() < until:
            try:
                data, peer = self._bound.recvfrom(_LARGEST)
            except OSError:  # there is none, or nobody at an address that was sent to
                return
            self._take(data, peer)


class Port:
    """A bound socket; `take` is called with every datagram, on the event loop."""

    def __init__(self, bound: socket.socket, transport: asyncio.DatagramTransport) -> None:
        self._bound = bound
        self._transport = transport
        self.address: tuple[str, int] = bound.getsockname()

    @classmethod
    async def open(cls, host: str, port: int, take: Take) -> Port:
        """Bind; OSError when the address or the port cannot be had."""
        loop = asyncio.get_running_loop()
        found = await loop.getaddrinfo(host, port, family=socket.AF_INET, type=socket.SOCK_DGRAM)
        bound = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER)
            bound.settimeout(0)
            bound.bind(found[0][4])
            transport, _ = await loop.create_datagram_endpoint(lambda: _Protocol(bound, take), sock=bound)
        except BaseException:
            bound.close()
            raise
        return cls(bound, transport)

    def send(self, data: bytes, peer: Peer) -> None:
        """Send a datagram; one that cannot be sent is lost, as on any network."""
        try:
            self._bound.sendto(data, peer)  # the loop's way costs as much again
        except BlockingIOError:
            self._transport.sendto(data, peer)  # which waits until there is room
        except OSError:
            return

    async def aclose(self) -> None:
        """Close the socket; nothing of it stays behind."""
        self._transport.close()
        await asyncio.sleep(0)  # the loop lets go of it in its next turn
