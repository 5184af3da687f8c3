"""Packets are what protobuf says they are, whatever bytes come, and sound is cut into what fits."""

from __future__ import annotations

import copy
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cfrealtime.errors import PacketError, RealtimeError
from cfrealtime.packets import (
    MAX_MESSAGE_BYTES,
    MAX_PAYLOAD_BYTES,
    PCM,
    Packet,
    decode_packet,
    encode_packet,
    pcm_duration,
    pcm_packets,
)

# Written by Google's protobuf 7.36 for the message with uint32 1 and 2 and bytes 5.
WRITTEN_BY_GOOGLE = [
    (Packet(b""), ""),
    (Packet(b"\x01\x02\x03\x04", 1, 960), "080110c0072a0401020304"),
    (Packet(b"x", 2**32 - 1, 2**32 - 1), "08ffffffff0f10ffffffff0f2a0178"),
    (Packet(bytes(128), 300), "08ac022a8001" + "00" * 128),
    (Packet(b"", 0, 5), "1005"),
]
UINT32 = st.integers(0, 2**32 - 1)
PACKETS = st.builds(Packet, st.binary(max_size=300), UINT32, UINT32)


def varint(value):
    low, high = value & 0x7F, value >> 7
    return bytes([low | 0x80]) + varint(high) if high else bytes([low])


def tag(number, kind):
    return varint(number << 3 | kind)


def number_field(number, value):
    return tag(number, 0) + varint(value)


def bytes_field(number, value):
    return tag(number, 2) + varint(len(value)) + value


def group(number, inside):
    return tag(number, 3) + inside + tag(number, 4)


NUMBERS = st.integers(1, 2**29 - 1)
# Fields that no packet has: other numbers, and our numbers with types that are not theirs.
SCALARS = st.one_of(
    st.builds(number_field, NUMBERS.filter(lambda n: n not in {1, 2}), st.integers(0, 2**64 - 1)),
    st.builds(bytes_field, NUMBERS.filter(lambda n: n != 5), st.binary(max_size=20)),
    st.builds(lambda number, value: tag(number, 1) + value, NUMBERS, st.binary(min_size=8, max_size=8)),
    st.builds(lambda number, value: tag(number, 5) + value, NUMBERS, st.binary(min_size=4, max_size=4)),
)
ANY_FIELD = (
    SCALARS
    | st.builds(number_field, st.sampled_from([1, 2]), UINT32)
    | st.builds(bytes_field, st.just(5), st.binary())
)
UNKNOWN = SCALARS | st.recursive(
    st.builds(group, NUMBERS, ANY_FIELD),
    lambda inside: st.builds(group, NUMBERS, st.lists(inside, max_size=2).map(b"".join)),
    max_leaves=4,
)


@pytest.mark.parametrize(("packet", "written"), WRITTEN_BY_GOOGLE)
def test_messages_are_those_of_googles_library(packet, written):
    assert encode_packet(packet).hex() == written
    assert decode_packet(bytes.fromhex(written)) == packet


@given(PACKETS)
def test_what_is_written_is_read_back(packet):
    assert decode_packet(encode_packet(packet)) == packet


@given(PACKETS, st.lists(UNKNOWN, max_size=3), st.randoms(use_true_random=False))
def test_order_and_unknown_fields_do_not_matter(packet, unknown, random):
    fields = [
        number_field(1, packet.sequence_number),
        number_field(2, packet.timestamp),
        bytes_field(5, packet.payload),
        *unknown,
    ]
    random.shuffle(fields)
    assert decode_packet(b"".join(fields)) == packet


@given(PACKETS, PACKETS)
def test_of_a_repeated_field_the_last_wins(first, last):
    whole = (
        number_field(1, last.sequence_number) + number_field(2, last.timestamp) + bytes_field(5, last.payload)
    )
    assert decode_packet(encode_packet(first) + whole) == last


@given(PACKETS.map(encode_packet), st.data())
def test_a_message_cut_anywhere_is_a_shorter_packet_or_refused(message, data):
    cut = message[: data.draw(st.integers(0, len(message)))]
    try:
        packet = decode_packet(cut)
    except PacketError:
        return
    assert len(encode_packet(packet)) == len(cut)


@given(st.binary(max_size=60) | st.lists(ANY_FIELD | UNKNOWN | st.binary(max_size=4)).map(b"".join))
def test_any_bytes_are_a_packet_or_one_error(data):
    try:
        packet = decode_packet(data)
    except PacketError:
        return
    assert decode_packet(encode_packet(packet, limit=None)) == packet


@pytest.mark.parametrize(
    "message",
    [
        "08",  # a number that is missing
        "0880",  # a number that does not end
        "08" + "80" * 10 + "01",  # a number of eleven bytes
        "2a05ffff",  # a payload that is shorter than it says
        "2affffffff0f",  # a payload of 4 GB
        "2a828080808000ffff",  # a length of six bytes
        "2a",  # a payload without a length
        "0a05",  # an unknown field that is cut off
        "0900000000",  # eight bytes of which four are there
        "0d0000",  # four bytes of which two are there
        "00",  # field 0
        "0000",  # field 0 with a value
        "888080808001",  # a tag of six bytes
        "8880808010ff",  # a field number beyond the last
        "0e00",  # type 6
        "0f00",  # type 7
        "1b",  # a group that does not end
        "1b24",  # a group that ends as another
        "1c",  # the end of no group
        "1b1c1c",  # a group that ends twice
    ],
)
def test_malformed_messages_are_refused(message):
    with pytest.raises(PacketError, match="no packet"):
        decode_packet(bytes.fromhex(message))


@pytest.mark.parametrize("value", [2**32 + 7, 2**64 - 2**32 + 7])
def test_a_number_that_is_too_long_keeps_its_lower_32_bits(value):
    assert decode_packet(number_field(1, value)).sequence_number == 7


def test_numbers_of_a_packet_wrap_around():
    assert Packet(b"", 2**32, 2**32 + 1) == Packet(b"", 0, 1)


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
def test_any_kind_of_bytes_is_taken(kind):
    packet = Packet(kind(b"sound"), 1)
    assert packet == Packet(b"sound", 1)
    assert decode_packet(kind(encode_packet(packet))) == packet


@pytest.mark.parametrize("wrong", ["text", 5, None])
def test_what_is_not_bytes_is_a_mistake_of_the_program(wrong):
    with pytest.raises(TypeError):
        Packet(wrong)
    with pytest.raises(TypeError):
        decode_packet(wrong)


def test_a_packet_shows_the_length_of_its_payload_alone():
    assert repr(Packet(b"secret", 1, 2)) == "Packet(payload=<6 bytes>, sequence_number=1, timestamp=2)"


def test_packets_can_be_hashed_copied_and_pickled():
    packet = Packet(b"sound", 1, 2)
    assert pickle.loads(pickle.dumps(packet)) == copy.deepcopy(packet) == packet
    assert hash(copy.deepcopy(packet)) == hash(packet)


def test_the_error_is_one_of_the_sdks_and_a_value_error():
    assert issubclass(PacketError, RealtimeError)
    assert issubclass(PacketError, ValueError)


def test_the_longest_payload_fits_with_any_numbers_and_is_whole_frames():
    longest = Packet(bytes(MAX_PAYLOAD_BYTES), 2**32 - 1, 2**32 - 1)
    assert len(encode_packet(longest)) == MAX_MESSAGE_BYTES
    assert MAX_PAYLOAD_BYTES % PCM.frame_bytes == 0


def test_a_longer_message_is_refused_unless_the_service_is_played():
    jpeg = Packet(bytes(MAX_MESSAGE_BYTES), timestamp=1)
    with pytest.raises(PacketError, match="32006 bytes is longer than the 32000"):
        encode_packet(jpeg)
    assert decode_packet(encode_packet(jpeg, limit=None)) == jpeg


def test_the_form_of_sound_is_the_documented_one():
    assert (PCM.sample_rate, PCM.channels, PCM.sample_bytes, PCM.byte_order) == (48_000, 2, 2, "little")
    assert PCM.frame_bytes == 4
    assert pcm_duration(192_000) == 1.0


@given(st.integers(0, 3000), st.integers(1, 400), PACKETS)
def test_cut_sound_is_whole_and_counted_on_from_the_packet_before(length, frames, before):
    pcm = bytes(index % 251 for index in range(length * PCM.frame_bytes))
    cut = list(pcm_packets(pcm, after=before, frames=frames))
    sequence_number = before.sequence_number
    timestamp = before.timestamp + len(before.payload) // PCM.frame_bytes
    assert b"".join(packet.payload for packet in cut) == pcm
    for packet in cut:
        sequence_number += 1
        assert (packet.sequence_number, packet.timestamp) == (sequence_number % 2**32, timestamp % 2**32)
        assert 0 < len(packet.payload) <= frames * PCM.frame_bytes
        timestamp += len(packet.payload) // PCM.frame_bytes


def test_sound_is_cut_into_20_milliseconds_from_zero():
    cut = list(pcm_packets(bytes(192_000)))
    assert len(cut) == 50
    assert {pcm_duration(len(packet.payload)) for packet in cut} == {0.02}
    assert (cut[0].sequence_number, cut[0].timestamp) == (0, 0)
    assert (cut[-1].sequence_number, cut[-1].timestamp) == (49, 49 * 960)


def test_the_longest_pieces_of_sound_can_be_sent():
    cut = list(pcm_packets(bytes(100_000), frames=MAX_PAYLOAD_BYTES // PCM.frame_bytes))
    assert len(cut) == 4
    assert all(len(encode_packet(packet)) <= MAX_MESSAGE_BYTES for packet in cut)


def test_half_a_frame_is_refused_at_once():
    with pytest.raises(PacketError, match="whole frames"):
        pcm_packets(bytes(6))


@pytest.mark.parametrize("frames", [0, -1, MAX_PAYLOAD_BYTES // 4 + 1])
def test_pieces_that_cannot_be_sent_are_refused_at_once(frames):
    with pytest.raises(PacketError, match="frames"):
        pcm_packets(bytes(4), frames=frames)
