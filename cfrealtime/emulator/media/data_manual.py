"""Data channels without packets: they open when the clock or a test says so, messages are put in by hand."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable

from attrs import Factory, define

from .data_relay import Message, Relay
from .plan import Carried, Channel, ChannelEvents, ChannelRef


@define
class _End:
    """The endpoint's end of one channel."""

    open: bool = False
    timer: asyncio.TimerHandle | None = None
    heard: list[Message] = Factory(list[Message])

    def stop(self) -> None:
        self.open = False
        if self.timer is not None:
            self.timer.cancel()


class ManualChannels:
    """The data channels of a `ManualMediaPlane`."""

    def __init__(self, events: Callable[[], ChannelEvents]) -> None:
        self._events = events
        self._ends: dict[ChannelRef, _End] = {}
        self._heard: dict[ChannelRef, list[Message]] = {}
        self._relay = Relay(self._deliver, self._acknowledged)

    def apply(self, session_id: str, channels: Iterable[Channel], open_after: float | None) -> None:
        """Take the new picture; each new channel opens `open_after` seconds from now, if that is not None."""
        wanted = {ChannelRef(session_id, channel.id): channel for channel in channels}
        self._relay.apply(session_id, wanted.values())
        for ref in [ref for ref in self._ends if ref.session_id == session_id and ref not in wanted]:
            self._ends.pop(ref).stop()
        for ref in wanted:
            end = self._ends.setdefault(ref, _End(heard=self._heard.setdefault(ref, [])))
            if open_after is not None and end.timer is None:
                end.timer = asyncio.get_running_loop().call_later(open_after, self.open, ref)

    def forget(self) -> None:
        """Forget all that was ever said."""
        self._heard.clear()

    def open(self, ref: ChannelRef) -> None:
        """Messages can be exchanged from now on."""
        end = self._ends.get(ref)
        if end is not None and not end.open:
            end.open = True
            self._events().channel_opened(ref.session_id, ref.id)

    def hang_up(self, ref: ChannelRef) -> None:
        """The endpoint closes the channel."""
        self._ends[ref].stop()
        self._events().channel_closed(ref.session_id, ref.id)

    def say(self, ref: ChannelRef, message: Message) -> None:
        """The endpoint sends a message."""
        end = self._ends.get(ref)
        if end is None or not end.open:
            raise RuntimeError(f"The session has no open data channel {ref.id}.")
        self._relay.message(ref, message)

    def messages(self, ref: ChannelRef) -> tuple[Message, ...]:
        """What the endpoint has heard."""
        return tuple(self._heard.get(ref, ()))

    def carried(self, session_id: str) -> dict[int, Carried]:
        """What went from publishers to subscribers on each of a session's channels."""
        return self._relay.carried(session_id)

    def _deliver(self, ref: ChannelRef, message: Message) -> None:
        end = self._ends[ref]
        if end.open:
            end.heard.append(message)

    def _acknowledged(self, ref: ChannelRef) -> None:
        self._events().channel_acknowledged(ref.session_id, ref.id)
