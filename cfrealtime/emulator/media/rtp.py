"""RTP packets: read from raw bytes and written anew for another session. Pure; anything malformed is None."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from struct import Struct

from attrs import define

Element = tuple[int, bytes]
"""A header extension: its number in the session, its value."""

_HEADER = Struct("!BBHII")
_PROFILE = Struct("!HH")
_SEQUENCE = Struct("!H")
_ONE_BYTE = 0xBEDE
_TWO_BYTE = 0x1000


@define
class Packet:
    """One RTP packet, without padding and contributing sources."""

    marker: bool
    payload_type: int
    sequence: int
    timestamp: int
    ssrc: int
    elements: Sequence[Element]
    payload: bytes


def parse(data: bytes) -> Packet | None:
    """Read a decrypted packet."""
    if len(data) < 12 or data[0] >> 6 != 2:
        return None
    first, second, sequence, timestamp, ssrc = _HEADER.unpack_from(data)
    start, end = 12 + 4 * (first & 0x0F), len(data)
    elements: Sequence[Element] = ()
    if first & 0x10:
        if start + 4 > end:
            return None
        profile, words = _PROFILE.unpack_from(data, start)
        start += 4 + 4 * words
        if start > end:
            return None
        elements = read_elements(profile, data[start - 4 * words : start])
    if first & 0x20:
        end -= data[-1]
    if start > end:
        return None
    return Packet(second > 127, second & 0x7F, sequence, timestamp, ssrc, elements, data[start:end])


def read_elements(profile: int, block: bytes) -> list[Element]:
    """The header extensions of a block (RFC 8285), as far as it is well-formed."""
    elements: list[Element] = []
    two_byte = profile & 0xFFF0 == _TWO_BYTE
    if profile != _ONE_BYTE and not two_byte:
        return elements
    position = 0
    while position < len(block):
        number = block[position] if two_byte else block[position] >> 4
        if block[position] == 0:  # padding
            position += 1
            continue
        if two_byte:
            if position + 1 >= len(block):
                break
            length, position = block[position + 1], position + 2
        else:
            length, position = (block[position] & 0x0F) + 1, position + 1
            if number == 15:
                break
        if position + length > len(block):
            break
        elements.append((number, block[position : position + length]))
        position += length
    return elements


def write_elements(elements: Iterable[Element]) -> bytes:
    """A whole extension block, in the shorter form where it fits; empty when there is nothing to say."""
    listed = list(elements)
    if not listed:
        return b""
    if all(number < 15 and 0 < len(value) <= 16 for number, value in listed):
        profile = _ONE_BYTE
        block = b"".join(bytes(((number << 4) | (len(value) - 1),)) + value for number, value in listed)
    else:
        profile = _TWO_BYTE
        block = b"".join(bytes((number, len(value))) + value for number, value in listed)
    words = -(-len(block) // 4)
    return _PROFILE.pack(profile, words) + block.ljust(4 * words, b"\0")


def write(
    *,
    marker: bool,
    payload_type: int,
    sequence: int,
    timestamp: int,
    ssrc: int,
    extensions: bytes,
    payload: bytes,
) -> bytes:
    """A packet; `extensions` is a block of `write_elements`."""
    first = 0x90 if extensions else 0x80
    second = payload_type | (0x80 if marker else 0)
    return _HEADER.pack(first, second, sequence & 0xFFFF, timestamp & 0xFFFFFFFF, ssrc) + extensions + payload


def wrap_rtx(sequence: int, payload: bytes) -> bytes:
    """The payload of a retransmission (RFC 4588)."""
    return _SEQUENCE.pack(sequence & 0xFFFF) + payload


def unwrap_rtx(packet: Packet, ssrc: int, payload_type: int) -> Packet | None:
    """The packet a retransmission carries; None for one that only probes bandwidth."""
    if len(packet.payload) <= 2:
        return None
    (sequence,) = _SEQUENCE.unpack_from(packet.payload)
    return Packet(
        packet.marker,
        payload_type,
        sequence,
        packet.timestamp,
        ssrc,
        packet.elements,
        packet.payload[2:],
    )


def unwrap_sequence(sequence: int, near: int) -> int:
    """The whole number of which `sequence` is the low 16 bits and that lies nearest to `near`."""
    return near + ((sequence - near + 0x8000) & 0xFFFF) - 0x8000
