# Made by scripts/colours.py from cfrealtime/aio. Changes made here are lost.
"""`with_raw_response`: the same methods, giving the value together with what it came in."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Literal, Protocol, cast, overload

from cfrealtime._recording import Twin, record_sync
from cfrealtime.blocking.adapters import Adapters
from cfrealtime.blocking.client import Realtime
from cfrealtime.blocking.session import Session
from cfrealtime.blocking.turn import Turn

if TYPE_CHECKING:
    from cfrealtime.models import CloseResult, SessionDescription
    from cfrealtime.raw import RawResponse


class RawRealtime:
    """The calls of `Realtime`, each giving a `RawResponse`."""

    def __init__(self, twin: Twin[Realtime]) -> None:
        self.new_session = record_sync(twin, Realtime.new_session)


class CloseTracks(Protocol):
    """A close by force or with an offer: of a method that is wrapped checkers keep one overload alone."""

    @overload
    def __call__(self, mids: Iterable[str], *, force: Literal[True]) -> RawResponse[CloseResult]: ...

    @overload
    def __call__(
        self, mids: Iterable[str], *, offer: str | SessionDescription
    ) -> RawResponse[CloseResult]: ...


class RawSession:
    """The calls of `Session`, each giving a `RawResponse`."""

    def __init__(self, twin: Twin[Session]) -> None:
        self.publish = record_sync(twin, Session.publish)
        self.publish_all = record_sync(twin, Session.publish_all)
        self.publish_without_offer = record_sync(twin, Session.publish_without_offer)
        self.subscribe = record_sync(twin, Session.subscribe)
        self.renegotiate = record_sync(twin, Session.renegotiate)
        self.update_tracks = record_sync(twin, Session.update_tracks)
        self.close_tracks = cast("CloseTracks", record_sync(twin, Session.close_tracks))
        self.get_state = record_sync(twin, Session.get_state)
        self.establish_data_channels = record_sync(twin, Session.establish_data_channels)
        self.publish_data_channels = record_sync(twin, Session.publish_data_channels)
        self.subscribe_data_channels = record_sync(twin, Session.subscribe_data_channels)
        self.update_data_channels = record_sync(twin, Session.update_data_channels)
        self.close_data_channels = record_sync(twin, Session.close_data_channels)


class RawAdapters:
    """The calls of `Adapters`, each giving a `RawResponse`."""

    def __init__(self, twin: Twin[Adapters]) -> None:
        self.create = record_sync(twin, Adapters.create)
        self.close = record_sync(twin, Adapters.close)


class RawTurn:
    """The calls of `Turn`, each giving a `RawResponse`."""

    def __init__(self, twin: Twin[Turn]) -> None:
        self.generate_ice_servers = record_sync(twin, Turn.generate_ice_servers)
        self.revoke = record_sync(twin, Turn.revoke)
