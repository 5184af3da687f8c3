# Made by scripts/colours.py from cfrealtime/aio. Changes made here are lost.
"""Which engine a client gets, from what its caller gave."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cfrealtime._caller import SyncCaller
from cfrealtime._core.headers import Headers
from cfrealtime._http import SyncClientEngine
from cfrealtime.errors import ConfigurationError

if TYPE_CHECKING:
    from cfrealtime._core.conduct import Options
    from cfrealtime._http import SyncHttpClient, SyncTransport


def open_caller(
    base_url: str,
    secret: str,
    options: Options,
    *,
    http_client: SyncHttpClient | None,
    transport: SyncTransport | None,
) -> SyncCaller:
    """A caller on an engine of its own, or on what was given."""
    if http_client is not None and transport is not None:
        raise ConfigurationError("Pass http_client= or transport=, not both: a client has its own transport.")
    engine = SyncClientEngine(base_url, http_client=http_client, transport=transport)
    return SyncCaller(engine, Headers(secret), options)
