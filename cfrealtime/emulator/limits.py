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

PACKETS_WAIT: Final = 5.0
"""How long a subscription waits for a silent publisher's packets. Docs say "in time": our choice."""

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

UNUSED_SESSION: Final = 60.0
"""Docs say that a session never used expires, not when: our choice. Counted from the last exchange of a
session that never connected."""

REMEMBER_ENDED: Final = 600.0
"""How long a session that ended answers 410 before it is unknown (404). Our choice."""

TURN_TTL: Final = 172_800
"""Docs, TURN: a credential lives 48 hours at most."""
