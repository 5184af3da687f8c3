"""Numbers of the platform, each with where it is written; what no document gives is marked as our choice.

"Contract" is the service's published API description, "docs" its Realtime SFU documentation.
"""

from __future__ import annotations

from typing import Final

TRACKS_PER_REQUEST: Final = 64
"""Contract, tracks/new: at most 64 entries a call."""

REQUESTS_PER_SECOND: Final = 50
"""Docs, limits: requests a second for one session; there is no limit for an app."""

BODY_BYTES: Final = 1024 * 1024
"""Docs name `payload_too_large` without a size: the size is our choice."""

CONNECTIVITY_WAIT: Final = 5.0
"""Contract, 425: an operation that needs a connected transport waits this many seconds."""

PACKETS_WAIT: Final = 10.0
"""How long a subscription waits for a silent publisher's packets. Docs say "in time"; seen in the field: more
than 8 s before it fails. What times out sooner shall do so here, too; the number is our choice."""

SENDING_WINDOW: Final = 2.0
"""A publisher heard within this many seconds counts as sending. Our choice: a still camera may send one
frame a second."""

MEDIA_FLOWS_AFTER: Final = 0.3
"""Seconds from a finished subscription until its layers can be changed. Seen in the field as "a few hundred
milliseconds": our choice."""

MEDIA_INACTIVITY: Final = 30.0
"""Docs, limits: a published track without packets for this long is garbage-collected."""

SESSION_REUSE: Final = 30.0
"""Docs, limits: a session and its tracks can be reused for this long after connectivity was lost."""

CONSENT: Final = 15.0
"""Seconds without a connectivity check after which real media count a connection as lost: from then on
`SESSION_REUSE` runs. Browsers check every few seconds; RFC 7675 allows 30. Our choice."""

UNUSED_SESSION: Final = 60.0
"""Docs say that a session never used expires, not when: our choice. Counted from the last exchange of a
session that never connected."""

REMEMBER_ENDED: Final = 600.0
"""How long a session that ended answers 410 before it is unknown (404). Our choice."""

TURN_TTL: Final = 172_800
"""Docs, TURN: a credential lives 48 hours at most."""

WAIT_FOR_ACK: Final = 30.0
"""Docs, limits: the subscriber's first message must come this soon after the channel was made, else the
channel is torn down."""

LAST_CHANNEL_ID: Final = 65_534
"""RFC 8831: the highest id of a data channel."""

DELIVERY_LIMIT: Final = 65_535
"""W3C WebRTC: `maxRetransmits` and `maxPacketLifeTime` are 16 bits wide in every browser."""

ADAPTERS_PER_REQUEST: Final = 4
"""Contract, adapters: one to four entries a call."""

INGEST_MESSAGE_BYTES: Final = 32_000
"""Docs, limits: a message of audio ingest has at most 32 KB with its overhead. Of the two readings of KB the
smaller one: what passes here passes there."""

ADAPTER_CONNECT_WAIT: Final = 5.0
"""How long a WebSocket's handshake may take. Docs name `websocket_connection_timeout` without a number: our
choice."""

ADAPTER_RECONNECT: Final = 15.0
"""Docs, WebSocket adapter: egress tries the same endpoint for this long after a disconnect."""

EGRESS_BACKLOG: Final = 5.0
"""Seconds of sound kept for an endpoint that is slow or away. Docs say "short": our choice."""

INGEST_BACKLOG: Final = 30.0
"""Seconds of sound taken ahead of time; after that nothing more is read until some was played. Our choice."""

PICTURE_INTERVAL: Final = 1.0
"""Docs, WebSocket adapter: one JPEG a second by default."""
