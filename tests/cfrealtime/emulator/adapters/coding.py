"""Coded pictures and sound for tests: FFmpeg's encoders, and RTP payloads as browsers would cut them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fractions import Fraction

import av

from cfrealtime.emulator.media import rtp

WIDTH, HEIGHT = 320, 240
CLOCK = 90_000
RATE = 15
_ENCODERS = {"vp8": "libvpx", "vp9": "libvpx-vp9", "h264": "libx264", "h265": "libx265"}
_VPX = {"deadline": "realtime", "lag-in-frames": "0", "cpu-used": "8"}
_OPTIONS = {
    "libvpx": _VPX,
    "libvpx-vp9": _VPX,
    "libx264": {"tune": "zerolatency", "preset": "ultrafast", "forced-idr": "1"},
    "libx265": {
        "tune": "zerolatency",
        "preset": "ultrafast",
        "forced-idr": "1",
        "x265-params": "log-level=none:repeat-headers=1",
    },
}


class Camera:
    """Coded frames of a grey that grows brighter; the first, and any that is asked for, are key frames."""

    def __init__(self, codec: str, width: int = WIDTH, height: int = HEIGHT) -> None:
        name = _ENCODERS[codec]
        self._encoder = av.CodecContext.create(name, "w")
        self._encoder.width, self._encoder.height = width, height
        self._encoder.pix_fmt = "yuv420p"
        self._encoder.time_base = Fraction(1, RATE)
        self._encoder.gop_size = 1000
        self._encoder.options = _OPTIONS[name]
        self._shown = 0

    def frame(self, *, key: bool = False) -> bytes:
        picture = av.VideoFrame(self._encoder.width, self._encoder.height, "yuv420p")
        for plane, value in zip(picture.planes, (self.grey(self._shown), 128, 128), strict=True):
            plane.update(bytes((value,)) * plane.buffer_size)
        picture.pts, picture.time_base = self._shown, Fraction(1, RATE)
        if key:
            picture.pict_type = av.video.frame.PictureType.I
        self._shown += 1
        return b"".join(bytes(packet) for packet in self._encoder.encode(picture))

    @staticmethod
    def grey(number: int) -> int:
        """The brightness of the n-th frame."""
        return 60 + number % 150


def payloads(codec: str, frame: bytes, size: int = 900) -> list[bytes]:
    """The RTP payloads of one frame."""
    return list(_CUTTERS[codec](frame, size))


def packets(
    codec: str, frame: bytes, *, first: int, timestamp: int, payload_type: int, ssrc: int = 1, size: int = 900
) -> list[bytes]:
    """The RTP packets of one frame, the first of them with this sequence number."""
    parts = payloads(codec, frame, size)
    return [
        rtp.write(
            marker=number == len(parts) - 1,
            payload_type=payload_type,
            sequence=first + number,
            timestamp=timestamp,
            ssrc=ssrc,
            extensions=b"",
            payload=part,
        )
        for number, part in enumerate(parts)
    ]


def _chunks(data: bytes, size: int) -> Iterator[tuple[bytes, bool, bool]]:
    """Pieces of some data, each with whether it is the first and the last."""
    for start in range(0, len(data), size):
        yield data[start : start + size], start == 0, start + size >= len(data)


def _vp8(frame: bytes, size: int) -> Iterator[bytes]:
    for part, first, _ in _chunks(frame, size):
        # Extended, with a picture id of two bytes, an index of the base layer's frame, and a layer.
        yield bytes((0x90 if first else 0x80, 0xE0, 0x81, 0x23, 7, 0x20)) + part


def _vp9(frame: bytes, size: int) -> Iterator[bytes]:
    key = not frame[0] & 0x04
    for part, first, last in _chunks(frame, size):
        structure = key and first
        head = 0xA0 | (0 if key else 0x40) | first << 3 | last << 2 | structure << 1
        # A picture id of two bytes, the layer with its base frame's index, and with a key frame the
        # structure: one layer with its size, one picture in the group with one reference.
        yield bytes((head, 0x81, 0x23, 0x00, 5)) + (_STRUCTURE if structure else b"") + part


_STRUCTURE = bytes((0x18, WIDTH >> 8, WIDTH & 255, HEIGHT >> 8, HEIGHT & 255, 1, 0x04, 1))


def _units(stream: bytes) -> list[bytes]:
    """The units of a stream with start codes."""
    return [unit.rstrip(b"\0") for unit in stream.replace(b"\0\0\0\1", b"\0\0\1").split(b"\0\0\1") if unit]


def _h264(frame: bytes, size: int) -> Iterator[bytes]:
    units = _units(frame)
    small = [unit for unit in units if unit[0] & 0x1F in (7, 8)]
    if small:  # the parameters together
        yield bytes((0x78,)) + b"".join(len(unit).to_bytes(2, "big") + unit for unit in small)
    for unit in (unit for unit in units if unit not in small):
        if len(unit) <= size:
            yield unit
            continue
        for part, first, last in _chunks(unit[1:], size):
            yield bytes((unit[0] & 0xE0 | 28, first << 7 | last << 6 | unit[0] & 0x1F)) + part


def _h265(frame: bytes, size: int) -> Iterator[bytes]:
    units = _units(frame)
    small = [unit for unit in units if unit[0] >> 1 & 0x3F in (32, 33, 34)]
    if small:
        yield bytes((48 << 1, 1)) + b"".join(len(unit).to_bytes(2, "big") + unit for unit in small)
    for unit in (unit for unit in units if unit not in small):
        if len(unit) <= size:
            yield unit
            continue
        for part, first, last in _chunks(unit[2:], size):
            head = bytes((unit[0] & 0x81 | 49 << 1, unit[1]))
            yield head + bytes((first << 7 | last << 6 | unit[0] >> 1 & 0x3F,)) + part


_CUTTERS: dict[str, Callable[[bytes, int], Iterator[bytes]]] = {
    "vp8": _vp8,
    "vp9": _vp9,
    "h264": _h264,
    "h265": _h265,
}
