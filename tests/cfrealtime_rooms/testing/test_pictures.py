"""Drawn media can be decoded and loops cleanly."""

from __future__ import annotations

import av

from cfrealtime_rooms.testing.media import SILENT, Clip
from cfrealtime_rooms.testing.pictures import drawn
from cfrealtime_rooms.testing.rtp import vp8_key_frame


def decoded(clip: Clip) -> list[av.VideoFrame]:
    codec = av.CodecContext.create("vp8", "r")
    data = [b"".join(payload[1:] for payload in frame.payloads) for frame in clip.frames]
    return [picture for one in data for picture in codec.decode(av.Packet(one))]


def test_a_camera_moves_in_its_own_colour_and_starts_with_its_only_key_frame():
    ann = drawn("Ann", (160, 96))("camera", "video")
    key = [bool(vp8_key_frame(frame.payloads[0])) for frame in ann.live.frames]
    assert key == [True] + [False] * (len(key) - 1)
    pictures = decoded(ann.live)
    assert len(pictures) == len(ann.live.frames)
    assert bytes(pictures[0].planes[0]) != bytes(pictures[15].planes[0])
    other = decoded(drawn("Bob", (160, 96))("camera", "video").live)
    assert bytes(pictures[0].planes[1])[0] != bytes(other[0].planes[1])[0]


def test_a_camera_that_is_off_is_black():
    (picture,) = decoded(drawn("Ann", (160, 96))("camera", "video").idle)
    assert max(bytes(picture.planes[0])) < 24


def test_a_voice_speaks_and_pauses():
    voice = drawn("Ann")("microphone", "audio")
    levels = [frame.level for frame in voice.live.frames]
    assert SILENT in levels
    assert min(levels) < 30
    decoder = av.CodecContext.create("opus", "r")
    sound = [frame for one in voice.live.frames for frame in decoder.decode(av.Packet(one.payloads[0]))]
    assert sum(frame.samples for frame in sound) / 48000 > 7


def test_clips_are_made_once():
    media = drawn("Ann", (160, 96))
    assert media("camera", "video") is media("camera", "video")
