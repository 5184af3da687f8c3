"""Python SDK for Cloudflare Realtime.

The clients are imported when they are first asked for: with them come httpx and the generated code, which an
application that only names models and errors does not need.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from cfrealtime.errors import (
    ApiError,
    AuthenticationError,
    BadRequestError,
    ConfigurationError,
    InvalidRequestError,
    NotAcceptableError,
    NotConnectedError,
    NotFoundError,
    NotSentError,
    OutcomeUnknownError,
    RateLimitError,
    RealtimeError,
    ServerError,
    SessionGoneError,
    UnexpectedAnswerError,
)
from cfrealtime.models import (
    CloseItem,
    CloseResult,
    DataChannelState,
    ItemError,
    LocalTrack,
    RemoteTrack,
    SessionDescription,
    SessionState,
    Simulcast,
    TrackResult,
    TracksResult,
    TrackState,
)

if TYPE_CHECKING:
    from cfrealtime.aio import AsyncRealtime
    from cfrealtime.client import Realtime
    from cfrealtime.session import AsyncSession, Session

__all__ = [
    "ApiError",
    "AsyncRealtime",
    "AsyncSession",
    "AuthenticationError",
    "BadRequestError",
    "CloseItem",
    "CloseResult",
    "ConfigurationError",
    "DataChannelState",
    "InvalidRequestError",
    "ItemError",
    "LocalTrack",
    "NotAcceptableError",
    "NotConnectedError",
    "NotFoundError",
    "NotSentError",
    "OutcomeUnknownError",
    "RateLimitError",
    "Realtime",
    "RealtimeError",
    "RemoteTrack",
    "ServerError",
    "Session",
    "SessionDescription",
    "SessionGoneError",
    "SessionState",
    "Simulcast",
    "TrackResult",
    "TrackState",
    "TracksResult",
    "UnexpectedAnswerError",
]

_LAZY = {
    "AsyncRealtime": "cfrealtime.aio",
    "AsyncSession": "cfrealtime.session",
    "Realtime": "cfrealtime.client",
    "Session": "cfrealtime.session",
}


def __getattr__(name: str) -> object:
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: object = getattr(import_module(_LAZY[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
