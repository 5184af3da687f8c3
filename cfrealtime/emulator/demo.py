"""The app and the TURN key that are there when none were given."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

APPS: Final[Mapping[str, str]] = {"demo": "secret"}
"""App id to secret."""
TURN_KEYS: Final[Mapping[str, str]] = {"demo-turn": "turn-secret"}
"""Key id to API token."""
