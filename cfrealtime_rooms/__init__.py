"""Rooms on Cloudflare Realtime, for any Python web framework.

A host application gives each participant's channel to `Rooms.connect`; the rooms see to it that everyone
receives what the policy wants, session by session, in the right order.
"""

from .core.events import (
    AttributesChanged,
    JoinRefused,
    LayersChanged,
    LeakReported,
    MessageSent,
    ParticipantBanned,
    ParticipantJoined,
    ParticipantLeft,
    ParticipantReconnecting,
    ParticipantResumed,
    ParticipantUnbanned,
    PermissionsChanged,
    RoomClosed,
    RoomEvent,
    RoomOpened,
    SelectionChanged,
    SessionReplaced,
    SourceAllowed,
    SourceMuted,
    TrackMuted,
    TrackPublished,
    TrackUnpublished,
)
from .core.notices import IceServer
from .core.permissions import Permissions
from .core.policy import Policy, Visible, Wanted, audio_only, everybody, everyone, selected
from .core.settings import Duplicates, Settings
from .hooks import (
    BacklogInfo,
    CallInfo,
    ExchangeInfo,
    LedgerInfo,
    OutcomeInfo,
    ReplacementInfo,
    RoomHooks,
    RoomInfo,
)
from .metrics import Metrics
from .rooms import Connection, Rooms
from .runtime.handover import Owed
from .runtime.ice import Visitor
from .store import DocumentError, MemoryStore, RoomStore, UnknownEventError, dump_event, load_event

__all__ = [
    "AttributesChanged",
    "BacklogInfo",
    "CallInfo",
    "Connection",
    "DocumentError",
    "Duplicates",
    "ExchangeInfo",
    "IceServer",
    "JoinRefused",
    "LayersChanged",
    "LeakReported",
    "LedgerInfo",
    "MemoryStore",
    "MessageSent",
    "Metrics",
    "OutcomeInfo",
    "Owed",
    "ParticipantBanned",
    "ParticipantJoined",
    "ParticipantLeft",
    "ParticipantReconnecting",
    "ParticipantResumed",
    "ParticipantUnbanned",
    "Permissions",
    "PermissionsChanged",
    "Policy",
    "ReplacementInfo",
    "RoomClosed",
    "RoomEvent",
    "RoomHooks",
    "RoomInfo",
    "RoomOpened",
    "RoomStore",
    "Rooms",
    "SelectionChanged",
    "SessionReplaced",
    "Settings",
    "SourceAllowed",
    "SourceMuted",
    "TrackMuted",
    "TrackPublished",
    "TrackUnpublished",
    "UnknownEventError",
    "Visible",
    "Visitor",
    "Wanted",
    "audio_only",
    "dump_event",
    "everybody",
    "everyone",
    "load_event",
    "selected",
]
