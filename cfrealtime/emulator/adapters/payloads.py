"""What the RTP payloads of one frame are to a decoder: headers off, start codes on. Pure.

ValueError for a payload that is malformed or of a kind WebRTC does not use.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

_START = b"\0\0\0\1"
_H264_FIRST_SPECIAL, _H264_STAP_A, _H264_FU_A = 24, 24, 28
_H265_FIRST_SPECIAL, _H265_AP, _H265_FU = 48, 48, 49


def unpacked(codec: str, payload: bytes) -> bytes:
    """The part of a frame that one payload carries."""
    try:
        return _UNPACKERS[codec](payload)
    except IndexError as error:
        raise ValueError("A payload is cut off.") from error


def _whole(payload: bytes) -> bytes:
    return payload


def _vp8(payload: bytes) -> bytes:
    """RFC 7741, 4.2."""
    position = 1
    if payload[0] & 0x80:
        flags, position = payload[1], 2
        if flags & 0x80:  # picture id, of one or two bytes
            position += 2 if payload[position] & 0x80 else 1
        position += bool(flags & 0x40) + bool(flags & 0x30)
    return payload[position:]


def _vp9(payload: bytes) -> bytes:
    """RFC 9628, 4.2."""
    first, position = payload[0], 1
    if first & 0x80:  # picture id, of one or two bytes
        position += 2 if payload[position] & 0x80 else 1
    if first & 0x20:  # layer indices, and without flexible mode the index of the base layer's frame
        position += 1 if first & 0x10 else 2
    if first & 0x50 == 0x50:  # up to three references to earlier frames, each saying whether another follows
        while payload[position] & 0x01:
            position += 1
        position += 1
    if first & 0x02:
        position = _after_structure(payload, position)
    return payload[position:]


def _after_structure(payload: bytes, position: int) -> int:
    """Where the scalability structure ends that starts at a position."""
    head, position = payload[position], position + 1
    if head & 0x10:  # the resolution of every spatial layer
        position += 4 * ((head >> 5) + 1)
    if head & 0x08:  # a group of pictures, each with its references
        pictures, position = payload[position], position + 1
        for _ in range(pictures):
            position += 1 + (payload[position] >> 2 & 0x03)
    return position


def _h264(payload: bytes) -> bytes:
    """RFC 6184, 5.6 to 5.8."""
    kind = payload[0] & 0x1F
    if 0 < kind < _H264_FIRST_SPECIAL:
        return _START + payload
    if kind == _H264_STAP_A:
        return b"".join(_START + unit for unit in _units(payload, 1))
    if kind != _H264_FU_A:
        raise ValueError("An H.264 payload is of an unknown kind.")
    head = payload[1]
    start = _START + bytes((payload[0] & 0xE0 | head & 0x1F,)) if head & 0x80 else b""
    return start + payload[2:]


def _h265(payload: bytes) -> bytes:
    """RFC 7798, 4.4."""
    kind = payload[0] >> 1 & 0x3F
    if kind < _H265_FIRST_SPECIAL:
        return _START + payload
    if kind == _H265_AP:
        return b"".join(_START + unit for unit in _units(payload, 2))
    if kind != _H265_FU:
        raise ValueError("An H.265 payload is of an unknown kind.")
    head = payload[2]
    start = b""
    if head & 0x80:
        start = _START + bytes((payload[0] & 0x81 | (head & 0x3F) << 1, payload[1]))
    return start + payload[3:]


def _units(payload: bytes, position: int) -> Iterator[bytes]:
    """The units of an aggregate, the first of whose lengths is at a position."""
    while position < len(payload):
        end = position + 2 + int.from_bytes(payload[position : position + 2], "big")
        if end > len(payload):
            raise ValueError("An aggregate is cut off.")
        yield payload[position + 2 : end]
        position = end


_UNPACKERS: Mapping[str, Callable[[bytes], bytes]] = {
    "opus": _whole,
    "vp8": _vp8,
    "vp9": _vp9,
    "h264": _h264,
    "h265": _h265,
}
