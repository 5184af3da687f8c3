"""Which engine a client gets, from what its caller gave."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cfrealtime._caller import AsyncCaller
from cfrealtime._core.headers import Headers
from cfrealtime._http import AsyncClientEngine
from cfrealtime.errors import ConfigurationError

if TYPE_CHECKING:
    from cfrealtime._core.conduct import Options
    from cfrealtime._http import AsyncHttpClient, AsyncTransport


def open_caller(
    base_url: str,
    secret: str,
    options: Options,
    *,
    http_client: AsyncHttpClient | None,
    transport: AsyncTransport | None,
) -> AsyncCaller:
    """A caller on an engine of its own, or on what was given."""
    if http_client is not None and transport is not None:
        raise ConfigurationError("Pass http_client= or transport=, not both: a client has its own transport.")
    engine = AsyncClientEngine(base_url, http_client=http_client, transport=transport)
    return AsyncCaller(engine, Headers(secret), options)
