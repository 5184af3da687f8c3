"""The binary messages between adapters and WebSockets, in protocol buffers' encoding. Pure.

    message Packet { uint32 sequenceNumber = 1; uint32 timestamp = 2; bytes payload = 5; }

Source: docs, WebSocket adapter.
"""

from __future__ import annotations

from attrs import field, frozen

_SEQUENCE, _TIMESTAMP, _PAYLOAD = 1, 2, 5
_VARINT, _EIGHT_BYTES, _BYTES, _FOUR_BYTES = 0, 1, 2, 5
_LONGEST_VARINT = 10


@frozen
class Message:
    """One message."""

    payload: bytes = field(repr=False)
    sequence: int = 0
    timestamp: int = 0


def encode(message: Message) -> bytes:
    """The message as bytes; as in every proto3 message, what is zero or empty is left out."""
    encoded = bytearray()
    for number, value in ((_SEQUENCE, message.sequence), (_TIMESTAMP, message.timestamp)):
        if value & 0xFFFFFFFF:
            encoded += _varint(number << 3 | _VARINT) + _varint(value & 0xFFFFFFFF)
    if message.payload:
        encoded += _varint(_PAYLOAD << 3 | _BYTES) + _varint(len(message.payload)) + message.payload
    return bytes(encoded)


def decode(data: bytes) -> Message | None:
    """The message that bytes hold, unknown fields skipped; None when they hold none."""
    numbers, payload, position = dict[int, int](), b"", 0
    try:
        while position < len(data):
            key, position = _read_varint(data, position)
            number, kind = key >> 3, key & 7
            if number == 0:
                return None
            if kind == _VARINT:
                value, position = _read_varint(data, position)
                numbers[number] = value & 0xFFFFFFFF
                continue
            length = {_EIGHT_BYTES: 8, _FOUR_BYTES: 4}.get(kind)
            if kind == _BYTES:
                length, position = _read_varint(data, position)
            if length is None or position + length > len(data):
                return None
            if number == _PAYLOAD and kind == _BYTES:
                payload = data[position : position + length]
            position += length
    except IndexError:
        return None
    return Message(payload, numbers.get(_SEQUENCE, 0), numbers.get(_TIMESTAMP, 0))


def _varint(value: int) -> bytes:
    encoded = bytearray()
    while value > 0x7F:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)


def _read_varint(data: bytes, position: int) -> tuple[int, int]:
    """The number at a position, and where the next thing is. IndexError when it does not end."""
    value = 0
    for index in range(_LONGEST_VARINT):
        octet = data[position + index]
        value |= (octet & 0x7F) << 7 * index
        if octet < 0x80:
            return value, position + index + 1
    raise IndexError
