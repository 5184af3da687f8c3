"""What a WebSocket adapter and our own WebSocket server say to each other: packets of PCM or JPEG.

Every binary message is one protobuf message of three fields: a sequence number, a timestamp and a payload.
They are written and read here by hand. A protobuf library would be the largest dependency of this package
and, where an application has another version of it, a conflict; three fields are a page of code, which the
tests hold against what Google's library writes and reads.

    async for message in websocket:                     # an EgressAdapter's: audio as PCM, video as JPEG
        packet = decode_packet(message)

    for packet in pcm_packets(speech):                  # an IngestAdapter's: sound to publish
        await websocket.send(encode_packet(packet))
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, Literal

from attrs import field, frozen

from cfrealtime.errors import PacketError

__all__ = [
    "MAX_MESSAGE_BYTES",
    "MAX_PAYLOAD_BYTES",
    "PCM",
    "Packet",
    "PcmFormat",
    "decode_packet",
    "encode_packet",
    "pcm_duration",
    "pcm_packets",
]

MAX_MESSAGE_BYTES: Final = 32_000
"""The most that an ingesting adapter takes in one message. The service says 32 KB, numbers included."""

# Three tags of one byte, two numbers of up to five, and a length of up to three.
MAX_PAYLOAD_BYTES: Final = MAX_MESSAGE_BYTES - 16
"""The most payload that fits into such a message, whatever the numbers are. It is whole frames of PCM."""

_UINT32: Final = 0xFFFF_FFFF

_SEQUENCE_NUMBER: Final = 1
_TIMESTAMP: Final = 2
_PAYLOAD: Final = 5

_VARINT: Final = 0
_FIXED64: Final = 1
_BYTES: Final = 2
_GROUP: Final = 3
_GROUP_END: Final = 4
_FIXED32: Final = 5
_FIXED_LENGTH: Final = {_FIXED64: 8, _FIXED32: 4}


@frozen
class PcmFormat:
    """A form of uncompressed sound: signed samples, the channels of one moment side by side (a frame)."""

    sample_rate: int
    channels: int
    sample_bytes: int
    byte_order: Literal["little", "big"]

    @property
    def frame_bytes(self) -> int:
        """The size of one sample of every channel."""
        return self.channels * self.sample_bytes


PCM: Final = PcmFormat(sample_rate=48_000, channels=2, sample_bytes=2, byte_order="little")
"""The one form that adapters take and give."""


def _as_bytes(value: bytes | bytearray | memoryview) -> bytes:
    # Through memoryview, because bytes(5) is five zeros.
    return value if isinstance(value, bytes) else bytes(memoryview(value))


def _wrapped(value: int) -> int:
    return value & _UINT32


def _shown(payload: bytes) -> str:
    return f"<{len(payload)} bytes>"


@frozen
class Packet:
    """One message of an adapter. Both numbers wrap around at 2**32; the service reads neither of ours.

    Audio that comes out has both; video has a timestamp, and perhaps no sequence number.
    """

    payload: bytes = field(converter=_as_bytes, repr=_shown)
    sequence_number: int = field(default=0, converter=_wrapped)
    timestamp: int = field(default=0, converter=_wrapped)


def encode_packet(packet: Packet, *, limit: int | None = MAX_MESSAGE_BYTES) -> bytes:
    """The binary message of a packet, or PacketError where it is longer than an ingesting adapter takes.

    `limit=None` is for servers that play the service's part: a JPEG it sends may be longer.
    """
    message = bytearray()
    # As proto3 has it, a field that holds its default is left out.
    for number, value in ((_SEQUENCE_NUMBER, packet.sequence_number), (_TIMESTAMP, packet.timestamp)):
        if value:
            message.append(number << 3 | _VARINT)
            _write_varint(message, value)
    if packet.payload:
        message.append(_PAYLOAD << 3 | _BYTES)
        _write_varint(message, len(packet.payload))
        message += packet.payload
    if limit is not None and len(message) > limit:
        raise PacketError(
            f"A packet of {len(message)} bytes is longer than the {limit} of one message. "
            "Split its payload; pcm_packets() does that for sound."
        )
    return bytes(message)


def decode_packet(data: bytes | bytearray | memoryview) -> Packet:
    """The packet in a binary message, or PacketError. Unknown fields are skipped, as protobuf asks."""
    message = _as_bytes(data)
    numbers = {_SEQUENCE_NUMBER: 0, _TIMESTAMP: 0}
    payload = b""
    groups: list[int] = []  # the unknown groups that are open, in which nothing is ours
    position = 0
    while position < len(message):
        number, kind, position = _read_tag(message, position)
        if kind == _VARINT:
            value, position = _read_varint(message, position)
            if number in numbers and not groups:
                numbers[number] = value
        elif kind == _BYTES:
            length, start = _read_varint(message, position, longest=5)
            position = _past(message, start, length)
            if number == _PAYLOAD and not groups:
                payload = message[start:position]
        elif kind in _FIXED_LENGTH:
            position = _past(message, position, _FIXED_LENGTH[kind])
        elif kind == _GROUP:
            groups.append(number)
        elif kind != _GROUP_END or not groups or groups.pop() != number:
            raise _malformed("a field has no valid type")
    if groups:
        raise _malformed("it ends inside a group")
    return Packet(payload, numbers[_SEQUENCE_NUMBER], numbers[_TIMESTAMP])


def pcm_packets(
    pcm: bytes | bytearray | memoryview, *, after: Packet | None = None, frames: int = 960
) -> Iterator[Packet]:
    """Sound in the form `PCM`, cut into packets of whole frames that go on from the packet `after`.

    By default a packet holds 20 ms, for the service asks for small pieces; `frames` may be as many as fit
    into a message. Timestamps count frames. To send no faster than sound is played is the caller's part.
    """
    sound = _as_bytes(pcm)
    most = MAX_PAYLOAD_BYTES // PCM.frame_bytes
    if not 1 <= frames <= most:
        raise PacketError(f"A packet holds 1 to {most} frames, and {frames} were asked for.")
    if len(sound) % PCM.frame_bytes:
        raise PacketError(
            f"{len(sound)} bytes of PCM are not whole frames of {PCM.frame_bytes} bytes. "
            "Keep the rest for the next call."
        )
    return _cut(sound, after, frames * PCM.frame_bytes)


def pcm_duration(nbytes: int) -> float:
    """How many seconds of sound in the form `PCM` a number of bytes holds."""
    return nbytes / (PCM.frame_bytes * PCM.sample_rate)


def _cut(sound: bytes, after: Packet | None, size: int) -> Iterator[Packet]:
    sequence_number = timestamp = 0
    if after is not None:
        sequence_number = after.sequence_number + 1
        timestamp = after.timestamp + len(after.payload) // PCM.frame_bytes
    for count, start in enumerate(range(0, len(sound), size)):
        yield Packet(
            sound[start : start + size], sequence_number + count, timestamp + start // PCM.frame_bytes
        )


def _write_varint(message: bytearray, value: int) -> None:
    while value > 0x7F:
        message.append(value & 0x7F | 0x80)
        value >>= 7
    message.append(value)


def _read_varint(message: bytes, position: int, longest: int = 10) -> tuple[int, int]:
    value = 0
    for count, byte in enumerate(message[position : position + longest]):
        value |= (byte & 0x7F) << 7 * count
        if byte < 0x80:
            return value, position + count + 1
    raise _malformed("a number in it does not end")


def _read_tag(message: bytes, position: int) -> tuple[int, int, int]:
    tag, position = _read_varint(message, position, longest=5)
    number, kind = tag >> 3, tag & 0b111
    if number == 0 or tag > _UINT32:
        raise _malformed("a field has no valid number")
    return number, kind, position


def _past(message: bytes, position: int, length: int) -> int:
    end = position + length
    if end > len(message):
        raise _malformed("it ends inside a field")
    return end


def _malformed(reason: str) -> PacketError:
    return PacketError(f"This message is no packet: {reason}. Pass the binary messages of an adapter only.")
