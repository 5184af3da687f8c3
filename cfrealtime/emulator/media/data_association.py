"""SCTP and data channels of one session, by aiortc's classes over our DTLS transport.

What is touched beneath aiortc's public names, and held in place by a test, are `_handle_data` and
`_receive_data_chunk` of `RTCSctpTransport`, and of its state `_advertised_rwnd`, `_inbound_streams`,
`_last_received_tsn`, `_sack_misordered` and `_sack_needed`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import partial

from aiortc import (
    InvalidStateError,
    RTCDataChannel,
    RTCDataChannelParameters,
    RTCDtlsTransport,
    RTCSctpCapabilities,
    RTCSctpTransport,
)
from aiortc.rtcsctptransport import DataChunk
from attrs import frozen

from .data_relay import Message
from .plan import Channel, DataTransport

MAX_BACKLOG = 16 * 1024 * 1024
"""Bytes that wait for one endpoint on one channel. Beyond it a reliable channel is closed, for it cannot keep
its word any more; any other loses messages."""

_BEYOND_WINDOW = 64 * 1024
"""Bytes taken of what fills a hole while everything behind it fills our window."""
_MAX_MISORDERED = 4096
"""Chunks kept behind a hole: each costs more than its bytes."""
_MAX_STREAMS = 4096


@frozen
class ChannelCallbacks:
    """What an association reports, by channel id; each is called on the event loop, in a turn of its own."""

    opened: Callable[[int], None]
    closed: Callable[[int], None]
    """By the endpoint, or because the association is gone."""
    message: Callable[[int, Message], None]


class _Sctp(RTCSctpTransport):
    """Drops what aiortc does not bear: text that is none, a channel opened twice, half a chunk, too much.

    aiortc tells endpoints of its window, and then keeps whatever they send. Here a chunk for which there is
    no room is not taken, so a well-behaved endpoint sends it again and a hostile one waits for itself.
    """

    async def _handle_data(self, data: bytes) -> None:
        # Whatever escapes here would end the whole transport. Nothing of ours runs inside.
        with suppress(Exception):
            await super()._handle_data(data)

    async def _receive_data_chunk(self, chunk: DataChunk) -> None:
        if self._has_room(chunk):
            await super()._receive_data_chunk(chunk)
        else:
            self._sack_needed = True  # which says again how much there is room for

    def _has_room(self, chunk: DataChunk) -> bool:
        if chunk.stream_id not in self._inbound_streams and len(self._inbound_streams) >= _MAX_STREAMS:
            return False
        size, last = len(chunk.user_data), self._last_received_tsn
        if last is not None and chunk.tsn == (last + 1) & 0xFFFFFFFF:
            return size <= self._advertised_rwnd + _BEYOND_WINDOW
        return size <= self._advertised_rwnd and len(self._sack_misordered) < _MAX_MISORDERED


class Association:
    """The channels of one session. Messages on channels that we were not told of are dropped."""

    def __init__(self, dtls: RTCDtlsTransport, remote: DataTransport, callbacks: ChannelCallbacks) -> None:
        self._sctp = _Sctp(dtls)
        self._remote = remote
        self._callbacks = callbacks
        self._loop = asyncio.get_running_loop()
        self._channels: dict[int, RTCDataChannel | None] = {}
        """None for one that could not be had or kept, so that it is not tried again."""

    async def start(self) -> None:
        """Ask the endpoint for the association; it asks us as well."""
        capabilities = RTCSctpCapabilities(maxMessageSize=self._remote.max_message_size)
        await self._sctp.start(capabilities, self._remote.port)

    async def stop(self) -> None:
        """Tell the endpoint, and leave no timer behind."""
        self._channels.clear()
        await self._sctp.stop()

    def apply(self, channels: Iterable[Channel]) -> None:
        """Have these channels and no others."""
        wanted = {channel.id: channel for channel in channels}
        for channel_id in self._channels.keys() - wanted.keys():
            gone = self._channels.pop(channel_id)
            if gone is not None:
                gone.close()
        for channel_id in wanted.keys() - self._channels.keys():
            self._open(wanted[channel_id])

    def send(self, channel_id: int, message: Message) -> None:
        """Send a message to the endpoint; one for a channel that is not open is dropped."""
        channel = self._channels.get(channel_id)
        if channel is None:
            return
        if channel.bufferedAmount > MAX_BACKLOG:
            if channel.maxRetransmits is None and channel.maxPacketLifeTime is None:
                self._give_up(channel_id)
                channel.close()
            return
        try:
            channel.send(message)
        except (InvalidStateError, ValueError):
            return  # not open yet or any more, or longer than the endpoint takes

    def _open(self, wanted: Channel) -> None:
        channel_id = wanted.id
        try:
            channel = RTCDataChannel(self._sctp, _parameters(wanted))
        except ValueError:
            self._give_up(channel_id)  # the endpoint has opened a channel of its own under this id
            return
        self._channels[channel_id] = channel
        channel.on("message", partial(self._message, channel_id))
        channel.on("close", partial(self._closed, channel_id, channel))
        if channel.readyState == "open":
            self._opened(channel_id)
        else:
            channel.on("open", partial(self._opened, channel_id))

    def _give_up(self, channel_id: int) -> None:
        self._channels[channel_id] = None
        self._loop.call_soon(self._callbacks.closed, channel_id)

    def _message(self, channel_id: int, message: Message) -> None:
        self._loop.call_soon(self._callbacks.message, channel_id, message)

    def _opened(self, channel_id: int) -> None:
        self._loop.call_soon(self._callbacks.opened, channel_id)

    def _closed(self, channel_id: int, channel: RTCDataChannel) -> None:
        if self._channels.get(channel_id) is channel:
            self._loop.call_soon(self._callbacks.closed, channel_id)


def _parameters(channel: Channel) -> RTCDataChannelParameters:
    delivery = channel.delivery
    life_time = delivery.max_packet_life_time
    return RTCDataChannelParameters(
        label=channel.label,
        ordered=delivery.ordered,
        maxRetransmits=delivery.max_retransmits,
        # For aiortc 0 means without a limit.
        maxPacketLifeTime=None if life_time is None else max(1, life_time),
        negotiated=not channel.announced,
        id=channel.id,
    )
