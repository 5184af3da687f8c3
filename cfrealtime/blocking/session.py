# Made by scripts/colours.py from cfrealtime/aio. Changes made here are lost.
"""The handle of one session: everything that is asked of it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Literal, Self, TypeVar, overload

from attrs import evolve

from cfrealtime._core import requests
from cfrealtime._core.ids import check_session_id

if TYPE_CHECKING:
    from cfrealtime._core.exchange import Batch, Request
    from cfrealtime.blocking.caller import SyncCaller
    from cfrealtime.blocking.negotiation import Negotiation
    from cfrealtime.blocking.queue import SyncQueue
    from cfrealtime.blocking.raw import RawSession
    from cfrealtime.models import (
        CloseDataChannelsResult,
        CloseResult,
        DataChannelsResult,
        EstablishResult,
        LocalDataChannel,
        LocalTrack,
        NewTrack,
        RemoteDataChannel,
        RemoteTrack,
        SessionDescription,
        SessionState,
        TracksResult,
    )
    from cfrealtime.raw import Answer

T = TypeVar("T")


class Session:
    """One session of an app, which is one PeerConnection. Made by `Realtime.new_session()`.

    A handle holds an id and makes no call by itself; any number may name the same session. The order of calls
    is the caller's: one offer/answer exchange ends before the session's next call starts. `negotiate()` sees
    to it where several parts of a program talk to one session.
    """

    def __init__(self, caller: SyncCaller, app_id: str, session_id: str) -> None:
        self._caller = caller
        self._app_id = app_id
        self._id = check_session_id(session_id)
        self._held_queue: SyncQueue | None = None

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._id!r})"

    @property
    def id(self) -> str:
        """The session's id. It is a locator: whoever holds it still needs the App Secret."""
        return self._id

    @property
    def with_raw_response(self) -> RawSession:
        """The same methods, each giving a `RawResponse`: the value, with status, headers and attempts."""
        from cfrealtime.blocking.raw import RawSession

        return RawSession(self._recorded)

    def publish(self, offer: str | SessionDescription, tracks: Iterable[LocalTrack]) -> TracksResult:
        """Publish up to 64 tracks on media sections of the endpoint's offer. API operation: new_tracks.

        The result holds the answer to apply, and what became of each track.
        """
        return self._call(requests.tracks.publish(self._app_id, self._id, offer, tracks))

    def publish_all(self, offer: str | SessionDescription) -> TracksResult:
        """Publish every new track of the endpoint's offer, under names the service makes up.

        The result holds the answer to apply, and the tracks with their names. API operation: new_tracks, with
        `autoDiscover`.
        """
        return self._call(requests.tracks.publish_all(self._app_id, self._id, offer))

    def publish_without_offer(self, tracks: Iterable[NewTrack]) -> TracksResult:
        """Publish up to 64 tracks on media sections that the service makes. API operation: new_tracks.

        The result holds the service's offer; the endpoint's answer goes to `renegotiate`.
        """
        return self._call(requests.tracks.publish_without_offer(self._app_id, self._id, tracks))

    def subscribe(self, tracks: Iterable[RemoteTrack]) -> TracksResult:
        """Receive up to 64 publications, of one publisher or of many. API operation: new_tracks.

        The result holds the service's offer; the endpoint's answer goes to `renegotiate`. A track whose
        publisher is not sending yet fails alone, with an error that is `retryable`.
        """
        return self._call(requests.tracks.subscribe(self._app_id, self._id, tracks))

    def renegotiate(self, answer: str | SessionDescription) -> SessionDescription | None:
        """Hand in the endpoint's answer to an offer of the service. API operation: renegotiate.

        After OutcomeUnknownError replace the session: an answer cannot be handed in twice.
        """
        return self._call(requests.sessions.renegotiate(self._app_id, self._id, answer))

    def update_tracks(self, tracks: Iterable[RemoteTrack]) -> TracksResult:
        """Point receiving mids at other simulcast layers or publications, without an exchange.

        Split at 64 a request; if a later one fails, the error's `partial` holds what the earlier ones did.
        API operation: update_tracks.
        """
        return self._call_all(requests.tracks.update_tracks(self._app_id, self._id, tracks))

    @overload
    def close_tracks(self, mids: Iterable[str], *, force: Literal[True]) -> CloseResult: ...

    @overload
    def close_tracks(self, mids: Iterable[str], *, offer: str | SessionDescription) -> CloseResult: ...

    def close_tracks(
        self, mids: Iterable[str], *, force: bool = False, offer: str | SessionDescription | None = None
    ) -> CloseResult:
        """Close tracks by `force` or with the endpoint's `offer`, one of them. API operation: close_tracks.

        By force nothing is negotiated, it is split at 64 a request, and it is safe to repeat. With an offer
        up to 64 are closed, and the result holds the answer to apply. What was closed before counts as
        closed.
        """
        batch = requests.tracks.close_tracks(self._app_id, self._id, mids, force=force, offer=offer)
        return self._call_all(batch)

    def get_state(self) -> SessionState:
        """List the session's tracks and data channels. API operation: get_session."""
        return self._call(requests.sessions.get_session(self._app_id, self._id))

    def establish_data_channels(self, offer: str | SessionDescription | None = None) -> EstablishResult:
        """Bring up the session's transport for data, once in its life. API operation: establish_datachannels.

        With the endpoint's offer, one that holds `m=application`, the result holds the answer to apply.
        Without, it holds the service's offer, and the endpoint's answer goes to `renegotiate`. A first
        `publish` whose offer holds `m=application` brings it up, too.
        """
        return self._call(requests.data_channels.establish(self._app_id, self._id, offer))

    def publish_data_channels(self, channels: Iterable[LocalDataChannel]) -> DataChannelsResult:
        """Publish data channels, each with the delivery it promises. API operation: new_datachannels.

        The endpoint, once connected, opens each with `negotiated: true` and the id in the result.
        """
        return self._call(requests.data_channels.publish(self._app_id, self._id, channels))

    def subscribe_data_channels(self, channels: Iterable[RemoteDataChannel]) -> DataChannelsResult:
        """Receive data channels of other sessions. API operation: new_datachannels.

        The endpoint opens each with `negotiated: true`, the publisher's delivery and the id in the result,
        which is this session's own.
        """
        return self._call(requests.data_channels.subscribe(self._app_id, self._id, channels))

    def update_data_channels(self, channels: Iterable[RemoteDataChannel]) -> DataChannelsResult:
        """Grant or take back `can_reply` on channels that are received. API operation: update_datachannels.

        One subscriber of a channel may reply: granting it to another moves it. Split at 64 a request.
        """
        return self._call_all(requests.data_channels.update(self._app_id, self._id, channels))

    def close_data_channels(self, ids: Iterable[int]) -> CloseDataChannelsResult:
        """Close data channels by this session's ids; safe to repeat. API operation: close_datachannels."""
        return self._call_all(requests.data_channels.close(self._app_id, self._id, ids))

    def negotiate(self, *, timeout: float | None = None) -> Negotiation:
        """A block in which nobody else who asks negotiates with this session: `with` it.

        `timeout` is how many seconds to wait for one's turn; without it, as long as it takes. Entering raises
        ExchangeOpenError when the wait is over, or when an earlier block left its exchange unfinished: then
        replace the session. The queue is this client's; other processes do not see it.
        """
        from cfrealtime.blocking.negotiation import Negotiation

        return Negotiation(self._caller, self._app_id, self._id, self._queue(), timeout)

    def _call(self, request: Request[T]) -> T:
        return self._caller.call(request)

    def _call_all(self, batch: Batch[T]) -> T:
        return self._caller.call_all(batch)

    def _queue(self) -> SyncQueue:
        if self._held_queue is None:
            self._held_queue = self._caller.queues.of(self._id)
        return self._held_queue

    def _recorded(self, tape: list[Answer]) -> Self:
        return type(self)(evolve(self._caller, tape=tape), self._app_id, self._id)
