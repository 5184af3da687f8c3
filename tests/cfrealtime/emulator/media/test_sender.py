"""Sending: together while held, in order, and what cannot be sent harms nothing else."""

from __future__ import annotations

import ctypes
import errno
import socket
from collections.abc import Callable, Iterator

import pytest

from cfrealtime.emulator.media import sender as module
from cfrealtime.emulator.media.sender import SLOTS, Batch, Sender, Singly, kernel, sender
from cfrealtime.emulator.media.srtp import MAX_DATAGRAM

Peer = tuple[str, int]


@pytest.fixture
def bound() -> Iterator[socket.socket]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as opened:
        opened.bind(("127.0.0.1", 0))
        opened.settimeout(0)
        yield opened


@pytest.fixture
def others() -> Iterator[list[socket.socket]]:
    opened = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(3)]
    for one in opened:
        one.bind(("127.0.0.1", 0))
        one.settimeout(0)
    yield opened
    for one in opened:
        one.close()


def heard(other: socket.socket) -> list[bytes]:
    """What has come; on this machine's own network that is what was sent."""
    taken: list[bytes] = []
    while True:
        try:
            taken.append(other.recv(4096))
        except BlockingIOError:
            return taken


class Kernel:
    """The machine's own call, unless told to answer otherwise; notes how many each call was for."""

    def __init__(self, *answers: int) -> None:
        self.calls: list[int] = []
        self._answers = list(answers)
        self._real = kernel()

    def __call__(self, number: int, messages: object, count: int, flags: int) -> int:
        self.calls.append(count)
        answer = self._answers.pop(0) if self._answers else count
        if answer < 0:
            ctypes.set_errno(-answer)
            return -1
        return self._real(number, messages, min(answer, count), flags)


def never(data: bytes, peer: Peer) -> None:
    raise AssertionError("there is room")


@pytest.fixture(params=["together", "singly"])
def any_sender(request, bound, monkeypatch) -> Sender:
    if request.param == "singly":
        monkeypatch.setattr(module, "kernel", lambda: None)
    made = sender(bound, never)
    assert isinstance(made, Batch if request.param == "together" else Singly)
    return made


def test_each_gets_its_own_in_order(any_sender, others):
    any_sender.hold()
    for number in range(100):
        any_sender.send(bytes((number,)) * (number + 1), others[number % 3].getsockname())
    any_sender.release()
    for which, other in enumerate(others):
        assert heard(other) == [bytes((n,)) * (n + 1) for n in range(which, 100, 3)]


def test_what_is_too_long_or_cannot_be_made_ready_is_lost_alone(any_sender, others):
    peer = others[0].getsockname()
    any_sender.send(b"a", peer)
    any_sender.send(b"b" * (MAX_DATAGRAM + 1), peer)
    any_sender.send(b"c", peer, lambda data, place: 0)
    any_sender.send(b"d" * MAX_DATAGRAM, peer)
    assert heard(others[0]) == [b"a", b"d" * MAX_DATAGRAM]


def test_one_call_sends_all_that_is_held_and_nothing_waits_that_is_not(bound, others):
    call = Kernel()
    batch = Batch(bound, call, never)
    peers = [other.getsockname() for other in others]
    batch.send(b"at once", peers[0])
    assert (call.calls, heard(others[0])) == ([1], [b"at once"])
    batch.hold()
    for peer in peers * 2:
        batch.send(b"held", peer)
    assert call.calls == [1]
    batch.release()
    assert call.calls == [1, 6]
    assert [heard(other) for other in others] == [[b"held", b"held"]] * 3


def test_more_than_there_are_slots_leave_as_soon_as_they_fill_them(bound, others):
    call = Kernel()
    batch = Batch(bound, call, never)
    batch.hold()
    for number in range(SLOTS + 1):
        batch.send(bytes((number,)), others[0].getsockname())
    assert call.calls == [SLOTS]
    batch.release()
    assert heard(others[0]) == [bytes((number,)) for number in range(SLOTS + 1)]


@pytest.mark.parametrize(
    ("answers", "arrived"),
    [
        ((2, 3), [0, 1, 2, 3, 4]),
        ((-errno.EINTR,), [0, 1, 2, 3, 4]),
        ((-errno.ENETUNREACH,), [1, 2, 3, 4]),
        ((2, -errno.EPERM), [0, 1, 3, 4]),
    ],
    ids=["some now, the rest next", "interrupted", "the first is at fault", "one in the middle is"],
)
def test_a_call_that_does_not_send_all_is_made_again_for_the_rest(bound, others, answers, arrived):
    batch = Batch(bound, Kernel(*answers), never)
    batch.hold()
    for number in range(5):
        batch.send(bytes((number,)), others[0].getsockname())
    batch.release()
    assert heard(others[0]) == [bytes((number,)) for number in arrived]


def test_what_there_is_no_room_for_waits_in_order(bound, others):
    waiting: list[tuple[bytes, Peer]] = []
    batch = Batch(bound, Kernel(1, -errno.EAGAIN), lambda data, peer: waiting.append((data, peer)))
    peers = [other.getsockname() for other in others]
    batch.hold()
    for number, peer in enumerate(peers):
        batch.send(bytes((number,)), peer)
    batch.release()
    assert heard(others[0]) == [b"\0"]
    assert waiting == [(b"\1", peers[1]), (b"\2", peers[2])]
    batch.send(b"and on", peers[1])
    assert heard(others[1]) == [b"and on"]


def test_a_closed_socket_sends_nothing_not_even_through_one_that_has_its_number_now(
    any_sender, bound, others
):
    number = bound.fileno()
    bound.close()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as another:
        assert another.fileno() == number
        any_sender.send(b"late", others[0].getsockname())
    assert heard(others[0]) == []


def test_the_call_is_found_where_there_is_one(monkeypatch):
    assert isinstance(kernel(), Callable)
    monkeypatch.setattr(module.ctypes, "CDLL", lambda *_, **__: object())
    assert kernel() is None
