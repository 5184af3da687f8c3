"""From RTP packets to frames, and to pictures: in order, whole, and never from the middle."""

from __future__ import annotations

import random
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cfrealtime.emulator.adapters.codecs import OpusDecoder, UndecodableError, VideoDecoder, jpeg
from cfrealtime.emulator.adapters.frames import AUDIO_PATIENCE, MAX_WAITING, VIDEO_PATIENCE, Frames
from cfrealtime.emulator.adapters.payloads import unpacked
from cfrealtime.emulator.media import rtp
from tests.cfrealtime.emulator.adapters.coding import HEIGHT, WIDTH, Camera, packets, payloads

CODECS = ("vp8", "vp9", "h264", "h265")


def sound(sequence: int, payload: bytes = b"x", payload_type: int = 96) -> bytes:
    return rtp.write(
        marker=False,
        payload_type=payload_type,
        sequence=sequence,
        timestamp=960 * sequence,
        ssrc=1,
        extensions=b"",
        payload=payload,
    )


def indices(frames: Frames, *sequences: int, now: float = 0.0) -> list[int]:
    return [frame.index for n in sequences for frame in frames.put(sound(n), now)]


def audio() -> Frames:
    return Frames({96: "opus"}, video=False)


def video(codec: str) -> Frames:
    return Frames({96: codec}, video=True)


def stream(codec: str, count: int, *, keys: tuple[int, ...] = ()) -> list[list[bytes]]:
    """The packets of some frames, frame by frame."""
    camera, made, sequence = Camera(codec), list[list[bytes]](), 65_530  # across the wrap
    for number in range(count):
        coded = camera.frame(key=number in keys)
        made.append(packets(codec, coded, first=sequence, timestamp=6000 * number, payload_type=96, size=60))
        sequence += len(made[-1])
    return made


def flat(frames: Iterable[list[bytes]]) -> list[bytes]:
    return [packet for data in frames for packet in data]


def timestamps(frames: Frames, data: list[bytes], now: float = 0.0) -> list[int]:
    return [frame.timestamp // 6000 for packet in data for frame in frames.put(packet, now)]


def test_packets_out_of_order_are_put_in_order_and_repeated_ones_left_out():
    assert indices(audio(), 65_535, 1, 1, 0, 65_535, 3, 2) == [65_535, 65_536, 65_537, 65_538, 65_539]


def test_a_missing_packet_is_given_up_after_a_while():
    frames = audio()
    assert indices(frames, 0, 2, 3, now=0.0) == [0]
    assert indices(frames, 4, now=AUDIO_PATIENCE - 0.001) == []
    assert indices(frames, 6, now=AUDIO_PATIENCE) == [2, 3, 4]
    assert indices(frames, 1, 7, now=AUDIO_PATIENCE) == []
    assert indices(frames, 8, now=2 * AUDIO_PATIENCE) == [6, 7, 8]


def test_more_than_can_be_kept_is_not_waited_for():
    frames = audio()
    assert indices(frames, 0, *range(2, MAX_WAITING + 3)) == [0, *range(2, MAX_WAITING + 3)]


def test_numbers_that_jump_back_are_a_new_start():
    frames = audio()
    assert indices(frames, 30_000, 29_999, 20_000, 20_001) == [30_000, 20_000, 20_001]


def test_what_is_not_media_is_ignored():
    frames = audio()
    for data in (b"", b"\x80\xc8\0\x06" + bytes(24), sound(0, payload_type=72), sound(0, payload=b"")):
        assert list(frames.put(data, 0.0)) == []
    assert indices(frames, 5) == [5]


@pytest.mark.parametrize("codec", CODECS)
def test_frames_come_out_as_they_were_cut_and_are_decodable(codec):
    made, frames, decoder = stream(codec, 10), video(codec), VideoDecoder(codec)
    pictures = [
        decoder.decode(frame.data) for data in made for packet in data for frame in frames.put(packet, 0.0)
    ]
    assert [(p.width, p.height) for p in pictures] == [(WIDTH, HEIGHT)] * 10
    for number, picture in enumerate(pictures):
        assert bytes(picture.planes[0])[0] == pytest.approx(Camera.grey(number), abs=6)
    assert not frames.broken


@pytest.mark.parametrize("codec", CODECS)
def test_nothing_is_given_before_a_key_frame(codec):
    made, frames = stream(codec, 6, keys=(4,)), video(codec)
    assert timestamps(frames, flat(made[1:4])) == []
    assert frames.broken
    assert timestamps(frames, flat(made[4:])) == [4, 5]
    assert not frames.broken


@pytest.mark.parametrize("codec", CODECS)
def test_after_a_loss_the_next_key_frame_is_waited_for(codec):
    made, frames = stream(codec, 8, keys=(5,)), video(codec)
    made[2] = made[2][1:]
    assert timestamps(frames, flat(made[:4])) == [0, 1]
    assert timestamps(frames, made[4], now=VIDEO_PATIENCE) == []
    assert frames.broken
    assert timestamps(frames, flat(made[5:]), now=VIDEO_PATIENCE) == [5, 6, 7]


def test_what_is_sent_again_in_time_is_no_loss():
    made, frames = stream("vp8", 6), video("vp8")
    late = made[2].pop(0)
    assert timestamps(frames, flat(made[:4])) == [0, 1]
    assert timestamps(frames, [late], now=VIDEO_PATIENCE - 0.01) == [2, 3]
    assert timestamps(frames, flat(made[4:]), now=VIDEO_PATIENCE) == [4, 5]


@given(st.randoms(use_true_random=False))
def test_shuffled_packets_of_a_few_frames_give_the_same_frames(chance: random.Random):
    data = flat(STREAM[1:])
    chance.shuffle(data)
    assert timestamps(video("vp8"), STREAM[0] + data) == [0, 1, 2, 3]


STREAM = stream("vp8", 4)


@given(st.sampled_from(CODECS), st.binary(max_size=40))
def test_any_payload_is_unpacked_or_refused(codec, payload):
    try:
        assert isinstance(unpacked(codec, payload), bytes)
    except ValueError:
        assert not list(video(codec).put(sound(0, payload), 0.0))


@given(st.lists(st.tuples(st.integers(0, 65_535), st.binary(max_size=12)), max_size=30))
def test_any_packets_are_taken(data):
    frames = video("h264")
    for sequence, payload in data:
        assert len(list(frames.put(sound(sequence, payload), 0.0))) == 0


def test_vp9_in_flexible_mode_names_its_references():
    (coded,) = payloads("vp9", Camera("vp9").frame(), 100_000)
    body = unpacked("vp9", coded)
    assert unpacked("vp9", bytes((0xD8, 0x12, 0x03, 0x05, 0x02)) + body) == body  # a short picture id
    assert unpacked("vp9", bytes((0x30, 0x20)) + body) == body  # layers without the base frame's index


def test_vp9_describes_any_number_of_layers_and_pictures():
    sizes, group = (
        bytes(8),
        bytes((2, 0x0C, 1, 2, 3, 0x04, 1)),
    )  # two layers; pictures with 3 and 1 references
    assert unpacked("vp9", bytes((0x0A, 0x38)) + sizes + group + b"frame") == b"frame"
    assert unpacked("vp9", bytes((0x0A, 0x20)) + b"frame") == b"frame"


def test_what_cannot_be_decoded_is_said_so():
    for decoder in (OpusDecoder(), *map(VideoDecoder, CODECS)):
        with pytest.raises(UndecodableError):
            decoder.decode(b"\xff\xff\xff\xff")


def test_a_jpeg_shows_the_picture():
    picture = VideoDecoder("vp8").decode(Camera("vp8").frame())
    shown = jpeg(picture)
    assert shown.startswith(b"\xff\xd8")
    assert shown.endswith(b"\xff\xd9")
    (again,) = _decoded(shown)
    assert (again.width, again.height) == (WIDTH, HEIGHT)
    # Limited range became full range, so that grey is still the same grey.
    assert bytes(again.planes[0])[0] == pytest.approx((Camera.grey(0) - 16) * 255 / 219, abs=4)


def _decoded(data: bytes) -> list:
    import av

    return av.CodecContext.create("mjpeg", "r").decode(av.Packet(data))
