"""RTCP: the few messages a forwarder reads and writes. Pure; what is malformed or unknown is passed over."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from struct import Struct

from attrs import frozen

_HEADER = Struct("!BBH")
_PAIR = Struct("!II")
_SENDER_INFO = Struct("!IQIII")
_BLOCK = Struct("!IIIIII")
_NACK_ITEM = Struct("!HH")
_SR, _RR, _RTPFB, _PSFB = 200, 201, 205, 206
_NACK, _PLI, _FIR, _REMB = 1, 1, 4, 15
_MAX_BLOCKS = 31


@frozen
class SenderReport:
    """A publisher's statement of which RTP timestamp belongs to which wall-clock time."""

    ssrc: int
    ntp: int
    timestamp: int


@frozen
class KeyFrameRequest:
    """A PLI or FIR."""

    ssrc: int


@frozen
class Nack:
    """Packets that a receiver misses."""

    ssrc: int
    sequences: tuple[int, ...]


@frozen
class ReportBlock:
    """What we say of one stream we receive."""

    ssrc: int
    fraction_lost: int
    lost: int
    highest: int
    jitter: int
    last_report: int
    delay: int


Message = SenderReport | KeyFrameRequest | Nack


def parse(data: bytes) -> Iterator[Message]:
    """The messages of a compound packet that matter to a forwarder."""
    position = 0
    while position + 4 <= len(data):
        first, kind, words = _HEADER.unpack_from(data, position)
        end = position + 4 + 4 * words
        if first >> 6 != 2 or end > len(data):
            return
        yield from _message(first & 0x1F, kind, data[position + 4 : end])
        position = end


def _message(form: int, kind: int, body: bytes) -> Iterator[Message]:
    if kind == _SR and len(body) >= _SENDER_INFO.size:
        ssrc, ntp, timestamp, _packets, _octets = _SENDER_INFO.unpack_from(body)
        yield SenderReport(ssrc, ntp, timestamp)
    elif kind in (_PSFB, _RTPFB) and len(body) >= 8:
        _sender, ssrc = _PAIR.unpack_from(body)
        if kind == _RTPFB and form == _NACK:
            yield Nack(ssrc, _nack_sequences(body))
        elif kind == _PSFB and form == _PLI:
            yield KeyFrameRequest(ssrc)
        elif kind == _PSFB and form == _FIR:
            for position in range(8, len(body) - 7, 8):
                yield KeyFrameRequest(_PAIR.unpack_from(body, position)[0])


def _nack_sequences(body: bytes) -> tuple[int, ...]:
    sequences: list[int] = []
    for position in range(8, len(body) - 3, 4):
        first, mask = _NACK_ITEM.unpack_from(body, position)
        sequences.append(first)
        sequences.extend((first + bit + 1) & 0xFFFF for bit in range(16) if mask >> bit & 1)
    return tuple(sequences)


def sender_report(ssrc: int, ntp: int, timestamp: int, packets: int, octets: int) -> bytes:
    """A sender report without report blocks."""
    counts = (packets & 0xFFFFFFFF, octets & 0xFFFFFFFF)
    return _packet(0, _SR, _SENDER_INFO.pack(ssrc, ntp, timestamp & 0xFFFFFFFF, *counts))


def receiver_reports(sender: int, blocks: Sequence[ReportBlock]) -> bytes:
    """As many receiver reports as the blocks need, at least one."""
    reports: list[bytes] = []
    for start in range(0, max(1, len(blocks)), _MAX_BLOCKS):
        chunk = blocks[start : start + _MAX_BLOCKS]
        reports.append(_packet(len(chunk), _RR, sender.to_bytes(4, "big") + b"".join(map(_block, chunk))))
    return b"".join(reports)


def _block(block: ReportBlock) -> bytes:
    lost = max(-(1 << 23), min(block.lost, (1 << 23) - 1)) & 0xFFFFFF
    return _BLOCK.pack(
        block.ssrc,
        block.fraction_lost << 24 | lost,
        block.highest & 0xFFFFFFFF,
        block.jitter & 0xFFFFFFFF,
        block.last_report,
        block.delay & 0xFFFFFFFF,
    )


def key_frame_request(sender: int, ssrc: int) -> bytes:
    """A PLI."""
    return _packet(_PLI, _PSFB, _PAIR.pack(sender, ssrc))


def nack(sender: int, ssrc: int, sequences: Sequence[int]) -> bytes:
    """A request for packets that are missing."""
    items: list[list[int]] = []
    for sequence in sequences:
        distance = (sequence - items[-1][0] - 1) & 0xFFFF if items else 16
        if distance < 16:
            items[-1][1] |= 1 << distance
        else:
            items.append([sequence & 0xFFFF, 0])
    return _packet(
        _NACK, _RTPFB, _PAIR.pack(sender, ssrc) + b"".join(_NACK_ITEM.pack(*item) for item in items)
    )


def bandwidth(sender: int, bits_per_second: int, ssrcs: Sequence[int]) -> bytes:
    """A REMB: how much the sender of these streams may send in all."""
    listed = ssrcs[:255]
    exponent = max(0, bits_per_second.bit_length() - 18)
    value = exponent << 18 | bits_per_second >> exponent
    body = b"REMB" + bytes((len(listed),)) + value.to_bytes(3, "big")
    body += b"".join(ssrc.to_bytes(4, "big") for ssrc in listed)
    return _packet(_REMB, _PSFB, _PAIR.pack(sender, 0) + body)


def _packet(form: int, kind: int, body: bytes) -> bytes:
    return _HEADER.pack(0x80 | form, kind, len(body) // 4) + body
