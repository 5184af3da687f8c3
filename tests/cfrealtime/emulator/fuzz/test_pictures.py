"""Coded pictures and sound that are nearly right, or claim to be more than anybody can show."""

from __future__ import annotations

from contextlib import suppress

import av
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cfrealtime.emulator.adapters.codecs import OpusDecoder, UndecodableError, VideoDecoder, jpeg
from tests.cfrealtime.emulator.adapters.coding import Camera
from tests.cfrealtime.emulator.fuzz.street import mutations, some

KEYS = {codec: Camera(codec, 64, 48).frame() for codec in ("vp8", "vp9", "h264")}
CODED = st.sampled_from(list(KEYS)).flatmap(
    lambda codec: st.tuples(st.just(codec), st.lists(mutations(KEYS[codec]), min_size=1, max_size=4))
)


@some(60)
@given(coded=CODED)
def test_any_picture_is_shown_or_cannot_be_decoded(coded):
    codec, frames = coded
    decoder = VideoDecoder(codec)
    for frame in frames:
        with suppress(UndecodableError):
            picture = decoder.decode(frame)
            assert picture is None or jpeg(picture).startswith(b"\xff\xd8")


@some(60)
@given(frames=st.lists(st.binary(max_size=80), max_size=10))
def test_any_sound_is_heard_or_cannot_be_decoded(frames):
    decoder = OpusDecoder()
    for frame in frames:
        with suppress(UndecodableError):
            decoder.decode(frame)


def test_a_few_octets_make_no_picture_of_64_megapixels():
    enormous = bytearray(KEYS["vp8"])
    enormous[6:10] = (8000).to_bytes(2, "little") * 2  # width and height
    with pytest.raises(UndecodableError):
        VideoDecoder("vp8").decode(bytes(enormous))


def test_a_picture_that_no_jpeg_can_hold_is_like_one_that_cannot_be_decoded():
    with pytest.raises(UndecodableError):
        jpeg(av.VideoFrame(66_000, 16, "yuv420p"))
