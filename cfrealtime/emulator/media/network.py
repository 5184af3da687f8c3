"""Whether this machine's network can carry WebRTC at all, and under which address it is found."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Callable

ADVICE = (
    "This machine has no network besides loopback: browsers on it find no address to offer, so no picture or "
    "sound will flow. Connect it to a network; give a container an interface with an address and a default "
    "route; or start Chromium with --allow-loopback-in-peer-connection and allow the page its camera."
)


def outgoing_address() -> str | None:
    """The address this machine uses towards the outside; None when there is no way out. Sends nothing."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("198.51.100.1", 9))  # reserved for documentation (RFC 5737)
            return str(probe.getsockname()[0])
        except OSError:
            return None


def udp_problem() -> str | None:
    """Why no media can flow at all; None when a datagram gets from one socket of this machine to another."""
    try:
        with (
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver,
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender,
        ):
            receiver.bind(("127.0.0.1", 0))
            receiver.settimeout(1)
            sender.sendto(b"?", receiver.getsockname())
            receiver.recv(1)
    except OSError as error:
        return (
            f"UDP is blocked on this machine ({error.strerror or 'a datagram to 127.0.0.1 did not arrive'}), "
            "so no media can flow: allow UDP on loopback in its firewall, sandbox or container."
        )
    return None


def network_problem(find_address: Callable[[], str | None] = outgoing_address) -> str | None:
    """What to tell the user when browsers on this machine cannot reach us; None when all is well."""
    address = find_address()
    if address is None or ipaddress.ip_address(address).is_loopback:
        return ADVICE
    return None
