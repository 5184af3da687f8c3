"""RTP packets as bytes."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from cfrealtime.emulator.media import rtp

PACKET = {"marker": True, "payload_type": 96, "sequence": 7, "timestamp": 9, "ssrc": 11}
elements = st.lists(st.tuples(st.integers(1, 14), st.binary(min_size=1, max_size=40)))


@given(elements, st.binary())
def test_what_is_written_is_read(listed, payload):
    data = rtp.write(**PACKET, extensions=rtp.write_elements(listed), payload=payload)
    packet = rtp.parse(data)
    assert packet == rtp.Packet(**PACKET, elements=listed or (), payload=payload)


@given(st.binary(max_size=60) | st.binary(max_size=60).map(lambda rest: b"\xb1\x60" + rest))
def test_any_bytes_are_a_packet_or_none(data):
    packet = rtp.parse(data)
    assert packet is None or len(packet.payload) <= len(data) - 12


def test_padding_and_contributing_sources_are_left_out():
    plain = rtp.write(**PACKET, extensions=b"", payload=b"")
    data = bytes((0xA1,)) + plain[1:] + b"csrc" + b"media" + b"\0\0\3"
    assert rtp.parse(data).payload == b"media"


def test_a_value_too_long_for_the_short_form_takes_the_long_one():
    assert rtp.write_elements([(1, b"a")]) == b"\xbe\xde\x00\x01\x10a\0\0"
    assert rtp.write_elements([(1, b"a" * 17)])[:2] == b"\x10\x00"
    assert rtp.write_elements([(15, b"a")])[:2] == b"\x10\x00"
    assert rtp.write_elements([]) == b""


def test_a_retransmission_carries_the_original():
    wrapped = rtp.Packet(True, 97, 500, 9, 12, (), rtp.wrap_rtx(7, b"media"))
    assert rtp.unwrap_rtx(wrapped, 11, 96) == rtp.Packet(**PACKET, elements=(), payload=b"media")


def test_a_retransmission_of_nothing_is_a_probe():
    assert rtp.unwrap_rtx(rtp.Packet(True, 97, 500, 9, 12, (), b"\0\7"), 11, 96) is None


@given(st.integers(-(2**40), 2**40), st.integers(-0x7FFF, 0x7FFF))
def test_sequence_numbers_are_unwrapped_to_the_nearest(near, distance):
    assert rtp.unwrap_sequence((near + distance) & 0xFFFF, near) == near + distance
