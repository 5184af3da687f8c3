"""What a container is to the emulator: a network of its own, and ports that are published on this machine.

Where this user may have no network of its own, a second loopback address of this machine is the container.
"""

from __future__ import annotations

import asyncio
import ipaddress
import subprocess
from collections.abc import AsyncGenerator, Generator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager

from attrs import frozen

_CABLES = ipaddress.ip_network("198.18.0.0/15")  # meant for tests of networks (RFC 2544)
_SECOND = "127.0.0.2"
_HERE = """
    ip link add {cable} type veth peer name eth0 netns {pid}
    ip addr add {near}/30 dev {cable}
    ip link set {cable} up
"""
_INSIDE = """
    ip link set lo up
    ip addr add {far}/30 dev eth0
    ip link set eth0 up
    ip route add default via {near}
"""


@frozen
class Network:
    """Where a container is found from here, and what a command begins with that runs in it."""

    address: str
    enter: tuple[str, ...] = ()

    @property
    def own(self) -> bool:
        """Whether it is a network of its own."""
        return self.enter != ()


@contextmanager
def network() -> Generator[Network]:
    """A network with one cable to ours; both are gone with the process that holds them."""
    try:
        holder = subprocess.Popen(
            ["unshare", "--net", "sh", "-c", "echo; exec cat"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
    except FileNotFoundError:
        yield Network(_SECOND)
        return
    try:
        yield (_plugged_in(holder.pid) if holder.stdout.readline() else None) or Network(_SECOND)
    finally:
        holder.kill()
        holder.communicate()


def _plugged_in(pid: int) -> Network | None:
    enter = ("nsenter", f"--net=/proc/{pid}/ns/net")
    first = _CABLES[4 * pid % _CABLES.num_addresses]
    names = {"cable": f"cable{pid}", "pid": pid, "near": first + 1, "far": first + 2}
    try:
        for command in (["sh", "-ec", _HERE.format(**names)], [*enter, "sh", "-ec", _INSIDE.format(**names)]):
            subprocess.run(command, check=True, stderr=subprocess.DEVNULL)
    except (FileNotFoundError, subprocess.CalledProcessError):
        return None
    return Network(str(first + 2), enter)


# Published ports, as Docker's own proxy for loopback publishes them.


@asynccontextmanager
async def published(address: str, *ports: tuple[str, int, str]) -> AsyncGenerator[None]:
    """Ports here, of the protocols tcp and udp, lead to the same ports of an address."""
    async with AsyncExitStack() as stack:
        for host, port, protocol in ports:
            if protocol == "tcp":
                await stack.enter_async_context(await asyncio.start_server(_Tcp(address, port), host, port))
            else:
                loop = asyncio.get_running_loop()
                proxy = _Udp(address, port)
                await loop.create_datagram_endpoint(lambda proxy=proxy: proxy, local_addr=(host, port))
                stack.callback(proxy.close)
        yield


@frozen
class _Tcp:
    address: str
    port: int

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        inside, out = await asyncio.open_connection(self.address, self.port)
        await asyncio.gather(_copied(reader, out), _copied(inside, writer))


async def _copied(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
    except ConnectionError:  # either side may hang up at any time
        return
    finally:
        writer.close()


class _Udp(asyncio.DatagramProtocol):
    """Gives each sender a socket of its own towards the inside, so that answers find their way."""

    def __init__(self, address: str, port: int) -> None:
        self._inside = (address, port)
        self._ways: dict[object, asyncio.Task[asyncio.DatagramTransport]] = {}

    def connection_made(self, transport: asyncio.DatagramTransport) -> None:
        self._outside = transport

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        if addr not in self._ways:
            self._ways[addr] = asyncio.create_task(self._way(addr))
        self._ways[addr].add_done_callback(lambda way: way.result().sendto(data))

    async def _way(self, addr: tuple[str, int]) -> asyncio.DatagramTransport:
        loop = asyncio.get_running_loop()
        transport, _ = await loop.create_datagram_endpoint(
            lambda: _Answers(self._outside, addr), remote_addr=self._inside
        )
        return transport

    def close(self) -> None:
        """Publish no more."""
        self._outside.close()
        for way in self._ways.values():
            way.result().close()


@frozen
class _Answers(asyncio.DatagramProtocol):
    outside: asyncio.DatagramTransport
    sender: tuple[str, int]

    def datagram_received(self, data: bytes, addr: object) -> None:
        self.outside.sendto(data, self.sender)
