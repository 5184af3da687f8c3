"""Marks what must not be seen by anyone but the one it is for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

SECRET: Final[Mapping[str, Any]] = {"secret": True}
"""Metadata of a field with SDP (addresses, keys of ICE and DTLS) or a resume token: in no log, in no repr."""
