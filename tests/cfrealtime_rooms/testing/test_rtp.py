"""Packets as bytes."""

from __future__ import annotations

import pytest
from aiortc import rtp as aiortc_rtp

from cfrealtime_rooms.testing import rtp


def test_a_packet_is_read_as_it_was_built():
    block = rtp.extension_block([(4, b"s0"), (1, b"\x1e")])
    data = rtp.build(96, 65536 + 7, 2**32 + 9, 77, b"payload", block, marker=True)
    assert rtp.parse(data) == rtp.Packet(96, True, 7, 9, 77, {4: b"s0", 1: b"\x1e"}, b"payload")


def test_padding_is_taken_off():
    data = bytearray(rtp.build(96, 1, 2, 3, b"abc\x00\x00\x03", b"", marker=False))
    data[0] |= 0x20
    assert rtp.parse(bytes(data)).payload == b"abc"


@pytest.mark.parametrize("data", [b"", b"\x80" * 11, b"\x00" * 20, b"\x90" + bytes(11)])
def test_what_is_no_packet_is_none(data: bytes):
    assert rtp.parse(data) is None


def test_a_key_frame_tells_its_size():
    frame = b"\x10\x02\x00\x9d\x01\x2a" + (640).to_bytes(2, "little") + (360).to_bytes(2, "little")
    assert rtp.vp8_key_frame(b"\x10" + frame) == (640, 360)
    assert rtp.vp8_key_frame(b"\x90\x80\x81\x02" + frame) == (640, 360)
    assert rtp.vp8_key_frame(b"\x00" + frame) is None
    assert rtp.vp8_key_frame(b"\x10\x11" + frame[1:]) is None


def test_reports_are_what_an_rtcp_stack_reads():
    data = rtp.sender_report(7, 1_700_000_000.5, 90, 3, 400, "ann") + rtp.receiver_report(
        7, [rtp.Reception(9, lost=2, highest=65540, last_report=5, delay=6)]
    )
    sender, names, receiver = aiortc_rtp.RtcpPacket.parse(data)
    assert (sender.ssrc, sender.sender_info.packet_count, sender.sender_info.octet_count) == (7, 3, 400)
    assert names.chunks[0].items == [(1, b"ann")]
    assert (receiver.reports[0].packets_lost, receiver.reports[0].highest_sequence) == (2, 65540)
    assert [one.kind for one in rtp.feedback(data)] == ["sender_report"]


def test_requests_are_read_back():
    data = rtp.key_frame_request(1, 9) + rtp.nack(1, 9, [5, 70000])
    assert list(rtp.feedback(data)) == [
        rtp.Feedback("key_frame", 9),
        rtp.Feedback("nack", 9, (5, 70000 & 0xFFFF)),
    ]


def test_a_nack_with_a_bit_mask_names_all_it_misses():
    data = bytes(aiortc_rtp.RtcpRtpfbPacket(fmt=1, ssrc=1, media_ssrc=9, lost=[65530, 65531, 65535]))
    assert next(rtp.feedback(data)).sequences == (65530, 65531, 65535)
