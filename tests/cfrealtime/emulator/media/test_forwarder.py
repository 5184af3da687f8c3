"""What is forwarded, in which numbers, and what is asked back. No socket, no clock."""

from __future__ import annotations

import pytest
from attrs import evolve

from cfrealtime.emulator.media import rtcp, rtp
from cfrealtime.emulator.media.forwarder import Forwarder
from cfrealtime.emulator.media.plan import Codec, Receive, Send, Source

MID = "urn:ietf:params:rtp-hdrext:sdes:mid"
RID = "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id"
REPAIRED = "urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id"
LEVEL = "urn:ietf:params:rtp-hdrext:ssrc-audio-level"
KEY, DELTA = b"\x10\x00", b"\x10\x01"
VP8 = Codec(96, "vp8/90000", 90_000, 97)
CAMERA = Receive("1", "video", (VP8,), {MID: 4, RID: 10, REPAIRED: 11}, (1000,), {1000: 1001})
SIMULCAST = evolve(CAMERA, ssrcs=(), rtx_ssrcs={}, rids=("f", "h", "q"))
MIC = Receive("0", "audio", (Codec(111, "opus/48000/2", 48_000),), {MID: 4, LEVEL: 1}, (2000,))
VIEW = Send("s0", "video", 50, 51, (Codec(120, "vp8/90000", 90_000, 121),), {MID: 2}, Source("alice", "1"))
HEAR = Send("s1", "audio", 60, None, (Codec(109, "opus/48000/2", 48_000),), {LEVEL: 3}, Source("alice", "0"))


class Room:
    """A forwarder with a clock of its own, and what it sent."""

    def __init__(self) -> None:
        self.now = 100.0
        self.sent: list[tuple[str, bytes]] = []
        self.forwarder = Forwarder(lambda name: lambda data: self.sent.append((name, data)))

    def join(self, name: str, receives=(), sends=()) -> None:
        self.forwarder.apply(name, receives, sends, self.now)
        self.forwarder.ready(name, self.now)

    def arrive(self, sequence: int, payload: bytes = DELTA, name: str = "alice", **changes) -> None:
        elements = changes.pop("elements", ())
        packet = {"marker": False, "payload_type": 96, "timestamp": 3000 * sequence, "ssrc": 1000}
        packet |= {
            "sequence": sequence,
            "payload": payload,
            "extensions": rtp.write_elements(elements),
        } | changes
        self.forwarder.rtp(name, rtp.write(**packet), self.now)

    def layer(self, rid: str, sequence: int, payload: bytes = DELTA, **changes) -> None:
        ssrc = {"f": 3000, "h": 4000, "q": 5000}[rid]
        self.arrive(sequence, payload, ssrc=ssrc, elements=[(4, b"1"), (10, rid.encode())], **changes)

    def says(self, name: str, data: bytes) -> None:
        self.forwarder.rtcp(name, data, self.now)

    def pass_time(self, seconds: float) -> None:
        for _ in range(round(seconds / 0.05)):
            self.now += 0.05
            self.forwarder.tick(self.now)

    def packets(self, name: str) -> list[rtp.Packet]:
        return [rtp.parse(data) for to, data in self.sent if to == name and not 192 <= data[1] <= 223]

    def feedback(self, name: str) -> list[rtcp.Message]:
        return [m for to, data in self.sent if to == name and 192 <= data[1] <= 223 for m in rtcp.parse(data)]

    def asked(self, ssrc: int = 1000, name: str = "alice") -> int:
        return self.feedback(name).count(rtcp.KeyFrameRequest(ssrc))


@pytest.fixture
def room():
    room = Room()
    room.join("alice", [CAMERA])
    room.join("bob", sends=[VIEW])
    return room


def test_a_subscription_starts_at_a_key_frame_in_its_own_numbers(room):
    room.arrive(7)
    room.arrive(8, KEY)
    room.arrive(9)
    first, second = room.packets("bob")
    assert (first.payload, first.payload_type, first.ssrc) == (KEY, 120, 50)
    assert first.elements == [(2, b"s0")]
    assert second.sequence == first.sequence + 1


def test_audio_starts_at_once_and_keeps_its_extensions():
    room = Room()
    room.join("alice", [MIC])
    room.join("bob", sends=[HEAR])
    room.arrive(1, b"sound", payload_type=111, ssrc=2000, elements=[(1, b"\x20"), (4, b"0")])
    (packet,) = room.packets("bob")
    assert packet.elements == [(3, b"\x20")]
    assert room.asked(2000) == 0


def test_sequence_numbers_wrap(room):
    room.arrive(65534, KEY)
    for sequence in (65535, 0, 1):
        room.arrive(sequence)
    assert [packet.sequence for packet in room.packets("bob")] == [1, 2, 3, 4]


def test_a_late_packet_is_forwarded_in_its_place_but_not_twice(room):
    for sequence in (1, 3, 2, 2):
        room.arrive(sequence, KEY if sequence == 1 else DELTA)
    assert [packet.sequence for packet in room.packets("bob")] == [1, 3, 2]


def test_what_came_before_the_key_frame_is_not_forwarded_later(room):
    room.arrive(5, KEY)
    room.arrive(4)
    assert len(room.packets("bob")) == 1


def test_nothing_is_forwarded_to_a_session_that_is_not_up():
    room = Room()
    room.join("alice", [CAMERA])
    room.forwarder.apply("bob", (), [VIEW], room.now)
    room.arrive(1, KEY)
    assert room.packets("bob") == []
    room.forwarder.ready("bob", room.now)
    room.arrive(2)
    room.arrive(3, KEY)
    assert [packet.payload for packet in room.packets("bob")] == [KEY]


def test_a_codec_that_the_subscriber_lacks_is_not_forwarded(room):
    room.join("alice", [evolve(CAMERA, codecs=(VP8, Codec(98, "vp9/90000;profile-id=0", 90_000)))])
    room.arrive(1, b"\x08\x00", payload_type=98)
    assert room.packets("bob") == []


# Retransmission.


def test_a_nack_is_answered_from_history(room):
    room.arrive(11, KEY)
    room.arrive(12, DELTA + b"twelve")
    room.says("bob", rtcp.nack(9, 50, [2]))
    again = room.packets("bob")[-1]
    assert (again.ssrc, again.payload_type) == (51, 121)
    assert again.payload == b"\x00\x02" + DELTA + b"twelve"


def test_without_retransmission_streams_the_packet_itself_is_sent_again(room):
    codec = evolve(VIEW.codecs[0], rtx_payload_type=None)
    room.forwarder.apply("bob", (), [evolve(VIEW, rtx_ssrc=None, codecs=(codec,))], room.now)
    room.arrive(11, KEY)
    room.says("bob", rtcp.nack(9, 50, [1]))
    first, again = room.packets("bob")
    assert first == again


def test_a_hole_is_asked_for_and_asked_for_again(room):
    room.arrive(1, KEY)
    room.arrive(4)
    assert rtcp.Nack(1000, (2, 3)) in room.feedback("alice")
    room.sent.clear()
    room.pass_time(0.1)
    assert rtcp.Nack(1000, (2, 3)) in room.feedback("alice")


def test_a_hole_that_is_never_filled_ends_in_a_key_frame(room):
    room.arrive(1, KEY)
    room.pass_time(1)
    room.arrive(3)
    room.sent.clear()
    room.pass_time(5)
    assert 1 <= len([m for m in room.feedback("alice") if isinstance(m, rtcp.Nack)]) <= 10
    assert room.asked() == 1


def test_a_retransmission_fills_the_hole(room):
    room.arrive(1, KEY)
    room.arrive(3)
    room.arrive(77, rtp.wrap_rtx(2, DELTA + b"two"), payload_type=97, ssrc=1001)
    assert [(p.sequence, p.payload) for p in room.packets("bob")][-1] == (2, DELTA + b"two")
    room.sent.clear()
    room.pass_time(0.5)
    assert not [m for m in room.feedback("alice") if isinstance(m, rtcp.Nack)]


def test_what_a_subscriber_misses_and_we_miss_too_is_asked_for(room):
    room.arrive(1, KEY)
    room.arrive(3)
    room.pass_time(4)
    room.sent.clear()
    room.says("bob", rtcp.nack(9, 50, [2]))
    assert room.feedback("alice") == [rtcp.Nack(1000, (2,))]


def test_a_probe_is_not_media(room):
    room.arrive(1, KEY)
    room.arrive(77, b"", payload_type=97, ssrc=1001)
    assert len(room.packets("bob")) == 1


def test_a_sender_that_starts_again_far_back_is_followed(room):
    room.arrive(40_000, KEY)
    for sequence in (10_000, 10_001, 10_002):
        room.arrive(sequence, KEY)
    assert [packet.payload for packet in room.packets("bob")] == [KEY, KEY, KEY]


# Key frames.


def test_requests_of_many_subscribers_become_one_now_and_one_later(room):
    room.arrive(1, KEY)
    room.pass_time(1)
    room.sent.clear()
    for _ in range(5):
        room.says("bob", rtcp.key_frame_request(9, 50))
    assert room.asked() == 1
    room.pass_time(0.3)
    assert room.asked() == 2


def test_a_key_frame_in_the_meantime_makes_the_later_request_needless(room):
    room.arrive(1, KEY)
    room.pass_time(1)
    room.sent.clear()
    for _ in range(2):
        room.says("bob", rtcp.key_frame_request(9, 50))
    room.arrive(2, KEY)
    room.pass_time(1)
    assert room.asked() == 1


def test_a_key_frame_that_does_not_come_is_asked_for_again(room):
    for sequence in range(1, 11):
        room.arrive(sequence)
        room.pass_time(0.1)
    assert 5 <= room.asked() <= 8


def test_a_silent_publisher_is_not_asked_on_and_on(room):
    room.pass_time(10)
    assert room.asked() == 1


def test_a_second_subscriber_gets_a_key_frame_of_its_own(room):
    room.arrive(1, KEY)
    room.pass_time(1)
    room.sent.clear()
    room.join("carol", sends=[VIEW])
    assert room.asked() == 1


# Changes.


def test_repointing_stops_the_old_at_once_and_continues_with_the_new(room):
    room.join("carol", [CAMERA])
    room.arrive(1, KEY)
    room.now += 1
    room.forwarder.apply("bob", (), [evolve(VIEW, source=Source("carol", "1"))], room.now)
    room.arrive(2)
    room.arrive(500, DELTA, name="carol")
    assert room.asked(name="carol") == 1
    room.arrive(501, KEY, name="carol")
    first, second = room.packets("bob")
    assert second.sequence == first.sequence + 1
    assert second.timestamp == first.timestamp + 90_000


def test_a_publication_that_goes_and_comes_back_is_followed(room):
    room.arrive(1, KEY)
    room.forwarder.close("alice")
    room.join("alice", [CAMERA])
    room.arrive(900, KEY)
    assert [packet.sequence for packet in room.packets("bob")] == [1, 2]


def test_a_subscription_without_source_is_silent(room):
    room.arrive(1, KEY)
    room.forwarder.apply("bob", (), [evolve(VIEW, source=None)], room.now)
    room.arrive(2, KEY)
    room.says("bob", rtcp.nack(9, 50, [1]))
    assert len(room.packets("bob")) == 1


def test_the_same_picture_applied_again_changes_nothing(room):
    room.arrive(1, KEY)
    room.join_again = room.forwarder.apply("alice", [CAMERA], (), room.now)
    room.forwarder.apply("bob", (), [VIEW], room.now)
    room.arrive(2)
    assert [packet.sequence for packet in room.packets("bob")] == [1, 2]


# Simulcast.


@pytest.fixture
def simulcast():
    room = Room()
    room.join("alice", [SIMULCAST])
    room.join("bob", sends=[evolve(VIEW, rids=("q", "f", "h"))])
    return room


def test_layers_are_known_by_rid_and_remembered_by_ssrc(simulcast):
    simulcast.layer("q", 1, KEY)
    simulcast.arrive(2, DELTA, ssrc=5000)
    assert len(simulcast.packets("bob")) == 2


def test_only_the_preferred_layer_is_forwarded(simulcast):
    for rid in "qhf":
        simulcast.layer(rid, 1, KEY)
    for rid in "qhf":
        simulcast.layer(rid, 2, DELTA + rid.encode())
    assert simulcast.packets("bob")[-1].payload == DELTA + b"q"


def test_a_change_of_layer_waits_for_its_key_frame(simulcast):
    for rid in "qf":
        simulcast.layer(rid, 1, KEY)
    sent = len(simulcast.packets("bob"))
    simulcast.forwarder.apply("bob", (), [evolve(VIEW, rids=("f",))], simulcast.now)
    simulcast.layer("f", 2)
    simulcast.layer("q", 2)
    simulcast.layer("f", 3, KEY + b"f")
    simulcast.layer("q", 3)
    packets = simulcast.packets("bob")
    assert [packet.payload for packet in packets[sent:]] == [DELTA, KEY + b"f"]
    assert [packet.sequence for packet in packets] == list(range(1, len(packets) + 1))


def test_another_layer_takes_over_while_the_preferred_one_is_silent(simulcast):
    simulcast.layer("q", 1, KEY)
    for sequence in range(1, 60):
        simulcast.pass_time(0.1)
        simulcast.layer("h", sequence, KEY + b"h")
    assert simulcast.packets("bob")[-1].payload == KEY + b"h"
    simulcast.layer("q", 2)
    simulcast.pass_time(0.1)
    simulcast.layer("q", 3, KEY + b"q")
    assert simulcast.packets("bob")[-1].payload == KEY + b"q"


def test_a_preference_for_a_layer_that_does_not_exist_falls_back():
    room = Room()
    room.join("alice", [CAMERA])
    room.join("bob", sends=[evolve(VIEW, rids=("x",))])
    room.arrive(1, KEY)
    assert len(room.packets("bob")) == 1


def test_retransmissions_of_a_layer_are_known_by_their_own_extension(simulcast):
    simulcast.layer("q", 1, KEY)
    simulcast.layer("q", 3)
    repaired = rtp.wrap_rtx(2, DELTA + b"two")
    simulcast.arrive(9, repaired, payload_type=97, ssrc=5001, elements=[(4, b"1"), (11, b"q")])
    assert simulcast.packets("bob")[-1].payload == DELTA + b"two"


def test_a_flood_of_streams_is_not_remembered():
    room = Room()
    room.join("alice", [evolve(CAMERA, ssrcs=(), rtx_ssrcs={})])
    room.join("bob", sends=[VIEW])
    for ssrc in range(1, 400):
        room.arrive(1, KEY, ssrc=ssrc)
    assert len(room.packets("bob")) == 256


# Reports.


def test_sender_reports_are_translated(room):
    room.arrive(5, KEY)
    room.says("alice", rtcp.sender_report(1000, 1 << 40, 15_900, 1, 1))
    assert room.feedback("bob") == [rtcp.SenderReport(50, 1 << 40, 15_900)]


def test_the_publisher_is_told_what_was_lost(room):
    for sequence in (1, 2, 4):
        room.arrive(sequence, KEY)
    room.pass_time(1.1)
    report = next(data for to, data in room.sent if to == "alice" and data[1] == 201)
    assert report[12] == 256 // 4
    assert int.from_bytes(report[16:20], "big") == 4


def test_unknown_sessions_and_streams_are_passed_over(room):
    room.arrive(1, KEY, name="nobody")
    room.arrive(1, KEY, payload_type=13, ssrc=8)
    room.says("nobody", rtcp.key_frame_request(1, 1))
    room.says("bob", rtcp.nack(1, 12345, [1]))
    assert room.packets("bob") == []
    assert room.forwarder.last_packet("nobody", "0") is None


@pytest.mark.parametrize("elements", [[(4, b"2")], []])
def test_what_is_still_sent_on_a_section_that_is_gone_is_not_taken_for_another_ones(room, elements):
    other = evolve(CAMERA, mid="2", ssrcs=(7000,), rtx_ssrcs={})
    room.join("alice", [CAMERA, other])
    room.arrive(1, KEY)
    room.arrive(1, KEY, ssrc=7000, elements=elements)
    room.join("alice", [CAMERA])
    room.sent.clear()
    room.arrive(2, b"\x10\x01gone", ssrc=7000, elements=elements)
    room.arrive(2, b"\x10\x01here")
    assert [packet.payload for packet in room.packets("bob")] == [b"\x10\x01here"]
