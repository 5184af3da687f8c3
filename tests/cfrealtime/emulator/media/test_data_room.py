"""How much an endpoint can make us keep: a window's worth, whatever it sends."""

from __future__ import annotations

import pytest
from aiortc.rtcsctptransport import DataChunk, serialize_packet

from cfrealtime.emulator.media import data_association
from tests.cfrealtime.emulator.media.data_peers import carry

FIRST, MIDDLE, WHOLE = 2, 0, 3


@pytest.fixture
async def hostile(sfu, peers):
    """Alice with a way to send any chunk, and what we keep of it."""
    alice, bob = peers
    carry(sfu)
    alice.channel(1)
    bob.channel(2)
    await alice.until(lambda: {("opened 1", "alice"), ("opened 2", "bob")} <= set(sfu.events.seen))
    return Hostile(sfu, alice), bob


class Hostile:
    def __init__(self, sfu, alice) -> None:
        self.ours = sfu.plane._links["alice"].transport._association._sctp
        self._alice, self._tag = alice, alice.sctp._remote_verification_tag
        self.next = alice.sctp._local_tsn

    async def says(self, flags: int, payload: bytes, *, stream: int = 1, number: int = 0) -> None:
        chunk = DataChunk(flags=flags)
        chunk.tsn, chunk.stream_id, chunk.stream_seq, chunk.protocol = self.next, stream, number, 53
        chunk.user_data = payload
        self.next += 1
        await self._alice.dtls._send_data(serialize_packet(5000, 5000, self._tag, chunk))

    async def settled(self) -> None:
        await self._alice.settled()

    @property
    def kept(self) -> int:
        streams = self.ours._inbound_streams.values()
        return sum(len(chunk.user_data) for stream in streams for chunk in stream.reassembly)


async def test_a_message_that_never_ends_is_kept_up_to_the_window(hostile):
    alice, _ = hostile
    alice.ours._advertised_rwnd = 20_000
    room = 20_000 + data_association._BEYOND_WINDOW
    await alice.says(FIRST, bytes(1000))
    for _ in range(120):
        await alice.says(MIDDLE, bytes(1000))
    await alice.settled()
    assert room - 1000 < alice.kept <= room


async def test_messages_behind_one_that_never_comes_are_kept_up_to_the_window(hostile):
    alice, _ = hostile
    alice.ours._advertised_rwnd = 20_000
    alice.next += 1
    for _ in range(40):
        await alice.says(WHOLE, bytes(1000), number=1)
    await alice.settled()
    assert alice.kept == 20_000


async def test_small_pieces_are_counted_as_well(hostile, monkeypatch):
    alice, _ = hostile
    monkeypatch.setattr(data_association, "_MAX_MISORDERED", 10)
    alice.next += 1
    for _ in range(40):
        await alice.says(WHOLE, b"x", number=1)
    await alice.settled()
    assert alice.kept == 10


async def test_no_more_than_so_many_streams_are_made(hostile, monkeypatch):
    alice, _ = hostile
    monkeypatch.setattr(data_association, "_MAX_STREAMS", 10)
    for stream in range(40):
        await alice.says(WHOLE, b"x", stream=stream)
    await alice.settled()
    assert len(alice.ours._inbound_streams) == 10


async def test_what_fills_a_hole_is_taken_though_the_window_is_full(hostile):
    alice, bob = hostile
    alice.ours._advertised_rwnd = 1000
    missing = alice.next
    alice.next += 1
    await alice.says(WHOLE, b"b" * 1000, number=1)
    alice.next = missing
    await alice.says(WHOLE, b"a" * 1000)
    await bob.hears(b"a" * 1000, b"b" * 1000)
