"""What the service says of a session as a whole."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attrs import field, frozen

from cfrealtime.models.shared import extra_field
from cfrealtime.models.tracks import TrackState


@frozen
class DataChannelState:
    """One data channel of a session as the service lists it."""

    location: str | None = None
    session_id: str | None = None
    name: str | None = field(default=None, metadata={"wire": "dataChannelName"})
    id: int | None = None
    status: str | None = None
    extra: Mapping[str, Any] = extra_field()


@frozen
class SessionState:
    """What the service holds for a session. A request still on its way can change it."""

    tracks: tuple[TrackState, ...] = ()
    data_channels: tuple[DataChannelState, ...] = ()
    extra: Mapping[str, Any] = extra_field()
