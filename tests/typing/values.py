"""What results, errors and hooks hold, as type checkers see it. Checked by mypy and pyright, never run."""

# pyright: strict

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, assert_type

from cfrealtime import (
    AdapterResult,
    AdaptersResult,
    ApiError,
    CloseDataChannelsResult,
    CloseItem,
    CloseResult,
    DataChannelResult,
    DataChannelsResult,
    ErrorInfo,
    EstablishResult,
    Hooks,
    IceServers,
    ItemError,
    ItemsFailedError,
    RealtimeError,
    ResponseInfo,
    SessionDescription,
    SessionState,
    TrackResult,
    TracksResult,
    TrackState,
)
from cfrealtime.packets import Packet, decode_packet, encode_packet


def tracks(result: TracksResult, close: CloseResult, state: SessionState) -> None:
    """Results keep their type through `raise_for_items`, and every item that may be absent says so."""
    assert_type(result.raise_for_items(), TracksResult)
    assert_type(result.ok, tuple[TrackResult, ...])
    assert_type(result.failed, tuple[TrackResult, ...])
    assert_type(result.by_mid, dict[str, TrackResult])
    assert_type(result.ok[0].mid, str | None)
    assert_type(result.description, SessionDescription | None)
    assert_type(result.extra, Mapping[str, Any])
    assert_type(close.raise_for_items().closed_mids, frozenset[str])
    assert_type(close.failed, tuple[CloseItem, ...])
    assert_type(state.tracks, tuple[TrackState, ...])
    for item in result.failed:
        assert_type(item.error, ItemError | None)
    if result.description is not None:
        assert_type(result.description.type, Literal["offer", "answer"])


def others(
    channels: DataChannelsResult,
    established: EstablishResult,
    closed: CloseDataChannelsResult,
    adapters: AdaptersResult,
    servers: IceServers,
) -> None:
    """The same for all other results."""
    assert_type(channels.raise_for_items().by_name, dict[str, DataChannelResult])
    assert_type(established.raise_for_items().channel, DataChannelResult | None)
    assert_type(closed.closed_ids, frozenset[int])
    assert_type(adapters.raise_for_items().by_track_name, dict[str, AdapterResult])
    assert_type(servers.for_browsers().as_dicts(), list[dict[str, Any]])
    assert_type(encode_packet(Packet(b"")), bytes)
    assert_type(decode_packet(b""), Packet)


def errors(error: RealtimeError) -> None:
    """Every error says what it was about."""
    assert_type(error.operation, str | None)
    assert_type(error.status, int | None)
    assert_type(error.retry_after, float | None)
    assert_type(error.attempts, int | None)
    if isinstance(error, ApiError):
        assert_type(error.description, str | None)
    if isinstance(error, ItemsFailedError):
        assert_type(list(error.result.failed), list[Any])


def hooks() -> None:
    """Hooks are plain functions."""

    def response(info: ResponseInfo) -> None:
        assert_type(info.error, BaseException | None)

    def error(info: ErrorInfo) -> None:
        assert_type(info.seconds, float)

    assert_type(Hooks.of(Hooks(response=response), Hooks(error=error)), Hooks)
