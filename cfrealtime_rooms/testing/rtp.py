"""RTP and RTCP as bytes: the little that a synthetic participant reads and writes. Pure."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from typing import Literal

from attrs import frozen

_NTP_OFFSET = 2208988800  # seconds from 1900 to 1970

SR, RR, SDES, RTPFB, PSFB = 200, 201, 202, 205, 206


@frozen
class Packet:
    """One RTP packet, taken apart."""

    payload_type: int
    marker: bool
    sequence: int
    timestamp: int
    ssrc: int
    extensions: dict[int, bytes]
    payload: bytes


def parse(data: bytes) -> Packet | None:
    """Take a packet apart; None where it is none."""
    if len(data) < 12 or data[0] >> 6 != 2:
        return None
    first, second, sequence, timestamp, ssrc = struct.unpack_from("!BBHII", data)
    start, end = 12 + 4 * (first & 0x0F), len(data)
    extensions = dict[int, bytes]()
    if first & 0x10:
        if end < start + 4:
            return None
        profile, words = struct.unpack_from("!HH", data, start)
        block = data[start + 4 : start + 4 + 4 * words]
        start += 4 + 4 * words
        extensions = dict(_extension_items(profile, block))
    if first & 0x20 and end > start:
        end -= data[end - 1]
    if end < start:
        return None
    return Packet(
        second & 0x7F, bool(second & 0x80), sequence, timestamp, ssrc, extensions, bytes(data[start:end])
    )


def _extension_items(profile: int, block: bytes) -> Iterator[tuple[int, bytes]]:
    two_bytes = profile & 0xFFF0 == 0x1000
    if profile != 0xBEDE and not two_bytes:
        return
    at = 0
    while at < len(block):
        if block[at] == 0:
            at += 1
            continue
        if two_bytes:
            if at + 1 >= len(block):
                return
            number, length, head = block[at], block[at + 1], 2
        else:
            number, length, head = block[at] >> 4, (block[at] & 0x0F) + 1, 1
        yield number, block[at + head : at + head + length]
        at += head + length


def extension_block(items: Iterable[tuple[int, bytes]]) -> bytes:
    """A block of one-byte header extensions, ready to follow the fixed header."""
    body = b"".join(bytes([number << 4 | len(value) - 1]) + value for number, value in items)
    body += bytes(-len(body) % 4)
    return struct.pack("!HH", 0xBEDE, len(body) // 4) + body


def build(
    payload_type: int,
    sequence: int,
    timestamp: int,
    ssrc: int,
    payload: bytes,
    extensions: bytes,
    *,
    marker: bool,
) -> bytes:
    """A packet; `extensions` is a whole block, or empty."""
    return (
        struct.pack(
            "!BBHII",
            0x90 if extensions else 0x80,
            payload_type | (0x80 if marker else 0),
            sequence & 0xFFFF,
            timestamp & 0xFFFFFFFF,
            ssrc,
        )
        + extensions
        + payload
    )


# VP8 (RFC 7741).


def vp8_descriptor_length(payload: bytes) -> int:
    """How many bytes of a VP8 payload come before the frame's own."""
    if not payload or not payload[0] & 0x80:
        return 1
    if len(payload) < 3:
        return len(payload)
    length, flags = 2, payload[1]
    if flags & 0x80:
        length += 2 if payload[2] & 0x80 else 1
    if flags & 0x40:
        length += 1
    if flags & 0x30:
        length += 1
    return length


def vp8_key_frame(payload: bytes) -> tuple[int, int] | None:
    """Width and height, where a payload begins a VP8 key frame."""
    if not payload or not payload[0] & 0x10 or payload[0] & 0x07:
        return None
    frame = payload[vp8_descriptor_length(payload) :]
    if len(frame) < 10 or frame[0] & 1 or frame[3:6] != b"\x9d\x01\x2a":
        return None
    width, height = struct.unpack_from("<HH", frame, 6)
    return width & 0x3FFF, height & 0x3FFF


# RTCP.


@frozen
class Feedback:
    """What the other side asks of a stream of ours, or tells of one of its own."""

    kind: Literal["key_frame", "nack", "sender_report"]
    ssrc: int
    sequences: tuple[int, ...] = ()
    """`nack`: what is missing."""
    ntp: int = 0
    """`sender_report`: the middle 32 bits of its clock."""


@frozen
class Reception:
    """One block of a receiver report."""

    ssrc: int
    lost: int
    highest: int
    last_report: int = 0
    delay: int = 0
    """Since the last sender report, in 1/65536 s."""
    fraction: int = 0


def is_rtcp(data: bytes) -> bool:
    """Tell RTCP from RTP on a multiplexed transport."""
    return len(data) >= 2 and 192 <= data[1] <= 223


def feedback(data: bytes) -> Iterator[Feedback]:
    """Read a compound packet; what this client does not use is passed over."""
    at = 0
    while at + 8 <= len(data) and data[at] >> 6 == 2:
        count, kind, words = data[at] & 0x1F, data[at + 1], struct.unpack_from("!H", data, at + 2)[0]
        body = data[at + 4 : at + 4 + 4 * words]
        at += 4 + 4 * words
        if kind == SR and len(body) >= 16:
            sender, seconds, fraction = struct.unpack_from("!III", body)
            yield Feedback("sender_report", sender, ntp=(seconds & 0xFFFF) << 16 | fraction >> 16)
        elif kind == PSFB and count == 1 and len(body) >= 8:
            yield Feedback("key_frame", struct.unpack_from("!I", body, 4)[0])
        elif kind == PSFB and count == 4:
            for offset in range(8, len(body) - 7, 8):
                yield Feedback("key_frame", struct.unpack_from("!I", body, offset)[0])
        elif kind == RTPFB and count == 1 and len(body) >= 8:
            yield Feedback("nack", struct.unpack_from("!I", body, 4)[0], tuple(_nacked(body)))


def _nacked(body: bytes) -> Iterator[int]:
    for offset in range(8, len(body) - 3, 4):
        first, following = struct.unpack_from("!HH", body, offset)
        yield first
        yield from ((first + bit + 1) & 0xFFFF for bit in range(16) if following >> bit & 1)


def _rtcp(kind: int, count: int, body: bytes) -> bytes:
    return struct.pack("!BBH", 0x80 | count, kind, len(body) // 4) + body


def sender_report(ssrc: int, wall: float, timestamp: int, packets: int, octets: int, cname: str) -> bytes:
    """A sender report with its SDES; `wall` is seconds since 1970."""
    ntp = int((wall + _NTP_OFFSET) * (1 << 32)) & 0xFFFFFFFFFFFFFFFF
    report = struct.pack(
        "!IQIII", ssrc, ntp, timestamp & 0xFFFFFFFF, packets & 0xFFFFFFFF, octets & 0xFFFFFFFF
    )
    return _rtcp(SR, 0, report) + source_description(ssrc, cname)


def source_description(ssrc: int, cname: str) -> bytes:
    """Who is behind an SSRC."""
    name = cname.encode()
    chunk = struct.pack("!IBB", ssrc, 1, len(name)) + name
    return _rtcp(SDES, 1, chunk + bytes(4 - len(chunk) % 4))


def receiver_report(sender: int, receptions: Iterable[Reception]) -> bytes:
    """What arrived, in reports of at most 31 blocks."""
    blocks = [
        struct.pack(
            "!IIIIII",
            reception.ssrc,
            reception.fraction << 24 | min(max(reception.lost, 0), 0x7FFFFF),
            reception.highest & 0xFFFFFFFF,
            0,
            reception.last_report,
            reception.delay,
        )
        for reception in receptions
    ]
    return b"".join(
        _rtcp(RR, len(part), struct.pack("!I", sender) + b"".join(part))
        for start in range(0, max(len(blocks), 1), 31)
        for part in [blocks[start : start + 31]]
    )


def key_frame_request(sender: int, ssrc: int) -> bytes:
    """A picture loss indication."""
    return _rtcp(PSFB, 1, struct.pack("!II", sender, ssrc))


def nack(sender: int, ssrc: int, missing: Iterable[int]) -> bytes:
    """Ask for packets again."""
    items = b"".join(struct.pack("!HH", sequence & 0xFFFF, 0) for sequence in missing)
    return _rtcp(RTPFB, 1, struct.pack("!II", sender, ssrc) + items)
