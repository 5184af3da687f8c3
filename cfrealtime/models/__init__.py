"""Values that go into and come out of the SDK: frozen, comparable, and silent about SDP.

An attribute's name on the wire is its camelCase form, or what its `wire` metadata says. Answers keep what
this version does not know in `extra`, which takes no part in `==` or `repr`. A field the service may leave
out is optional here, and a string it may extend (status, location, codes) stays a plain string, so a newer
service never breaks an older client.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cfrealtime.models.adapters import (
        AdapterResult,
        AdaptersResult,
        CloseAdapterItem,
        CloseAdaptersResult,
        EgressAdapter,
        IngestAdapter,
    )
    from cfrealtime.models.data_channels import (
        CloseDataChannelItem,
        CloseDataChannelsResult,
        DataChannelResult,
        DataChannelsResult,
        Delivery,
        EstablishResult,
        LocalDataChannel,
        MaxLifetime,
        MaxRetransmits,
        Reliable,
        RemoteDataChannel,
    )
    from cfrealtime.models.sessions import DataChannelState, SessionState
    from cfrealtime.models.shared import ItemError, SessionDescription
    from cfrealtime.models.tracks import (
        CloseItem,
        CloseResult,
        LocalTrack,
        NewTrack,
        RemoteTrack,
        Simulcast,
        TrackResult,
        TracksResult,
        TrackState,
    )
    from cfrealtime.models.turn import IceServer, IceServers

__all__ = [
    "AdapterResult",
    "AdaptersResult",
    "CloseAdapterItem",
    "CloseAdaptersResult",
    "CloseDataChannelItem",
    "CloseDataChannelsResult",
    "CloseItem",
    "CloseResult",
    "DataChannelResult",
    "DataChannelState",
    "DataChannelsResult",
    "Delivery",
    "EgressAdapter",
    "EstablishResult",
    "IceServer",
    "IceServers",
    "IngestAdapter",
    "ItemError",
    "LocalDataChannel",
    "LocalTrack",
    "MaxLifetime",
    "MaxRetransmits",
    "NewTrack",
    "Reliable",
    "RemoteDataChannel",
    "RemoteTrack",
    "SessionDescription",
    "SessionState",
    "Simulcast",
    "TrackResult",
    "TrackState",
    "TracksResult",
]

# The parts of the API, each imported when the first of its values is asked for.
_PARTS = ("shared", "tracks", "sessions", "data_channels", "adapters", "turn")


def __getattr__(name: str) -> object:
    if name in __all__:
        for part in _PARTS:
            module = import_module(f"{__name__}.{part}")
            if name in vars(module):
                value: object = vars(module)[name]
                globals()[name] = value
                return value
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
