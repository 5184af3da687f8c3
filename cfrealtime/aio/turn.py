"""TURN: short-lived credentials for relays, made with a TURN key."""

from __future__ import annotations

import os
from copy import copy
from types import TracebackType
from typing import TYPE_CHECKING, Literal, Self

from attrs import evolve

from cfrealtime._core import requests
from cfrealtime._core.headers import Headers
from cfrealtime._core.settings import base_url_of, changed_options, options_of, turn_key
from cfrealtime.aio.opening import open_caller

if TYPE_CHECKING:
    from cfrealtime._http import AsyncHttpClient, AsyncTransport
    from cfrealtime.aio.caller import AsyncCaller
    from cfrealtime.aio.raw import RawAsyncTurn
    from cfrealtime.hooks import Hooks
    from cfrealtime.models import IceServers
    from cfrealtime.raw import Answer


class AsyncTurn:
    """A TURN key of Cloudflare, for asyncio. `AsyncRealtime.turn()` gives one on its own connections.

    Without arguments it takes CLOUDFLARE_TURN_KEY_ID and CLOUDFLARE_TURN_API_TOKEN from the environment; the
    other parameters are those of `AsyncRealtime`.
    """

    def __init__(
        self,
        key_id: str | None = None,
        api_token: str | None = None,
        *,
        base_url: str | None = None,
        timeout: float = 20.0,
        max_retries: int = 2,
        hooks: Hooks | None = None,
        http_client: AsyncHttpClient | None = None,
        transport: AsyncTransport | None = None,
        engine: Literal["httpx", "aiohttp"] = "httpx",  # async only
        _shared: AsyncCaller | None = None,
    ) -> None:
        key = turn_key(key_id, api_token, os.environ)
        self._key_id = key.id
        self._owns_connections = _shared is None
        self._caller = (
            open_caller(
                base_url_of(base_url, os.environ),
                key.secret,
                options_of(timeout, max_retries, hooks),
                http_client=http_client,
                transport=transport,
                engine=engine,  # async only
            )
            if _shared is None
            else evolve(_shared, headers=Headers(key.secret))
        )

    def __repr__(self) -> str:
        return f"AsyncTurn(key_id={self._key_id!r})"

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    @property
    def with_raw_response(self) -> RawAsyncTurn:
        """The same methods, each giving a `RawResponse`: the value, with status, headers and attempts."""
        from cfrealtime.aio.raw import RawAsyncTurn

        return RawAsyncTurn(self._recorded)

    async def generate_ice_servers(
        self, ttl: int, *, custom_identifier: str | None = None, browser: bool = True
    ) -> IceServers:
        """Credentials for `ttl` seconds, 48 hours at most. API operation: generate_ice_servers.

        `custom_identifier` tags their use in Cloudflare's analytics. With `browser` the URLs on port 53,
        which browsers block, are left out. When credentials expire in use the relay drops: make new ones in
        time and hand them to the endpoint's `setConfiguration()`.
        """
        return await self._caller.call(
            requests.turn.generate_ice_servers(self._key_id, ttl, custom_identifier, browser=browser)
        )

    async def revoke(self, username: str) -> None:
        """Revoke credentials before they expire; safe to repeat. API operation: revoke_turn_credential."""
        await self._caller.call(requests.turn.revoke(self._key_id, username))

    def with_options(
        self, *, timeout: float | None = None, max_retries: int | None = None, hooks: Hooks | None = None
    ) -> Self:
        """This client with other options. It shares connections, and closing it closes nothing."""
        twin = copy(self)
        options = changed_options(self._caller.options, timeout, max_retries, hooks)
        twin._caller, twin._owns_connections = evolve(self._caller, options=options), False
        return twin

    async def aclose(self) -> None:
        """Close the connections, unless they belong to an app's client."""
        if self._owns_connections:
            await self._caller.engine.aclose()

    def _recorded(self, tape: list[Answer]) -> Self:
        twin = copy(self)
        twin._caller = evolve(self._caller, tape=tape)
        return twin
