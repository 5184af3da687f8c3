"""datachannels/establish, and what the transport, time and endpoints do to data channels.

Source: docs, features/datachannels, unless a rule says otherwise.
"""

from __future__ import annotations

from attrs import evolve

from cfrealtime.emulator.data_channels import SERVER_EVENTS, ChannelStatus, DataChannel, Ended
from cfrealtime.emulator.limits import WAIT_FOR_ACK
from cfrealtime.emulator.media.plan import Channel, Delivery
from cfrealtime.emulator.refusals import decoding_error
from cfrealtime.emulator.state import Session, Sessions

from .data_channels import alive, next_id, with_channel


def check_establish(session: Session) -> None:
    """Contract: once per session; a failed establish is `decoding_error`."""
    if session.data_channels:
        raise decoding_error("The session has its data channel transport already.")


def established(session: Session, now: float, *, by_endpoint: bool) -> tuple[Session, DataChannel]:
    """The session with the channel that the service opens itself.

    Its id is 0 where the service offers (seen in the field). An endpoint that offers has opened a channel of
    its own, which as the DTLS client it puts on 0 (RFC 8832), so the service takes 1: our choice.
    """
    channel_id = (next_id(session) or 0) if by_endpoint else 0
    channel = DataChannel(channel_id, SERVER_EVENTS, Delivery(), now, announced=True)
    return with_channel(session, channel), channel


def settled(session: Session, *, data_channels: bool) -> Session:
    """The session after an exchange: without a section for data channels all of them are over."""
    if not data_channels:
        session = _ended(session, "no_transport")
    return evolve(session, data_channels=data_channels)


def opened(session: Session, channel_id: int) -> Session:
    """Messages can be exchanged on a channel."""
    channel = session.channels.get(channel_id)
    if channel is None or channel.ended is not None or channel.open:
        return session
    return with_channel(session, evolve(channel, open=True))


def acknowledged(session: Session, channel_id: int) -> Session:
    """waitForAck: the subscriber's first message has come, and delivery starts."""
    channel = session.channels.get(channel_id)
    if channel is None or not channel.gated:
        return session
    return with_channel(session, evolve(channel, gated=False))


def hung_up(session: Session, channel_id: int) -> Session:
    """The endpoint closed a channel on its own; its name stays taken until a call closes it (seen)."""
    channel = session.channels.get(channel_id)
    if channel is None or channel.ended is not None:
        return session
    return with_channel(session, evolve(channel, ended="hung_up"))


def aged(session: Session, now: float) -> Session:
    """waitForAck: without its acknowledgement in time a channel is torn down (docs, limits)."""
    for channel in session.channels.values():
        if _waits(channel) and now >= channel.since + WAIT_FOR_ACK:
            session = with_channel(session, evolve(channel, ended="unacknowledged"))
    return session


def next_change(session: Session) -> float:
    """The earliest moment at which time alone can change a channel."""
    waiting = [channel.since + WAIT_FOR_ACK for channel in session.channels.values() if _waits(channel)]
    return min(waiting, default=float("inf"))


def status(sessions: Sessions, session: Session, channel: DataChannel) -> ChannelStatus:
    """Docs, inspect a session: active is open, initializing still connecting, inactive neither."""
    if not alive(sessions, session, channel):
        return "inactive"
    return "active" if channel.open else "initializing"


def picture(sessions: Sessions, session: Session) -> tuple[Channel, ...]:
    """What the media plane shall carry for a session."""
    return tuple(
        Channel(
            channel.id,
            channel.name,
            channel.delivery,
            announced=channel.announced,
            source=channel.source,
            gated=channel.gated,
            replies=channel.reply_from,
        )
        for channel in session.channels.values()
        if alive(sessions, session, channel)
    )


def _waits(channel: DataChannel) -> bool:
    return channel.gated and channel.ended is None


def _ended(session: Session, ended: Ended) -> Session:
    channels = {
        channel_id: channel if channel.ended is not None else evolve(channel, ended=ended)
        for channel_id, channel in session.channels.items()
    }
    return evolve(session, channels=channels)
