"""Data channels of the real media plane, driven by light peers that lose packets and send garbage."""

from __future__ import annotations

import asyncio
import itertools

import pytest
from aiortc import RTCDataChannel, RTCDataChannelParameters
from aiortc.rtcsctptransport import CHUNK_TYPES, Chunk, serialize_packet

from cfrealtime.emulator.media import data_association, rtp
from cfrealtime.emulator.media.plan import Channel, Delivery
from tests.cfrealtime.emulator.media.data_peers import carry


@pytest.mark.parametrize(
    ("delivery", "heard"),
    [
        (Delivery(), ("one", "two", "three")),
        (Delivery(ordered=False), ("one", "three", "two")),
        (Delivery(max_retransmits=0), ("one", "three")),
        (Delivery(ordered=False, max_retransmits=0), ("one", "three")),
        (Delivery(max_packet_life_time=100), ("one", "three")),
        (Delivery(max_packet_life_time=0), ("one", "three")),
    ],
)
async def test_a_message_lost_on_the_way_to_the_subscriber_is_treated_as_its_policy_says(
    sfu, peers, delivery, heard
):
    alice, bob = peers
    carry(sfu, delivery)
    voice = alice.channel(1, delivery)
    bob.channel(2, delivery)
    voice.send("one")
    await bob.hears("one")
    bob.loses = 1
    voice.send("two")
    voice.send("three")
    await bob.until(lambda: not bob.loses)
    await bob.hears(*heard)
    voice.send("end")
    await bob.hears(*heard, "end")


async def test_channels_are_told_to_be_open_once_both_ends_have_them(sfu, peers):
    alice, _ = peers
    carry(sfu)
    await alice.until(lambda: {("opened 1", "alice"), ("opened 2", "bob")} <= set(sfu.events.seen))
    sfu.apply("alice")
    await asyncio.sleep(0.05)
    assert sfu.events.seen.count(("opened 1", "alice")) == 1


async def test_a_channel_of_the_service_is_announced_in_band(sfu, peers):
    alice, _ = peers
    announced: list[RTCDataChannel] = []
    alice.sctp.on("datachannel", announced.append)
    sfu.channels["alice"] = (Channel(0, "server-events", announced=True),)
    sfu.apply("alice")
    await alice.until(lambda: ("opened 0", "alice") in sfu.events.seen)
    assert [(channel.id, channel.label) for channel in announced] == [(0, "server-events")]


async def test_a_message_longer_than_the_endpoint_takes_is_dropped(sfu, peers):
    alice, bob = peers
    carry(sfu)
    voice = alice.channel(1)
    bob.channel(2)
    alice.sctp._remote_max_message_size = 262_144
    voice.send(b"x" * 65_537)
    voice.send(b"x" * 65_536)
    await bob.hears(b"x" * 65_536)


async def test_an_id_that_the_endpoint_took_for_itself_is_told_to_be_closed(sfu, peers):
    alice, _ = peers
    own = RTCDataChannel(alice.sctp, RTCDataChannelParameters(label="own"))
    await alice.until(lambda: own.readyState == "open")
    sfu.channels["alice"] = (Channel(own.id, "chat"),)
    for _ in range(2):
        sfu.apply("alice")
        await asyncio.sleep(0)
    assert sfu.events.seen.count((f"closed {own.id}", "alice")) == 1


async def test_a_subscriber_that_never_takes_anything_loses_a_reliable_channel(sfu, peers, monkeypatch):
    alice, bob = peers
    monkeypatch.setattr(data_association, "MAX_BACKLOG", 20_000)
    carry(sfu)
    voice = alice.channel(1)
    bob.channel(2)
    sfu.plane.cut("bob")
    for _ in range(10):
        voice.send(b"x" * 10_000)
    await alice.until(lambda: ("closed 2", "bob") in sfu.events.seen)
    assert ("closed 1", "alice") not in sfu.events.seen


async def test_a_subscriber_that_never_takes_anything_misses_messages_that_may_be_lost(
    sfu, peers, monkeypatch
):
    alice, bob = peers
    monkeypatch.setattr(data_association, "MAX_BACKLOG", 20_000)
    carry(sfu, Delivery(max_retransmits=1))
    voice = alice.channel(1, Delivery(max_retransmits=1))
    bob.channel(2, Delivery(max_retransmits=1))
    sfu.plane.cut("bob")
    for _ in range(10):
        voice.send(b"x" * 10_000)
    voice.send("last")
    await alice.until(lambda: not voice.bufferedAmount)
    await asyncio.sleep(0.2)
    assert ("closed 2", "bob") not in sfu.events.seen


@pytest.mark.parametrize(
    ("protocol", "data"),
    [(51, b"\xff"), (50, b"\x03" + b"\0" * 11), (50, b"\x03" + b"\xff" * 20), (50, b"\x02"), (50, b"")],
)
async def test_a_message_that_is_none_is_dropped_and_the_next_is_heard(sfu, peers, protocol, data):
    alice, bob = peers
    carry(sfu)
    voice = alice.channel(1)
    bob.channel(2)
    for stream in (1, 9):
        await alice.sctp._send(stream, protocol, data or b"\0")
    voice.send("hello")
    await bob.hears("hello")


async def test_garbage_in_sctp_ends_neither_the_transport_nor_anyone_elses(sfu, peers):
    alice, bob = peers
    carry(sfu)
    bob.channel(2)
    tag = alice.sctp._remote_verification_tag
    for kind, length in itertools.product(CHUNK_TYPES, (0, 1, 3, 8, 19)):
        chunk = Chunk(255, b"\xff" * length)
        chunk.type = kind
        await alice.dtls._send_data(serialize_packet(5000, 5000, tag, chunk))
        await alice.dtls._send_data(b"\xff" * (length + 1))
    before = sfu.plane.last_packet("alice", "1")
    await alice.send(
        rtp.write(
            marker=False, payload_type=111, sequence=1, timestamp=1, ssrc=1000, extensions=b"", payload=b"x"
        )
    )
    await alice.until(lambda: sfu.plane.last_packet("alice", "1") != before)
    assert not {("closed", "alice"), ("closed", "bob"), ("closed 2", "bob")} & set(sfu.events.seen)
