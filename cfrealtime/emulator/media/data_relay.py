"""Carries messages from a publisher's data channel to its subscribers', and replies back. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from .plan import MAX_MESSAGE_SIZE, Carried, Channel, ChannelRef

Message = str | bytes
"""Text and binary are different things on the wire, also when empty."""


class Relay:
    """All data channels of all sessions. What an endpoint may not say goes nowhere."""

    def __init__(
        self, deliver: Callable[[ChannelRef, Message], None], acknowledged: Callable[[ChannelRef], None]
    ) -> None:
        self._deliver = deliver
        self._acknowledged = acknowledged
        self._channels: dict[ChannelRef, Channel] = {}
        self._by_session: dict[str, tuple[ChannelRef, ...]] = {}
        self._subscribers: dict[ChannelRef, dict[ChannelRef, None]] = {}
        self._carried: dict[ChannelRef, tuple[int, int]] = {}

    def apply(self, session_id: str, channels: Iterable[Channel]) -> None:
        """Make a session's channels look like these."""
        wanted = {ChannelRef(session_id, channel.id): channel for channel in channels}
        for ref in self._by_session.pop(session_id, ()):
            self._unlink(ref, self._channels.pop(ref))
            if ref not in wanted:
                self._carried.pop(ref, None)
        for ref, channel in wanted.items():
            self._channels[ref] = channel
            if channel.source is not None:
                self._subscribers.setdefault(channel.source, {})[ref] = None
        if wanted:
            self._by_session[session_id] = tuple(wanted)

    def carried(self, session_id: str) -> dict[int, Carried]:
        """What went from publishers to subscribers on each of a session's channels."""
        known = self._by_session.get(session_id, ())
        return {ref.id: Carried(*self._carried.get(ref, (0, 0))) for ref in known}

    def message(self, ref: ChannelRef, message: Message) -> None:
        """An endpoint has sent a message."""
        channel, size = self._channels.get(ref), _size(message)
        if channel is None or channel.announced or channel.silent or size > MAX_MESSAGE_SIZE:
            return
        if channel.source is None:
            self._count(ref, size)
            for subscriber in tuple(self._subscribers.get(ref, ())):
                if not self._channels[subscriber].gated:
                    self._count(subscriber, size)
                    self._deliver(subscriber, message)
        elif channel.gated:
            self._acknowledged(ref)
        else:
            publisher = self._channels.get(channel.source)
            if publisher is not None and publisher.replies == ref:
                self._deliver(channel.source, message)

    def _count(self, ref: ChannelRef, size: int) -> None:
        messages, total = self._carried.get(ref, (0, 0))
        self._carried[ref] = (messages + 1, total + size)

    def _unlink(self, ref: ChannelRef, channel: Channel) -> None:
        if channel.source is None:
            return
        others = self._subscribers[channel.source]
        del others[ref]
        if not others:
            del self._subscribers[channel.source]


def _size(message: Message) -> int:
    return len(message.encode(errors="replace") if isinstance(message, str) else message)
