"""Canned media: clips that a light peer loops, packetised once.

`synthetic` costs nothing and looks right to whoever forwards or counts packets, but no decoder can show it.
Pictures and sounds for people come from `cfrealtime_rooms.testing.pictures`.
"""

from __future__ import annotations

from collections.abc import Callable

from attrs import frozen

from cfrealtime_rooms.core.commands import TrackKind

SILENT = 127
"""The audio level of silence, in -dBov."""

_MAX_PAYLOAD = 1150
_OPUS_SILENCE = b"\xf8\xff\xfe"  # one 20 ms frame of digital silence


@frozen
class Frame:
    """What leaves at one moment: a picture in its packets, or 20 ms of sound."""

    payloads: tuple[bytes, ...]
    level: int = SILENT
    """Of sound, in -dBov."""


@frozen
class Clip:
    """Frames to be looped; a picture's first frame is a key frame."""

    kind: TrackKind
    frames: tuple[Frame, ...]
    interval: float
    """Seconds from one frame to the next."""
    size: tuple[int, int] | None = None

    @property
    def clock_rate(self) -> int:
        """Of its RTP timestamps."""
        return 48000 if self.kind == "audio" else 90000


@frozen
class Clips:
    """What a source sends: live, and while muted."""

    live: Clip
    idle: Clip


Media = Callable[[str, TrackKind], Clips]
"""The clips of a source (its name, its kind)."""

SILENCE = Clip("audio", (Frame((_OPUS_SILENCE,)),), 0.02)


def vp8_payloads(frame: bytes) -> tuple[bytes, ...]:
    """A VP8 frame cut into RTP payloads with the shortest descriptor: no picture id, no layers."""
    cuts = range(0, len(frame), _MAX_PAYLOAD)
    return tuple((b"\x10" if at == 0 else b"\x00") + frame[at : at + _MAX_PAYLOAD] for at in cuts)


def synthetic(source: str, kind: TrackKind) -> Clips:
    """Clips without an encoder: right headers, meaningless content."""
    if kind == "audio":
        spoken = (Frame((b"\xf8" + bytes(40),), 30),) * 25
        pause = (Frame((_OPUS_SILENCE,)),) * 25
        return Clips(Clip("audio", spoken + pause, 0.02), SILENCE)
    size = (640, 360) if source.startswith("screen") else (320, 240)
    key, delta = _vp8_key_frame(size), b"\x11" + bytes(300)
    moving = tuple(Frame(vp8_payloads(frame)) for frame in (key, *(delta,) * 29))
    return Clips(
        Clip("video", moving, 1 / 15, size),
        Clip("video", (Frame(vp8_payloads(key)),), 1.0, size),
    )


def _vp8_key_frame(size: tuple[int, int]) -> bytes:
    width, height = size
    tag = b"\x10\x02\x00\x9d\x01\x2a"
    return tag + width.to_bytes(2, "little") + height.to_bytes(2, "little") + bytes(1500)
