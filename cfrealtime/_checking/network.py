"""What the check does on the network besides calling the API, step by step, each within some seconds."""

from __future__ import annotations

import select
import socket
import threading
import time
from collections.abc import Callable, Sequence
from ipaddress import ip_address
from secrets import token_bytes
from typing import Any, Final, TypeAlias, TypeVar

from cfrealtime._checking import stun
from cfrealtime._environment import trusted

T = TypeVar("T")

Address: TypeAlias = tuple[socket.AddressFamily, Any]
"""A family, and what sockets of it connect to."""

_STUN_AGAIN: Final = 0.5


class Network:
    """The network of this machine. Every method raises OSError, and TimeoutError when it takes too long."""

    def resolve(self, host: str, port: int, seconds: float) -> list[Address]:
        """The addresses of a name."""

        def look_up() -> list[Address]:
            # As bytes the name is taken as it is; as text Python would first try to rewrite it.
            found = socket.getaddrinfo(host.encode("ascii", "replace"), port, type=socket.SOCK_STREAM)
            return [(family, address) for family, _, _, _, address in found]

        return _within(seconds, look_up)

    def connect(self, addresses: Sequence[Address], seconds: float) -> socket.socket:
        """A TCP connection to the first address that takes one."""
        deadline = time.monotonic() + seconds
        for number, (family, address) in enumerate(addresses):
            connection = socket.socket(family)
            left = max(deadline - time.monotonic(), 0.1)
            connection.settimeout(left / (len(addresses) - number))
            try:
                connection.connect(address)
            except OSError:
                connection.close()
                if number == len(addresses) - 1:
                    raise
            else:
                return connection
        raise OSError("there is no address")

    def encrypt(self, connection: socket.socket, host: str, seconds: float) -> str:
        """Shake hands as the SDK would; gives the version of TLS."""
        connection.settimeout(seconds)
        with trusted().wrap_socket(connection, server_hostname=host) as encrypted:
            return encrypted.version() or "TLS"

    def ask_stun(self, host: str, port: int, seconds: float) -> float:
        """Ask a STUN server over UDP, on IPv4 and IPv6; gives the seconds until the first answer."""
        began = time.monotonic()
        found = dict(reversed(self.resolve(host, port, seconds)))
        transaction = token_bytes(12)
        sockets = [socket.socket(family, socket.SOCK_DGRAM) for family in found]
        try:
            return _ask(list(zip(sockets, found.values(), strict=True)), transaction, began, began + seconds)
        finally:
            for one in sockets:
                one.close()


def is_this_machine(addresses: Sequence[Address]) -> bool:
    """Whether addresses never leave this machine."""
    return bool(addresses) and all(ip_address(address[0]).is_loopback for _, address in addresses)


def _ask(
    ways: Sequence[tuple[socket.socket, Any]], transaction: bytes, began: float, deadline: float
) -> float:
    while (now := time.monotonic()) < deadline:
        asked = _send_to_all(ways, stun.request(transaction))
        readable, _, _ = select.select(asked, [], [], min(_STUN_AGAIN, deadline - now))
        for one in readable:
            if stun.answers(one.recv(2048), transaction):
                return time.monotonic() - began
    raise TimeoutError("no answer")


def _send_to_all(ways: Sequence[tuple[socket.socket, Any]], message: bytes) -> list[socket.socket]:
    """The sockets that a message has left on. A family without a route fails, and the other may work."""
    sent: list[socket.socket] = []
    failure: OSError | None = None
    for one, address in ways:
        try:
            one.sendto(message, address)
            sent.append(one)
        except OSError as error:
            failure = error
    if failure is not None and not sent:
        raise failure
    return sent


def _within(seconds: float, work: Callable[[], T]) -> T:
    """The result of something that cannot be interrupted; a thread that hangs is left behind."""
    results: list[T] = []
    errors: list[Exception] = []

    def run() -> None:
        try:
            results.append(work())
        except Exception as error:
            errors.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(seconds)
    for error in errors:
        raise error
    if not results:
        raise TimeoutError("no answer")
    return results[0]
