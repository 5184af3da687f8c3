"""A tone, and how to find out what tone something is."""

from __future__ import annotations

import math
import struct

RATE = 48_000


def tone(hertz: float, seconds: float) -> bytes:
    """PCM: 48 kHz, stereo, 16 bits, little-endian."""
    step = 2 * math.pi * hertz / RATE
    samples = (int(12_000 * math.sin(step * n)) for n in range(int(RATE * seconds)))
    return b"".join(struct.pack("<hh", sample, sample) for sample in samples)


def left(sound: bytes) -> list[int]:
    """The samples of the left channel."""
    return [sample for sample, _ in struct.iter_unpack("<hh", sound)]


def strength(sound: bytes, hertz: float) -> float:
    """How much of the sound is this tone: near 1 for the pure tone, near 0 without it (Goertzel)."""
    samples = left(sound)
    energy = sum(sample * sample for sample in samples)
    if not energy:
        return 0.0
    coefficient = 2 * math.cos(2 * math.pi * hertz / RATE)
    before, now = 0.0, 0.0
    for sample in samples:
        before, now = now, sample + coefficient * now - before
    power = now * now + before * before - coefficient * now * before
    return 2 * power / (len(samples) * energy)
