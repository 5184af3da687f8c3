"""Where key frames start, by codec."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cfrealtime.emulator.media.keyframes import starts_key_frame

CASES = [
    ("vp8/90000", b"\x10\x00", True),
    ("vp8/90000", b"\x10\x01", False),
    ("vp8/90000", b"\x00\x00", False),  # the frame goes on
    ("vp8/90000", b"\x90\xf0\x81\x23\x05\x20\x00", True),  # all optional fields
    ("vp8/90000", b"\x90\xf0\x81\x23\x05\x20\x01", False),
    ("vp8/90000", b"\x90\x80\x07\x00", True),  # a short picture id
    ("h264/90000;x", b"\x67\x42", True),
    ("h264/90000;x", b"\x65\x88", False),  # a picture without its parameters
    ("h264/90000;x", b"\x78\x00\x02\x67\x42\x00\x02\x68\xce", True),
    ("h264/90000;x", b"\x78\x00\x02\x09\xf0\x00\x02\x67\x42", True),  # a delimiter comes first
    ("h264/90000;x", b"\x78\x00\x02\x41\x9a", False),
    ("h264/90000;x", b"\x7c\x87", True),
    ("h264/90000;x", b"\x7c\x07", False),
    ("vp9/90000;x", b"\x08\x00", True),
    ("vp9/90000;x", b"\x48\x00", False),  # predicted
    ("vp9/90000;x", b"\x00\x00", False),  # the frame goes on
    ("vp9/90000;x", b"\xa8\x81\x00\x00", True),
    ("vp9/90000;x", b"\xa8\x81\x00\x02", False),  # an upper spatial layer
    ("av1/90000;x", b"\x18\x00", True),
    ("av1/90000;x", b"\x10\x00", False),
    ("h265/90000;x", b"\x40\x01\x0c", True),
    ("h265/90000;x", b"\x42\x01\x01", False),  # parameters without the first of their sets
    ("h265/90000;x", b"\x26\x01\xaf", False),  # a picture without its parameters
    ("h265/90000;x", b"\x60\x01\x00\x03\x46\x01\x50\x00\x03\x40\x01\x0c", True),  # after a delimiter
    ("h265/90000;x", b"\x60\x01\x00\x03\x02\x01\xd0", False),
    ("h265/90000;x", b"\x62\x01\xa0", True),
    ("h265/90000;x", b"\x62\x01\x20", False),  # the parameters go on
    ("av1/90000;x", b"\x90\x00", False),  # the rest of an element
    ("opus/48000/2", b"\x00", True),
]


@pytest.mark.parametrize(("key", "payload", "expected"), CASES)
def test_key_frames_are_told_from_others(key, payload, expected):
    assert starts_key_frame(key, payload) is expected


@given(st.sampled_from(["vp8/", "h264/", "h265/", "vp9/", "av1/"]), st.binary(max_size=8))
def test_any_payload_is_one_or_none(key, payload):
    assert starts_key_frame(key, payload) in (True, False)
