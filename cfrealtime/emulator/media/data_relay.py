"""Carries messages from a publisher's data channel to its subscribers', and replies back. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from .plan import MAX_MESSAGE_SIZE, Channel, ChannelRef

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

    def apply(self, session_id: str, channels: Iterable[Channel]) -> None:
        """Make a session's channels look like these."""
        for ref in self._by_session.pop(session_id, ()):
            self._unlink(ref, self._channels.pop(ref))
        wanted = {ChannelRef(session_id, channel.id): channel for channel in channels}
        for ref, channel in wanted.items():
            self._channels[ref] = channel
            if channel.source is not None:
                self._subscribers.setdefault(channel.source, {})[ref] = None
        if wanted:
            self._by_session[session_id] = tuple(wanted)

    def message(self, ref: ChannelRef, message: Message) -> None:
        """An endpoint has sent a message."""
        channel = self._channels.get(ref)
        if channel is None or channel.announced or _size(message) > MAX_MESSAGE_SIZE:
            return
        if channel.source is None:
            for subscriber in tuple(self._subscribers.get(ref, ())):
                if not self._channels[subscriber].gated:
                    self._deliver(subscriber, message)
        elif channel.gated:
            self._acknowledged(ref)
        else:
            publisher = self._channels.get(channel.source)
            if publisher is not None and publisher.replies == ref:
                self._deliver(channel.source, message)

    def _unlink(self, ref: ChannelRef, channel: Channel) -> None:
        if channel.source is None:
            return
        others = self._subscribers[channel.source]
        del others[ref]
        if not others:
            del self._subscribers[channel.source]


def _size(message: Message) -> int:
    return len(message.encode(errors="replace") if isinstance(message, str) else message)
