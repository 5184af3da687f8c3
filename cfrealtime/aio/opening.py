"""Which engine a client gets, from what its caller gave and what the environment says."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cfrealtime._core.headers import Headers
from cfrealtime._environment import proxied, trusted
from cfrealtime.aio.caller import AsyncCaller, AsyncEngine
from cfrealtime.aio.direct import AsyncDirectEngine
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
    engine: str,  # async only
) -> AsyncCaller:
    """A caller on connections of its own, or on what was given."""
    if engine != "httpx":  # async only
        from cfrealtime.aio.fast import fast_engine  # async only

        fast = fast_engine(engine, base_url, http_client, transport)  # async only
        return AsyncCaller(fast, Headers(secret), options)  # async only
    return AsyncCaller(_engine(base_url, http_client, transport), Headers(secret), options)


def _engine(
    base_url: str, http_client: AsyncHttpClient | None, transport: AsyncTransport | None
) -> AsyncEngine:
    if http_client is not None and transport is not None:
        raise ConfigurationError("Pass http_client= or transport=, not both: a client has its own transport.")
    if http_client is not None or transport is not None or proxied():
        # With a proxy in the environment httpx finds out for which hosts it is.
        from cfrealtime._http import AsyncClientEngine

        return AsyncClientEngine(base_url, http_client=http_client, transport=transport)
    return AsyncDirectEngine(base_url, trusted() if base_url.startswith("https:") else None)
