"""Tells from the first bytes of an RTP payload whether a key frame starts there."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

_H264_SPS, _H264_STAP_A, _H264_FU_A = 7, 24, 28
_H265_VPS, _H265_AP, _H265_FU = 32, 48, 49


def starts_key_frame(codec_key: str, payload: bytes) -> bool:
    """Whether a decoder can start at this packet; `codec_key` as in `plan.Codec`. Audio always can."""
    detect = _DETECTORS.get(codec_key.partition("/")[0])
    return detect is None or detect(payload)


def _vp8(payload: bytes) -> bool:
    """RFC 7741: start of the first partition, and the frame header's inverse key-frame bit."""
    if not payload or payload[0] & 0x17 != 0x10:  # S set, partition 0
        return False
    position = 1
    if payload[0] & 0x80 and len(payload) > 1:
        flags, position = payload[1], 2
        if flags & 0x80:  # picture id, of one or two bytes
            position += 2 if len(payload) > 2 and payload[2] & 0x80 else 1
        position += bool(flags & 0x40) + bool(flags & 0x30)
    return len(payload) > position and not payload[position] & 0x01


def _h264(payload: bytes) -> bool:
    """RFC 6184: a sequence parameter set, alone, in an aggregate, or the start of a fragmented one."""
    if not payload:
        return False
    kind = payload[0] & 0x1F
    if kind == _H264_STAP_A:
        return any(payload[start] & 0x1F == _H264_SPS for start in _units(payload, 1))
    if kind == _H264_FU_A:
        return len(payload) > 1 and bool(payload[1] & 0x80) and payload[1] & 0x1F == _H264_SPS
    return kind == _H264_SPS


def _h265(payload: bytes) -> bool:
    """RFC 7798: a video parameter set, with which the parameters start, alone or in an aggregate."""
    if len(payload) < 3:
        return False
    kind = payload[0] >> 1 & 0x3F
    if kind == _H265_AP:
        return any(payload[start] >> 1 & 0x3F == _H265_VPS for start in _units(payload, 2))
    if kind == _H265_FU:
        return bool(payload[2] & 0x80) and payload[2] & 0x3F == _H265_VPS
    return kind == _H265_VPS


def _units(payload: bytes, position: int) -> Iterator[int]:
    """Where the units of an aggregate start; `position` is that of the first one's length."""
    while position + 2 < len(payload):
        yield position + 2
        position += 2 + int.from_bytes(payload[position : position + 2], "big")


def _vp9(payload: bytes) -> bool:
    """RFC 9628: the start of a frame that is not predicted from another, in the lowest spatial layer."""
    if not payload or payload[0] & 0x40 or not payload[0] & 0x08:
        return False
    if not payload[0] & 0x20:  # no layer indices
        return True
    position = 1
    if payload[0] & 0x80:
        position += 2 if len(payload) > 1 and payload[1] & 0x80 else 1
    return len(payload) > position and not payload[position] & 0x0E


def _av1(payload: bytes) -> bool:
    """AV1 RTP specification: the first packet of a coded video sequence says so."""
    return bool(payload) and bool(payload[0] & 0x08)


_DETECTORS: Mapping[str, Callable[[bytes], bool]] = {
    "vp8": _vp8,
    "h264": _h264,
    "h265": _h265,
    "vp9": _vp9,
    "av1": _av1,
}
