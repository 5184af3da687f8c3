"""datachannels/new, update and close: which channels there are, whom they copy, and who may reply.

Source: docs, features/datachannels, and the contract's DataChannelObject, unless a rule says otherwise.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from attrs import evolve, frozen

from cfrealtime.emulator.data_channels import ChannelLocator, DataChannel
from cfrealtime.emulator.limits import LAST_CHANNEL_ID
from cfrealtime.emulator.media.plan import ChannelRef
from cfrealtime.emulator.refusals import ItemError, Json
from cfrealtime.emulator.state import Session, Sessions
from cfrealtime.emulator.wire_data_channels import ChannelEntry, LocalChannel, RemoteChannel, UpdateChannel

REPEATED = ItemError("repeated_local_track_error", "The session has this data channel already.")
NOT_FOUND = ItemError("not_found_track_error", "No such data channel is published.")
NOT_CONNECTED = ItemError("not_found_track_error", "The publisher's session is not connected.")
OTHER_DELIVERY = ItemError("invalid_params", "The delivery policy is not the publisher's.")
NO_ID = ItemError("transport_unavailable_error", "The session has no id left for a data channel.")
NOT_SUBSCRIBED = ItemError("update_track_error", "The session has no such data channel.")
ABSENT = ItemError("close_track_error", "No open data channel has this id.")


@frozen
class NewItem:
    """One entry of datachannels/new and what became of it."""

    entry: ChannelEntry
    outcome: DataChannel | ItemError

    def answer(self) -> Json:
        """The item of the answer."""
        if isinstance(self.outcome, DataChannel):
            return located(self.outcome)
        fields: Json = {"dataChannelName": self.entry.name, "location": "local"}
        if isinstance(self.entry, RemoteChannel):
            fields |= {"location": "remote", "sessionId": self.entry.source.session_id}
        return fields | self.outcome.fields()


@frozen
class UpdateItem:
    """One entry of datachannels/update and what became of it: the channel, and whether it may reply now."""

    entry: UpdateChannel
    outcome: tuple[DataChannel, bool] | ItemError

    def answer(self) -> Json:
        """The item of the answer."""
        if isinstance(self.outcome, ItemError):
            given = {
                "id": self.entry.id,
                "dataChannelName": self.entry.name,
                "sessionId": self.entry.publisher,
            }
            return {key: value for key, value in given.items() if value is not None} | self.outcome.fields()
        channel, can_reply = self.outcome
        return {**located(channel), "canReply": can_reply}


def located(channel: DataChannel) -> Json:
    """What every answer says of a channel."""
    fields: Json = {"id": channel.id, "dataChannelName": channel.name}
    if channel.published:
        return {**fields, "location": "local"}
    publisher = {"sessionId": channel.source.session_id} if channel.source else {}
    return {**fields, "location": "remote", **publisher}


def ready(session: Session) -> bool:
    """Docs, 425: a channel is allocated on a transport that is negotiated and connected."""
    return session.connected and session.data_channels


def allocate(
    sessions: Sessions,
    session_id: str,
    entries: Sequence[ChannelEntry],
    now: float,
    refused: Sequence[ItemError | None],
) -> tuple[Sessions, tuple[NewItem, ...]]:
    """The sessions that datachannels/new changes; `refused` has the errors of entries that fail anyhow."""
    after, items = dict(sessions), list[NewItem]()
    for entry, error in zip(entries, refused, strict=True):
        outcome = error or _allocated(after, after[session_id], entry, now)
        if isinstance(outcome, DataChannel):
            after[session_id] = with_channel(after[session_id], outcome)
            if isinstance(entry, RemoteChannel) and entry.can_reply:
                _grant(after, ChannelRef(session_id, outcome.id), outcome)
        items.append(NewItem(entry, outcome))
    return _changed(sessions, after), tuple(items)


def update(
    sessions: Sessions,
    session_id: str,
    entries: Sequence[UpdateChannel],
    refused: Sequence[ItemError | None],
) -> tuple[Sessions, tuple[UpdateItem, ...]]:
    """The sessions that datachannels/update changes: granting a reply takes it from whoever had it."""
    after, items = dict(sessions), list[UpdateItem]()
    for entry, error in zip(entries, refused, strict=True):
        channel = _find(after[session_id], entry)
        if channel is None or error is not None:
            items.append(UpdateItem(entry, error or NOT_SUBSCRIBED))
            continue
        holder = ChannelRef(session_id, channel.id)
        if entry.can_reply:
            _grant(after, holder, channel)
        elif entry.can_reply is False and may_reply(after, holder, channel):
            _grant(after, None, channel)
        items.append(UpdateItem(entry, (channel, may_reply(after, holder, channel))))
    return _changed(sessions, after), tuple(items)


def close(
    session: Session, ids: Sequence[int], failing: Mapping[int, ItemError] | None = None
) -> tuple[Session, tuple[tuple[int, ItemError | None], ...]]:
    """Close each id but those that shall fail; `close_track_error` for one that is absent or closed already
    (contract)."""
    items = list[tuple[int, ItemError | None]]()
    for channel_id in ids:
        if failing and channel_id in failing:
            items.append((channel_id, failing[channel_id]))
            continue
        channel = session.channels.get(channel_id)
        if channel is None or not channel.allocated:
            items.append((channel_id, ABSENT))
            continue
        session = with_channel(session, evolve(channel, ended="closed"))
        items.append((channel_id, None))
    return session, tuple(items)


def with_channel(session: Session, channel: DataChannel) -> Session:
    """The session with one channel added or replaced."""
    return evolve(session, channels={**session.channels, channel.id: channel})


def alive(sessions: Sessions, session: Session, channel: DataChannel) -> bool:
    """Whether a channel carries messages, or will: a subscriber's does not outlive the publisher's."""
    if channel.ended is not None or session.ended_at is not None:
        return False
    if channel.source is None:
        return True
    source = _source(sessions, channel.source)
    publishes = source is not None and source.ended is None
    return publishes and sessions[channel.source.session_id].ended_at is None


def may_reply(sessions: Sessions, holder: ChannelRef, channel: DataChannel) -> bool:
    """Whether a subscriber's channel is the one that may write back to its publisher."""
    if channel.source is None:
        return False
    source = _source(sessions, channel.source)
    return source is not None and source.reply_from == holder


def next_id(session: Session) -> int | None:
    """An id never used in this session: the endpoint may still be closing an old one. 0 is left to the
    service, as seen in the field."""
    channel_id = max((0, *session.channels)) + 1
    return channel_id if channel_id <= LAST_CHANNEL_ID else None


def _allocated(
    sessions: Sessions, session: Session, entry: ChannelEntry, now: float
) -> DataChannel | ItemError:
    channel_id = next_id(session)
    if channel_id is None:
        return NO_ID
    if isinstance(entry, LocalChannel):
        if any(c.published and c.allocated and c.name == entry.name for c in session.channels.values()):
            return REPEATED
        return DataChannel(channel_id, entry.name, entry.delivery, now)
    found = _published(sessions, session.app_id, entry.source)
    if isinstance(found, ItemError):
        return found
    source = ChannelRef(entry.source.session_id, found.id)
    if any(channel.source == source and channel.allocated for channel in session.channels.values()):
        return REPEATED
    if entry.delivery != found.delivery:
        return OTHER_DELIVERY
    gated = entry.wait_for_ack
    return DataChannel(channel_id, entry.name, entry.delivery, now, source=source, gated=gated)


def _published(sessions: Sessions, app_id: str, locator: ChannelLocator) -> DataChannel | ItemError:
    session = sessions.get(locator.session_id)
    if session is None or session.app_id != app_id or session.ended_at is not None:
        return NOT_FOUND
    for channel in session.channels.values():
        if channel.published and channel.name == locator.name and channel.ended is None:
            return channel if session.connected else NOT_CONNECTED
    return NOT_FOUND


def _find(session: Session, entry: UpdateChannel) -> DataChannel | None:
    """The channel an entry means, by its id if it gives one, else by what it carries."""
    for channel in reversed(list(session.channels.values())):
        publisher = channel.source.session_id if channel.source else None
        named = entry.id is None and (entry.name, entry.publisher) == (channel.name, publisher)
        if channel.allocated and (named or entry.id == channel.id):
            return channel
    return None


def _grant(sessions: dict[str, Session], holder: ChannelRef | None, channel: DataChannel) -> None:
    """Write the holder down with the publisher; nothing happens where there is none any more."""
    if channel.source is None:
        return
    publisher, source = channel.source.session_id, _source(sessions, channel.source)
    if source is not None:
        sessions[publisher] = with_channel(sessions[publisher], evolve(source, reply_from=holder))


def _source(sessions: Sessions, source: ChannelRef) -> DataChannel | None:
    """The publisher's channel; its session may have been forgotten."""
    publisher = sessions.get(source.session_id)
    return publisher.channels.get(source.id) if publisher else None


def _changed(before: Sessions, after: Sessions) -> Sessions:
    return {session_id: s for session_id, s in after.items() if s is not before[session_id]}
