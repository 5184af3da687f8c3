"""Whether this machine's network can carry WebRTC at all, and under which address it is found."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Callable

ADVICE = (
    "This machine has no network besides loopback: browsers on it, and WebRTC stacks such as aiortc, find no "
    "address to offer, so no picture or sound will flow. Connect it to a network; give a container an "
    "interface with an address and a default route; or start Chromium with "
    "--allow-loopback-in-peer-connection and allow the page its camera."
)
_THIS_NETWORK = ipaddress.IPv4Network("0.0.0.0/8")


def outgoing_address() -> str | None:
    """The address this machine uses towards the outside; None when there is no way out. Sends nothing."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("198.51.100.1", 9))  # reserved for documentation (RFC 5737)
            return str(probe.getsockname()[0])
        except OSError:
            return None


def found_under(name: str) -> str:
    """The address that a name stands for. ValueError, in words, when it is none that others could send to."""
    try:
        found = socket.getaddrinfo(name, None, family=socket.AF_INET, type=socket.SOCK_DGRAM)
    except (OSError, UnicodeError) as error:
        raise ValueError(f"{name or 'an empty text'} is no IPv4 address, nor a name of one") from error
    address = ipaddress.IPv4Address(found[0][4][0])
    if address in _THIS_NETWORK or address.is_multicast or address.is_reserved:
        raise ValueError(f"{name} is no machine's address: say the one under which others find this machine")
    return str(address)


def only_here(name: str, address: str) -> str | None:
    """What to tell the user whose name for this machine means every other machine to itself."""
    if name in (address, "localhost") or not ipaddress.ip_address(address).is_loopback:
        return None
    outgoing = outgoing_address()
    example = f", such as {outgoing}" if outgoing is not None else ""
    return (
        f"{name} is {address} here, so only this machine finds the emulator: for others advertise the "
        f"address that it has in their network{example}."
    )


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
