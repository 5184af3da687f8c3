"""The socket of all sessions: it takes what has come in one go, but not for ever."""

from __future__ import annotations

import asyncio
import gc
import socket
import weakref
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from cfrealtime.emulator.media import port as module
from cfrealtime.emulator.media.port import Port


@asynccontextmanager
async def opened(take: Callable[[bytes, tuple[str, int]], None]) -> AsyncIterator[tuple[Port, socket.socket]]:
    """A port, and the socket of somebody who sends to it."""
    port = await Port.open("127.0.0.1", 0, take)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("127.0.0.1", 0))
        other.connect(port.address)
        yield port, other
    await port.aclose()


async def turns_until(done: Callable[[], bool]) -> int:
    turn = 0
    async with asyncio.timeout(30):
        while True:
            if done():
                return turn
            await asyncio.sleep(0)
            turn += 1


async def test_what_has_come_is_taken_in_one_turn_of_the_loop(monkeypatch):
    monkeypatch.setattr(module, "AT_ONCE", 5.0)
    taken: list[bytes] = []
    async with opened(lambda data, peer: taken.append(data)) as (_, other):
        for number in range(50):
            other.send(bytes((number,)))
        # On this machine's own network what `send` has returned for has been delivered.
        await turns_until(lambda: bool(taken))
    assert taken == [bytes((number,)) for number in range(50)]


async def test_others_have_their_turn_while_more_comes_than_can_be_taken(monkeypatch):
    monkeypatch.setattr(module, "AT_ONCE", 0.0)
    taken: list[bytes] = []
    async with opened(lambda data, peer: taken.append(data)) as (_, other):
        for number in range(20):
            other.send(bytes((number,)))
        assert await turns_until(lambda: len(taken) == 20) >= 19


async def test_it_answers_where_something_came_from_and_a_vanished_peer_harms_nobody():
    taken: list[tuple[bytes, tuple[str, int]]] = []
    async with opened(lambda data, peer: taken.append((data, peer))) as (port, other):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as gone:
            gone.bind(("127.0.0.1", 0))
            nobody = gone.getsockname()
        port.sender.send(b"lost", nobody)
        other.send(b"hello")
        await turns_until(lambda: bool(taken))
        port.sender.send(b"back", taken[0][1])
        other.settimeout(30)
        assert other.recv(100) == b"back"
    assert taken == [(b"hello", taken[0][1])]


async def test_a_closed_port_sends_nothing_and_is_free_again():
    async with opened(lambda data, peer: None) as (port, _):
        address = port.address
    port.sender.send(b"late", address)
    again = await Port.open(*address, lambda data, peer: None)
    await again.aclose()


async def test_a_port_that_is_taken_is_an_error():
    async with opened(lambda data, peer: None) as (port, _):
        with pytest.raises(OSError, match="in use"):
            await Port.open(*port.address, lambda data, peer: None)


async def test_a_closed_port_is_collected_with_all_that_it_sent_from():
    # Python 3.11 dies here if C holds a memoryview of what is collected.
    ports: list[weakref.ref[Port]] = []
    for _ in range(3):
        async with opened(lambda data, peer: None) as (port, other):
            port.sender.send(b"to somebody", other.getsockname())
            ports.append(weakref.ref(port))
            del port
    await asyncio.sleep(0)
    gc.collect()
    assert [port() for port in ports] == [None] * 3


class NoRoom(socket.socket):
    """A socket of a kernel that has no room for what is sent."""

    def sendto(self, *_: object) -> int:
        raise BlockingIOError


async def test_nothing_stays_of_a_port_although_something_waits_for_room(monkeypatch):
    with monkeypatch.context() as patched:
        patched.setattr(module.socket, "socket", NoRoom)
        port = await Port.open("127.0.0.1", 0, lambda data, peer: None)
    port._wait(b"when there is room", port.address)
    await port.aclose()
    assert port._bound.fileno() == -1
