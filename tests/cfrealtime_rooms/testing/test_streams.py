"""A clip as packets, and packets counted."""

from __future__ import annotations

from itertools import pairwise

import pytest

from cfrealtime_rooms.testing import rtp, sdp
from cfrealtime_rooms.testing.media import synthetic
from cfrealtime_rooms.testing.streams import ReceiveStream, SendStream


def sender(kind: str, *, muted: bool = False) -> SendStream:
    (section,) = sdp.add((), "0", "camera", kind, (10, 11))
    return SendStream(section, synthetic("camera", kind), muted=muted, now=100.0)


def frames(stream: SendStream, count: int) -> list[list[rtp.Packet]]:
    return [[rtp.parse(data) for data in stream.frame(stream.due)] for _ in range(count)]


def key_frames(sent: list[list[rtp.Packet]]) -> list[int]:
    return [at for at, packets in enumerate(sent) if rtp.vp8_key_frame(packets[0].payload)]


def feed(stream: ReceiveStream, sent: list[list[rtp.Packet]], drop: int | None = None) -> list[rtp.Packet]:
    packets = [packet for frame in sent for packet in frame]
    for at, packet in enumerate(packets):
        if at != drop:
            stream.packet(packet, 100, None, 1.0)
    return packets


def test_a_clip_loops_with_rising_numbers():
    sent = frames(sender("video"), 40)
    packets = [packet for frame in sent for packet in frame]
    assert key_frames(sent) == [0, 30]
    assert {(b.sequence - a.sequence) & 0xFFFF for a, b in pairwise(packets)} == {1}
    assert {(b[0].timestamp - a[0].timestamp) for a, b in pairwise(sent)} == {6000}
    assert [packet.marker for packet in sent[0]] == [False, True]


def test_a_key_frame_comes_when_asked_for():
    stream = sender("video")
    frames(stream, 5)
    now = stream.due + 0.01
    stream.key_frame(now)
    assert stream.due == now
    assert key_frames(frames(stream, 2)) == [0]


def test_a_key_frame_that_just_left_is_not_sent_twice():
    stream = sender("video")
    frames(stream, 1)
    stream.key_frame(100.05)
    assert key_frames(frames(stream, 5)) == []


def test_a_stall_is_not_made_up_for_in_a_burst():
    stream = sender("audio")
    list(stream.frame(130.0))
    assert stream.due == pytest.approx(130.02)


def test_muted_sound_is_silence_and_says_so():
    stream = sender("audio")
    assert frames(stream, 1)[0][0].extensions[1][0] & 0x7F == 30
    stream.mute(101.0, muted=True)
    assert frames(stream, 1)[0][0].extensions[1] == b"\x7f"


def test_a_camera_that_is_off_sends_one_key_frame_a_second():
    stream = sender("video", muted=True)
    assert key_frames(frames(stream, 3)) == [0, 1, 2]
    assert stream.due == pytest.approx(103.0)


def test_a_missing_packet_comes_again_as_rtx_and_is_counted_once():
    stream, receiver = sender("video"), ReceiveStream("0", "video")
    packets = feed(receiver, frames(stream, 3), drop=2)
    missing = receiver.to_ask()
    assert missing == [packets[2].sequence]
    assert receiver.to_ask() == []
    (again,) = (rtp.parse(data) for data in stream.retransmit(missing))
    assert (again.ssrc, again.payload_type) == (11, 97)
    for _ in range(2):
        receiver.retransmission(again, 100, 2.0)
    assert receiver.received.packets == len(packets)
    assert receiver.received.frames == 3


def test_what_never_comes_is_lost():
    stream, receiver = sender("video"), ReceiveStream("0", "video")
    packets = feed(receiver, frames(stream, 600), drop=2)
    assert receiver.received.lost == 1
    assert receiver.reception(1.0).lost == 1
    assert receiver.received.packets == len(packets) - 1


def test_a_new_stream_on_a_section_is_no_gap():
    receiver = ReceiveStream("0", "video")
    feed(receiver, frames(sender("video"), 3))
    packet = rtp.parse(rtp.build(96, 40000, 1, 99, b"\x10\x11", b"", marker=True))
    receiver.packet(packet, 100, None, 1.0)
    assert receiver.to_ask() == []
    assert receiver.ssrc == 99


def test_a_picture_without_a_key_frame_wants_one():
    receiver = ReceiveStream("0", "video")
    assert not receiver.wants_key_frame
    sent = frames(sender("video"), 31)
    feed(receiver, sent[1:30])
    assert receiver.wants_key_frame
    assert not receiver.received.decodable
    feed(receiver, sent[30:])
    assert receiver.received.decodable
    assert receiver.received.size == (320, 240)
