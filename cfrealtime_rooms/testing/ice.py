"""The network of one light peer: a UDP socket, STUN checks towards the SFU, and consent.

Not a whole ICE agent: it gathers host candidates, nominates the first of the SFU's candidates that answers,
and answers checks. No TURN, no TCP, no restart. Towards an SFU with a reachable address that is enough.
"""

from __future__ import annotations

import asyncio
import secrets
import socket
from collections.abc import Callable
from typing import cast

from aioice import stun

from cfrealtime_rooms.testing import sdp

_CHECK_EVERY = 0.05
_CONSENT_EVERY = 2.0

Address = tuple[str, int]


class IceError(ConnectionError):
    """The other side does not answer."""


class IceClient(asyncio.DatagramProtocol):
    """A socket that talks to one SFU. To `RTCDtlsTransport` it is the transport: `role`, `_recv`, `_send`."""

    role = "controlled"
    """What makes aiortc's DTLS transport take the client's part. In ICE this side controls."""

    def __init__(self, *, timeout: float, lost: Callable[[], None]) -> None:
        self.ufrag, self.pwd = secrets.token_hex(4), secrets.token_hex(12)
        self.candidates: tuple[sdp.Candidate, ...] = ()
        self._timeout = timeout
        self._lost = lost
        self._incoming: asyncio.Queue[bytes | None] = asyncio.Queue()
        self._transport: asyncio.DatagramTransport | None = None
        self._remote: sdp.Transport | None = None
        self._address: Address | None = None
        self._answered = asyncio.Event()
        self._checks = set[bytes]()
        self._consent: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Open the socket and find our own candidates."""
        loop = asyncio.get_running_loop()
        transport, _ = await loop.create_datagram_endpoint(lambda: self, local_addr=("0.0.0.0", 0))  # noqa: S104  (a host candidate has no one address)
        self._transport = transport
        port = cast(Address, transport.get_extra_info("sockname"))[1]
        hosts = dict.fromkeys((_outgoing_host(), "127.0.0.1"))
        self.candidates = tuple(sdp.Candidate(host, port) for host in hosts if host)

    async def connect(self, remote: sdp.Transport) -> None:
        """Check the other side's candidates until one answers. Raises `IceError`."""
        self._remote = remote
        addresses = [(one.host, one.port) for one in remote.candidates if _is_ipv4(one.host)]
        if not addresses:
            raise IceError("the SFU's description has no IPv4 candidate for UDP")
        try:
            async with asyncio.timeout(self._timeout):
                pause = _CHECK_EVERY
                while not self._answered.is_set():
                    for address in addresses:
                        self._check(address)
                    await self._answer_within(pause)
                    pause = min(pause * 1.5, 0.5)
        except TimeoutError as error:
            raise IceError("the SFU answered no connectivity check") from error
        self._consent = asyncio.ensure_future(self._keep_consent())

    async def _answer_within(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._answered.wait()
        except TimeoutError:
            return

    def drop(self) -> None:
        """Close the socket under everyone, as a lost network does. Consent will expire."""
        if self._transport is not None:
            self._transport.close()
            self._transport = None

    def close(self) -> None:
        """Stop everything."""
        if self._consent is not None:
            self._consent.cancel()
            self._consent = None
        self.drop()
        self._incoming.put_nowait(None)

    # What RTCDtlsTransport calls.

    async def _recv(self) -> bytes:
        data = await self._incoming.get()
        if data is None:
            raise ConnectionError("closed")
        return data

    async def _send(self, data: bytes) -> None:
        if self._transport is not None and self._address is not None:
            self._transport.sendto(data, self._address)

    # What asyncio calls.

    def datagram_received(self, data: bytes, addr: tuple[str | object, int]) -> None:
        """STUN stays here, the rest is DTLS and SRTP."""
        if data and data[0] > 3:
            self._incoming.put_nowait(data)
        elif data:
            self._stun(data, cast(Address, addr))

    def error_received(self, exc: Exception) -> None:
        """An ICMP error: the checks and consent tell whether the path is gone."""

    def _check(self, address: Address) -> None:
        remote = self._remote
        if remote is None or self._transport is None:
            return
        message = stun.Message(message_method=stun.Method.BINDING, message_class=stun.Class.REQUEST)
        message.attributes["USERNAME"] = f"{remote.ufrag}:{self.ufrag}"
        message.attributes["PRIORITY"] = 1845494271
        message.attributes["ICE-CONTROLLING"] = 1
        message.attributes["USE-CANDIDATE"] = None
        message.add_message_integrity(remote.pwd.encode())
        message.add_fingerprint()
        self._checks.add(message.transaction_id)
        self._transport.sendto(bytes(message), address)

    def _stun(self, data: bytes, address: Address) -> None:
        try:
            message = stun.parse_message(data)
        except ValueError:
            return
        if message.message_class == stun.Class.RESPONSE and message.transaction_id in self._checks:
            self._checks.clear()
            if self._address is None:
                self._address = address
            self._answered.set()
        elif message.message_class == stun.Class.REQUEST and self._transport is not None:
            response = stun.Message(
                message_method=stun.Method.BINDING,
                message_class=stun.Class.RESPONSE,
                transaction_id=message.transaction_id,
            )
            response.attributes["XOR-MAPPED-ADDRESS"] = address
            response.add_message_integrity(self.pwd.encode())
            response.add_fingerprint()
            self._transport.sendto(bytes(response), address)

    async def _keep_consent(self) -> None:
        # Checks are counted, not seconds: a process that was held up has not been given its answers yet.
        every = min(_CONSENT_EVERY, self._timeout / 3)
        unanswered = 0
        while unanswered * every < self._timeout:
            self._answered.clear()
            if self._address is not None:
                self._check(self._address)
            await asyncio.sleep(every)
            unanswered = 0 if self._answered.is_set() else unanswered + 1
        self._lost()


def _is_ipv4(host: str) -> bool:
    try:
        socket.inet_pton(socket.AF_INET, host)
    except OSError:
        return False
    return True


def _outgoing_host() -> str | None:
    """The address of the interface with the default route, if there is one. Sends nothing."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
        except OSError:
            return None
        return cast(Address, probe.getsockname())[0]
