"""`with_raw_response`: the same methods, giving the value together with what it came in."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Literal, Protocol, cast, overload

from cfrealtime._recording import Twin, record_async
from cfrealtime.aio.adapters import AsyncAdapters
from cfrealtime.aio.client import AsyncRealtime
from cfrealtime.aio.session import AsyncSession
from cfrealtime.aio.turn import AsyncTurn

if TYPE_CHECKING:
    from cfrealtime.models import CloseResult, SessionDescription
    from cfrealtime.raw import RawResponse


class RawAsyncRealtime:
    """The calls of `AsyncRealtime`, each giving a `RawResponse`."""

    def __init__(self, twin: Twin[AsyncRealtime]) -> None:
        self.new_session = record_async(twin, AsyncRealtime.new_session)


class CloseTracks(Protocol):
    """A close by force or with an offer: of a method that is wrapped checkers keep one overload alone."""

    @overload
    async def __call__(self, mids: Iterable[str], *, force: Literal[True]) -> RawResponse[CloseResult]: ...

    @overload
    async def __call__(
        self, mids: Iterable[str], *, offer: str | SessionDescription
    ) -> RawResponse[CloseResult]: ...


class RawAsyncSession:
    """The calls of `AsyncSession`, each giving a `RawResponse`."""

    def __init__(self, twin: Twin[AsyncSession]) -> None:
        self.publish = record_async(twin, AsyncSession.publish)
        self.publish_all = record_async(twin, AsyncSession.publish_all)
        self.publish_without_offer = record_async(twin, AsyncSession.publish_without_offer)
        self.subscribe = record_async(twin, AsyncSession.subscribe)
        self.renegotiate = record_async(twin, AsyncSession.renegotiate)
        self.update_tracks = record_async(twin, AsyncSession.update_tracks)
        self.close_tracks = cast("CloseTracks", record_async(twin, AsyncSession.close_tracks))
        self.get_state = record_async(twin, AsyncSession.get_state)
        self.establish_data_channels = record_async(twin, AsyncSession.establish_data_channels)
        self.publish_data_channels = record_async(twin, AsyncSession.publish_data_channels)
        self.subscribe_data_channels = record_async(twin, AsyncSession.subscribe_data_channels)
        self.update_data_channels = record_async(twin, AsyncSession.update_data_channels)
        self.close_data_channels = record_async(twin, AsyncSession.close_data_channels)


class RawAsyncAdapters:
    """The calls of `AsyncAdapters`, each giving a `RawResponse`."""

    def __init__(self, twin: Twin[AsyncAdapters]) -> None:
        self.create = record_async(twin, AsyncAdapters.create)
        self.close = record_async(twin, AsyncAdapters.close)


class RawAsyncTurn:
    """The calls of `AsyncTurn`, each giving a `RawResponse`."""

    def __init__(self, twin: Twin[AsyncTurn]) -> None:
        self.generate_ice_servers = record_async(twin, AsyncTurn.generate_ice_servers)
        self.revoke = record_async(twin, AsyncTurn.revoke)
