"""Handles of one session: `Session` and `AsyncSession`, method by method the same.

A handle holds an id and nothing else: making one costs no call, and any number may name the same session. The
order of calls is the caller's: one exchange of a session ends before its next call starts.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from cfrealtime._core import prepare

if TYPE_CHECKING:
    from cfrealtime._http import AsyncHttp, SyncHttp
    from cfrealtime.models import (
        CloseResult,
        LocalTrack,
        RemoteTrack,
        SessionDescription,
        SessionState,
        TracksResult,
    )


class Session:
    """One session of an app. Made by `Realtime.new_session()` and `Realtime.session(id)`."""

    def __init__(self, http: SyncHttp, app_id: str, session_id: str) -> None:
        self._http = http
        self._app_id = app_id
        self._id = prepare.check_session_id(session_id)

    def __repr__(self) -> str:
        return f"Session({self._id!r})"

    @property
    def id(self) -> str:
        """The session's id. It is a locator: whoever holds it still needs the App Secret."""
        return self._id

    def publish(self, offer: str | SessionDescription, tracks: Iterable[LocalTrack]) -> TracksResult:
        """Publish up to 64 tracks with the endpoint's offer; the result holds the answer to apply."""
        return self._http.call(prepare.publish(self._app_id, self._id, offer, tracks))

    def subscribe(self, tracks: Iterable[RemoteTrack]) -> TracksResult:
        """Receive up to 64 publications; the result holds an offer, whose answer goes to `renegotiate`."""
        return self._http.call(prepare.subscribe(self._app_id, self._id, tracks))

    def renegotiate(self, answer: str | SessionDescription) -> SessionDescription | None:
        """Hand in the endpoint's answer to the offer of a subscription."""
        return self._http.call(prepare.renegotiate(self._app_id, self._id, answer))

    def update_tracks(self, tracks: Iterable[RemoteTrack]) -> TracksResult:
        """Point receiving mids at other publications or layers, without an exchange; 64 a request."""
        return self._http.call_all(prepare.update_tracks(self._app_id, self._id, tracks))

    def close_tracks(
        self, mids: Iterable[str], *, force: bool = False, offer: str | SessionDescription | None = None
    ) -> CloseResult:
        """Close tracks by `force`, 64 a request and safe to repeat, or with the endpoint's `offer`."""
        batch = prepare.close_tracks(self._app_id, self._id, mids, force=force, offer=offer)
        return self._http.call_all(batch)

    def get_state(self) -> SessionState:
        """List the session's tracks and data channels."""
        return self._http.call(prepare.get_session(self._app_id, self._id))


class AsyncSession:
    """One session of an app. Made by `AsyncRealtime.new_session()` and `AsyncRealtime.session(id)`."""

    def __init__(self, http: AsyncHttp, app_id: str, session_id: str) -> None:
        self._http = http
        self._app_id = app_id
        self._id = prepare.check_session_id(session_id)

    def __repr__(self) -> str:
        return f"AsyncSession({self._id!r})"

    @property
    def id(self) -> str:
        """The session's id. It is a locator: whoever holds it still needs the App Secret."""
        return self._id

    async def publish(self, offer: str | SessionDescription, tracks: Iterable[LocalTrack]) -> TracksResult:
        """Publish up to 64 tracks with the endpoint's offer; the result holds the answer to apply."""
        return await self._http.call(prepare.publish(self._app_id, self._id, offer, tracks))

    async def subscribe(self, tracks: Iterable[RemoteTrack]) -> TracksResult:
        """Receive up to 64 publications; the result holds an offer, whose answer goes to `renegotiate`."""
        return await self._http.call(prepare.subscribe(self._app_id, self._id, tracks))

    async def renegotiate(self, answer: str | SessionDescription) -> SessionDescription | None:
        """Hand in the endpoint's answer to the offer of a subscription."""
        return await self._http.call(prepare.renegotiate(self._app_id, self._id, answer))

    async def update_tracks(self, tracks: Iterable[RemoteTrack]) -> TracksResult:
        """Point receiving mids at other publications or layers, without an exchange; 64 a request."""
        return await self._http.call_all(prepare.update_tracks(self._app_id, self._id, tracks))

    async def close_tracks(
        self, mids: Iterable[str], *, force: bool = False, offer: str | SessionDescription | None = None
    ) -> CloseResult:
        """Close tracks by `force`, 64 a request and safe to repeat, or with the endpoint's `offer`."""
        batch = prepare.close_tracks(self._app_id, self._id, mids, force=force, offer=offer)
        return await self._http.call_all(batch)

    async def get_state(self) -> SessionState:
        """List the session's tracks and data channels."""
        return await self._http.call(prepare.get_session(self._app_id, self._id))
