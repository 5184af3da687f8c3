"""Pictures and sounds that people can look at and listen to: drawn, encoded and packetised once per clip.

Needs the extra `emulator` (PyAV comes with aiortc). A picture has the participant's colour and initial over a
slow sun; a voice is syllables of a hum with pauses between sentences. Building one participant's clips takes
a few tenths of a second: call it through a thread where an event loop runs.
"""

from __future__ import annotations

import colorsys
import functools
import math
import random
import zlib
from array import array
from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import Any

from cfrealtime_rooms.core.commands import TrackKind
from cfrealtime_rooms.testing.media import SILENCE, SILENT, Clip, Clips, Frame, vp8_payloads

try:
    import av
except ModuleNotFoundError as missing:
    raise ModuleNotFoundError("drawn media needs PyAV: pip install 'cfrealtime[emulator]'") from missing

_FPS = 15
_LOOP = 4.0
_RATE = 16000
_SAMPLES = _RATE // 50  # of one Opus frame of 20 ms

# A 5x7 font, one byte a column, lowest bit on top.
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
_COLUMNS = bytes.fromhex(
    "7e1111117e7f494949363e414141227f4141221c7f494949417f090909013e4149497a7f0808087f00417f4100"
    "2040413f017f081422417f404040407f020c027f7f0408107f3e4141413e7f090909063e4151215e7f09192946"
    "464949493101017f01013f4040403f1f2040201f3f4038403f6314081463070870080761514945433e5149453e"
    "00427f400042615149462141454b311814127f1027454545393c4a49493001710905033649494936064949291e"
)
_FONT = {letter: _COLUMNS[5 * at : 5 * at + 5] for at, letter in enumerate(_LETTERS)}


class _Canvas:
    """A picture in planar YUV 4:2:0."""

    def __init__(self, width: int, height: int, colour: tuple[int, int, int]) -> None:
        self.width, self.height = width, height
        top, blue, red = colour
        shades = (max(16, top - 70 * row // height) for row in range(height))
        self.luma = bytearray(b"".join(bytes([shade]) * width for shade in shades))
        self.blue = bytearray([blue]) * (width * height // 4)
        self.red = bytearray([red]) * (width * height // 4)

    def copy(self) -> _Canvas:
        other = object.__new__(_Canvas)
        other.width, other.height = self.width, self.height
        other.luma, other.blue, other.red = bytearray(self.luma), self.blue, self.red
        return other

    def box(self, left: int, top: int, right: int, bottom: int, shade: int) -> None:
        left, right = max(left, 0), min(right, self.width)
        if right <= left:
            return
        line = bytes([shade]) * (right - left)
        for row in range(max(top, 0), min(bottom, self.height)):
            start = row * self.width + left
            self.luma[start : start + right - left] = line

    def disc(self, x: int, y: int, radius: int, shade: int) -> None:
        for row in range(-radius, radius + 1):
            half = math.isqrt(radius * radius - row * row)
            self.box(x - half, y + row, x + half, y + row + 1, shade)

    def text(self, text: str, x: int, y: int, dot: int, shade: int) -> None:
        """Letters centred on a point, `dot` pixels to each dot of the font."""
        known = [letter for letter in text.upper() if letter in _FONT]
        left = x - (6 * len(known) - 1) * dot // 2
        for at, letter in enumerate(known):
            for column, bits in enumerate(_FONT[letter]):
                for row in (row for row in range(7) if bits >> row & 1):
                    corner = left + (6 * at + column) * dot, y + (2 * row - 7) * dot // 2
                    if dot < 8:
                        self.box(*corner, corner[0] + dot, corner[1] + dot, shade)
                    else:  # dots with a gap: letters as on an old station board
                        self.disc(corner[0] + dot // 2, corner[1] + dot // 2, dot * 2 // 5, shade)

    def frame(self, number: int) -> av.VideoFrame:
        picture = av.VideoFrame(self.width, self.height, "yuv420p")
        planes = ((self.luma, self.width), (self.blue, self.width // 2), (self.red, self.width // 2))
        for plane, (data, width) in zip(picture.planes, planes, strict=True):
            plane.update(_padded(bytes(data), width, plane.line_size))
        picture.pts, picture.time_base = number, Fraction(1, _FPS)
        return picture


def _padded(data: bytes, width: int, line: int) -> bytes:
    if line == width:
        return data
    gap = bytes(line - width)
    return b"".join(data[at : at + width] + gap for at in range(0, len(data), width))


def _colour(name: str) -> tuple[int, int, int]:
    """A colour of its own for every name, as luma and chroma."""
    hue = (zlib.crc32(name.encode()) % 360) / 360
    red, green, blue = (255 * part for part in colorsys.hls_to_rgb(hue, 0.46, 0.42))
    luma = 0.299 * red + 0.587 * green + 0.114 * blue
    return round(luma), round(128 + 0.564 * (blue - luma)), round(128 + 0.713 * (red - luma))


def _moving(name: str, size: tuple[int, int]) -> Iterator[_Canvas]:
    """A sun goes round behind an initial; the last picture leads back to the first."""
    width, height = size
    background = _Canvas(width, height, _colour(name))
    count = round(_LOOP * _FPS)
    for number in range(count):
        angle = 2 * math.pi * number / count
        canvas = background.copy()
        x, y = width / 2 + width * 0.36 * math.cos(angle), height / 2 + height * 0.3 * math.sin(angle)
        canvas.disc(round(x), round(y), height // 9, 225)
        canvas.text(name[:1], width // 2, height // 2, max(2, height // 16), 245)
        canvas.box(0, height - 4, width * (number + 1) // count, height, 235)
        yield canvas


def _slides(name: str, size: tuple[int, int]) -> Iterator[_Canvas]:
    """A shared screen: a page of lines with a heading, and a pointer that wanders."""
    width, height = size
    page = _Canvas(width, height, (70, 132, 124))
    page.box(width // 16, height // 12, width * 15 // 16, height, 235)
    page.text(name[:12], width // 2, height // 5, max(2, height // 90), 60)
    for line in range(8):
        top = height // 3 + line * height // 13
        page.box(width // 8, top, width // 8 + width * (5 + line * 7 % 3) // 10, top + height // 40, 170)
    count = round(_LOOP * _FPS)
    for number in range(count):
        angle = 2 * math.pi * number / count
        canvas = page.copy()
        x, y = width / 2 + width / 4 * math.cos(angle), height * 0.6 + height / 5 * math.sin(2 * angle)
        canvas.disc(round(x), round(y), max(3, height // 60), 30)
        yield canvas


def _video(pictures: Iterator[_Canvas], size: tuple[int, int], kilobits: int) -> tuple[Frame, ...]:
    codec: Any = av.CodecContext.create("libvpx", "w")
    codec.width, codec.height = size
    codec.pix_fmt, codec.time_base, codec.framerate = "yuv420p", Fraction(1, _FPS), Fraction(_FPS)
    codec.bit_rate, codec.gop_size = kilobits * 1000, 9999
    # Nothing held back, one key frame: the first.
    codec.options = {"deadline": "realtime", "cpu-used": "8", "lag-in-frames": "0", "auto-alt-ref": "0"}
    packets = list[bytes]()
    for number, canvas in enumerate(pictures):
        packets += [bytes(packet) for packet in codec.encode(canvas.frame(number))]
    packets += [bytes(packet) for packet in codec.encode(None)]
    return tuple(Frame(vp8_payloads(packet)) for packet in packets)


def _voice(name: str) -> array[int]:
    """Syllables with a pitch of the name's own: sentences of a few, then a pause."""
    dice = random.Random(name)  # noqa: S311  (the same name, the same voice)
    pitch = dice.uniform(100, 210)
    total = round(_LOOP * 2 * _RATE)
    samples = array("h")
    while len(samples) < total * 0.8:
        length, tone = dice.uniform(0.12, 0.3), pitch * dice.uniform(0.85, 1.25)
        vowel = dice.uniform(2.0, 5.0)
        count = round(length * _RATE)
        for at in range(count):
            phase = 2 * math.pi * tone * at / _RATE
            swell = math.sin(math.pi * at / count) ** 2
            wave = math.sin(phase) + 0.5 * math.sin(2 * phase) + 0.3 * math.sin(vowel * phase)
            samples.append(round(3500 * swell * wave))
        samples.extend([0] * round(dice.choice((0.04, 0.06, 0.08, 0.35)) * _RATE))
    samples.extend([0] * max(0, total - len(samples)))
    return samples[: len(samples) // _SAMPLES * _SAMPLES]


def _audio(samples: array[int]) -> tuple[Frame, ...]:
    codec: Any = av.CodecContext.create("libopus", "w")
    codec.sample_rate, codec.layout, codec.format = _RATE, "mono", "s16"
    codec.bit_rate, codec.time_base = 24000, Fraction(1, _RATE)
    codec.options = {"application": "voip", "frame_duration": "20"}
    packets, levels = list[bytes](), list[int]()
    for start in range(0, len(samples), _SAMPLES):
        part = samples[start : start + _SAMPLES]
        levels.append(_level(part))
        frame = av.AudioFrame(format="s16", layout="mono", samples=_SAMPLES)
        frame.planes[0].update(part.tobytes().ljust(frame.planes[0].buffer_size, b"\0"))
        frame.sample_rate, frame.pts, frame.time_base = _RATE, start, Fraction(1, _RATE)
        packets += [bytes(packet) for packet in codec.encode(frame)]
    return tuple(Frame((packet,), level) for packet, level in zip(packets, levels, strict=False))


def _level(samples: array[int]) -> int:
    """-dBov of some samples."""
    power = sum(sample * sample for sample in samples) / len(samples)
    return min(SILENT, round(-10 * math.log10(power / 32768**2))) if power >= 1 else SILENT


def drawn(name: str, size: tuple[int, int] = (640, 360)) -> Callable[[str, TrackKind], Clips]:
    """The media of a participant with this name."""

    @functools.cache
    def clips(source: str, kind: TrackKind) -> Clips:
        if kind == "audio":
            return Clips(Clip("audio", _audio(_voice(f"{name}/{source}")), 0.02), SILENCE)
        screen = source.startswith("screen")
        shape = (960, 540) if screen else size
        pictures = (_slides if screen else _moving)(name, shape)
        black = _Canvas(*shape, (16, 128, 128))
        return Clips(
            Clip("video", _video(pictures, shape, 400), 1 / _FPS, shape),
            Clip("video", _video(iter([black]), shape, 100), 1.0, shape),
        )

    return clips
