"""Python SDK for Cloudflare Realtime.

Every name is imported when it is first asked for: `import cfrealtime` alone costs next to nothing, and an
application that only names errors does not load an HTTP client.
"""

from __future__ import annotations

from importlib import import_module

from cfrealtime._version import __version__

TYPE_CHECKING = False  # typing's own takes a tenth of the time that httpx takes to import

if TYPE_CHECKING:
    from cfrealtime.aio.adapters import AsyncAdapters
    from cfrealtime.aio.client import AsyncRealtime
    from cfrealtime.aio.negotiation import AsyncNegotiation
    from cfrealtime.aio.session import AsyncSession
    from cfrealtime.aio.turn import AsyncTurn
    from cfrealtime.blocking.adapters import Adapters
    from cfrealtime.blocking.client import Realtime
    from cfrealtime.blocking.negotiation import Negotiation
    from cfrealtime.blocking.session import Session
    from cfrealtime.blocking.turn import Turn
    from cfrealtime.errors import (
        ApiError,
        AuthenticationError,
        BadRequestError,
        ConfigurationError,
        ExchangeOpenError,
        InvalidRequestError,
        ItemsFailedError,
        NotAcceptableError,
        NotConnectedError,
        NotFoundError,
        NotSentError,
        OutcomeUnknownError,
        PacketError,
        RateLimitError,
        RealtimeError,
        ServerError,
        SessionGoneError,
        UnexpectedAnswerError,
    )
    from cfrealtime.hooks import ErrorInfo, Hooks, RequestInfo, ResponseInfo, RetryInfo
    from cfrealtime.models import (
        AdapterResult,
        AdaptersResult,
        CloseAdapterItem,
        CloseAdaptersResult,
        CloseDataChannelItem,
        CloseDataChannelsResult,
        CloseItem,
        CloseResult,
        DataChannelResult,
        DataChannelsResult,
        DataChannelState,
        Delivery,
        EgressAdapter,
        EstablishResult,
        IceServer,
        IceServers,
        IngestAdapter,
        ItemError,
        LocalDataChannel,
        LocalTrack,
        MaxLifetime,
        MaxRetransmits,
        NewTrack,
        Reliable,
        RemoteDataChannel,
        RemoteTrack,
        SessionDescription,
        SessionState,
        Simulcast,
        TrackResult,
        TracksResult,
        TrackState,
    )
    from cfrealtime.raw import Answer, RawResponse

__all__ = [
    "AdapterResult",
    "Adapters",
    "AdaptersResult",
    "Answer",
    "ApiError",
    "AsyncAdapters",
    "AsyncNegotiation",
    "AsyncRealtime",
    "AsyncSession",
    "AsyncTurn",
    "AuthenticationError",
    "BadRequestError",
    "CloseAdapterItem",
    "CloseAdaptersResult",
    "CloseDataChannelItem",
    "CloseDataChannelsResult",
    "CloseItem",
    "CloseResult",
    "ConfigurationError",
    "DataChannelResult",
    "DataChannelState",
    "DataChannelsResult",
    "Delivery",
    "EgressAdapter",
    "ErrorInfo",
    "EstablishResult",
    "ExchangeOpenError",
    "Hooks",
    "IceServer",
    "IceServers",
    "IngestAdapter",
    "InvalidRequestError",
    "ItemError",
    "ItemsFailedError",
    "LocalDataChannel",
    "LocalTrack",
    "MaxLifetime",
    "MaxRetransmits",
    "Negotiation",
    "NewTrack",
    "NotAcceptableError",
    "NotConnectedError",
    "NotFoundError",
    "NotSentError",
    "OutcomeUnknownError",
    "PacketError",
    "RateLimitError",
    "RawResponse",
    "Realtime",
    "RealtimeError",
    "Reliable",
    "RemoteDataChannel",
    "RemoteTrack",
    "RequestInfo",
    "ResponseInfo",
    "RetryInfo",
    "ServerError",
    "Session",
    "SessionDescription",
    "SessionGoneError",
    "SessionState",
    "Simulcast",
    "TrackResult",
    "TrackState",
    "TracksResult",
    "Turn",
    "UnexpectedAnswerError",
    "__version__",
]

_CLIENTS = {
    "Adapters": "cfrealtime.blocking.adapters",
    "AsyncAdapters": "cfrealtime.aio.adapters",
    "AsyncNegotiation": "cfrealtime.aio.negotiation",
    "AsyncRealtime": "cfrealtime.aio.client",
    "AsyncSession": "cfrealtime.aio.session",
    "AsyncTurn": "cfrealtime.aio.turn",
    "Negotiation": "cfrealtime.blocking.negotiation",
    "Realtime": "cfrealtime.blocking.client",
    "Session": "cfrealtime.blocking.session",
    "Turn": "cfrealtime.blocking.turn",
}
# Modules that list what they offer themselves.
_VALUES = ("cfrealtime.errors", "cfrealtime.models", "cfrealtime.hooks", "cfrealtime.raw")


def __getattr__(name: str) -> object:
    if name in __all__:
        for home in (_CLIENTS[name],) if name in _CLIENTS else _VALUES:
            module = import_module(home)
            if name in _CLIENTS or name in module.__all__:
                value: object = getattr(module, name)
                globals()[name] = value
                return value
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
