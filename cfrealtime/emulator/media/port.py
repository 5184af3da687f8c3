"""The one UDP socket of all sessions: takes what has come in one go; what that brings leaves together."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from time import monotonic
from typing import Any, cast

from .ice import Peer
from .sender import sender
from .srtp import MAX_DATAGRAM

Take = Callable[[bytes, Peer], None]

AT_ONCE = 0.002
"""Seconds after which HTTP, timers and all else of the process have their turn: one datagram may go out to
hundreds."""
_RECEIVE_BUFFER = 4 * 1024 * 1024


class Port(asyncio.DatagramProtocol):
    """A bound socket; `take` is called with every datagram, on the event loop."""

    _transport: asyncio.DatagramTransport

    def __init__(self, bound: socket.socket, take: Take) -> None:
        self._bound = bound
        self._take = take
        self.address: tuple[str, int] = bound.getsockname()
        self.sender = sender(bound, self._wait)
        """Sends from this socket."""

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
            opened = cls(bound, take)
            await loop.create_datagram_endpoint(lambda: opened, sock=bound)
        except BaseException:
            bound.close()
            raise
        return opened

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The loop has the socket."""
        self._transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: tuple[str | Any, int]) -> None:
        """One has come, so there may be more: asking the loop for each costs as much as forwarding it.

        What is sent meanwhile leaves together.
        """
        self.sender.hold()
        try:
            self._take(data, (addr[0], addr[1]))
            self._take_more()
        finally:
            self.sender.release()

    def _take_more(self) -> None:
        until = monotonic() + AT_ONCE
        while monotonic() < until:
            try:
                data, peer = self._bound.recvfrom(MAX_DATAGRAM + 1)
            except OSError:  # there is none, or nobody at an address that was sent to
                return
            self._take(data, peer)

    def _wait(self, data: bytes, peer: Peer) -> None:
        """Send when there is room again."""
        self._transport.sendto(data, peer)

    async def aclose(self) -> None:
        """Close the socket; nothing of it stays behind, nor what waits for room."""
        self._transport.abort()
        await asyncio.sleep(0)  # the loop lets go of it in its next turn
