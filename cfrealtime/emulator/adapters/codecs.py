"""Decoding and encoding with FFmpeg: the only module that knows PyAV."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction
from typing import Final, Protocol, SupportsBytes, TypeVar, cast

import av
from av.audio.frame import AudioFrame
from av.error import FFmpegError
from av.packet import Packet
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame

RATE: Final = 48_000
SAMPLES: Final = 960
"""Samples of one Opus frame of 20 ms, for each channel."""
SAMPLE_BYTES: Final = 4
"""Of both channels together, 16 bits each."""
FRAME_BYTES: Final = SAMPLES * SAMPLE_BYTES

Picture = VideoFrame
"""A decoded picture."""

_DECODERS = {"vp8": "vp8", "vp9": "vp9", "h264": "h264", "h265": "hevc"}
_MAX_PIXELS = 4096 * 4096
"""Few octets can claim to be a picture that takes seconds and gigabytes."""
_QUALITY = 4
"""FFmpeg's scale for JPEG, from 2, the best, to 31."""


FrameOut = TypeVar("FrameOut", covariant=True)
FrameIn = TypeVar("FrameIn", contravariant=True)


class _Decoder(Protocol[FrameOut]):
    """What we use of PyAV's decoders, whose own types are not complete."""

    def decode(self, packet: object, /) -> Sequence[FrameOut]: ...


class _Encoder(Protocol[FrameIn]):
    """What we use of PyAV's encoders, whose own types are not complete."""

    def encode(self, frame: FrameIn | None, /) -> Sequence[SupportsBytes]: ...


class UndecodableError(ValueError):
    """Data is not what its codec says; the decoder has to start anew."""


class OpusDecoder:
    """Opus to 48 kHz stereo, 16 bits, little-endian, whatever was encoded."""

    def __init__(self) -> None:
        codec = av.CodecContext.create("libopus", "r")
        codec.sample_rate = RATE
        codec.layout = "stereo"
        codec.format = "s16"
        self._codec = cast("_Decoder[AudioFrame]", codec)

    def decode(self, data: bytes) -> bytes:
        """The sound of one frame."""
        try:
            frames = self._codec.decode(Packet(data))
        except FFmpegError as error:
            raise UndecodableError from error
        return b"".join(bytes(frame.planes[0])[: frame.samples * SAMPLE_BYTES] for frame in frames)


class OpusEncoder:
    """48 kHz stereo, 16 bits, little-endian, to Opus frames of 20 ms."""

    def __init__(self) -> None:
        codec = av.CodecContext.create("libopus", "w")
        codec.sample_rate = RATE
        codec.layout = "stereo"
        codec.format = "s16"
        codec.bit_rate = 96_000
        codec.time_base = Fraction(1, RATE)
        self._codec = cast("_Encoder[AudioFrame]", codec)
        self._samples = 0

    def encode(self, sound: bytes) -> Iterable[bytes]:
        """The frames that `FRAME_BYTES` of sound complete."""
        frame = AudioFrame(format="s16", layout="stereo", samples=SAMPLES)
        frame.planes[0].update(sound)
        frame.sample_rate, frame.time_base, frame.pts = RATE, Fraction(1, RATE), self._samples
        self._samples += SAMPLES
        return [bytes(packet) for packet in self._codec.encode(frame)]


class VideoDecoder:
    """Coded video frames to pictures. Not cheap: to be used in a thread."""

    def __init__(self, codec: str) -> None:
        self.codec = codec
        context = cast("VideoCodecContext", av.CodecContext.create(_DECODERS[codec], "r"))
        context.thread_count = 1  # with more, pictures come late
        context.options = {"max_pixels": str(_MAX_PIXELS)}
        self._context = cast("_Decoder[Picture]", context)

    def decode(self, data: bytes) -> Picture | None:
        """The picture of one frame; None when it shows none."""
        try:
            pictures = self._context.decode(Packet(data))
        except FFmpegError as error:
            raise UndecodableError from error
        return pictures[-1] if pictures else None


def jpeg(picture: Picture) -> bytes:
    """A picture as JPEG. UndecodableError when it is none that JPEG can show."""
    codec = av.CodecContext.create("mjpeg", "w")
    codec.width, codec.height = picture.width, picture.height
    codec.pix_fmt = "yuvj420p"
    codec.time_base = Fraction(1, 1)
    codec.qmin = codec.qmax = _QUALITY
    encoder = cast("_Encoder[Picture]", codec)
    try:
        full_range = picture.reformat(format="yuvj420p")
        full_range.pts, full_range.time_base = 0, Fraction(1, 1)
        return b"".join(bytes(packet) for packet in (*encoder.encode(full_range), *encoder.encode(None)))
    except FFmpegError as error:
        raise UndecodableError from error
