"""The client of an app: `AsyncRealtime`."""

from __future__ import annotations

import os
from copy import copy
from types import TracebackType
from typing import TYPE_CHECKING, Literal, Self

from attrs import evolve

from cfrealtime._core import requests
from cfrealtime._core.settings import app, base_url_of, changed_options, options_of
from cfrealtime.aio.adapters import AsyncAdapters
from cfrealtime.aio.opening import open_caller
from cfrealtime.aio.session import AsyncSession

if TYPE_CHECKING:
    from cfrealtime._http import AsyncHttpClient, AsyncTransport
    from cfrealtime.aio.caller import AsyncCaller
    from cfrealtime.aio.raw import RawAsyncRealtime
    from cfrealtime.aio.turn import AsyncTurn
    from cfrealtime.hooks import Hooks
    from cfrealtime.raw import Answer


class AsyncRealtime:
    """An app of Cloudflare Realtime, for asyncio. Make one per process; no running loop is needed to make it.

    Without arguments it takes CLOUDFLARE_REALTIME_APP_ID, CLOUDFLARE_REALTIME_APP_SECRET and, to reach
    something else than Cloudflare, CLOUDFLARE_REALTIME_BASE_URL from the environment.

    `timeout` is what one call may take in seconds, its retries and its answer's body included; where a call
    is split, each part has it. `max_retries` is how often a call is sent again where that can do no harm.
    `hooks` are told of every call.

    `engine` is what sends. "aiohttp" needs `pip install "cfrealtime[fast]"`, and costs a fraction when many
    calls are in flight, with the same results and errors.

    `http_client` is an httpx client of the caller's own, used as it is and closed by who made it; `transport`
    is an httpx transport, for tests and special networks: one of the two at most.
    """

    def __init__(
        self,
        app_id: str | None = None,
        app_secret: str | None = None,
        *,
        base_url: str | None = None,
        timeout: float = 20.0,
        max_retries: int = 2,
        hooks: Hooks | None = None,
        http_client: AsyncHttpClient | None = None,
        transport: AsyncTransport | None = None,
        engine: Literal["httpx", "aiohttp"] = "httpx",  # async only
    ) -> None:
        credentials = app(app_id, app_secret, os.environ)
        url = base_url_of(base_url, os.environ)
        options = options_of(timeout, max_retries, hooks)
        self._app_id = credentials.id
        self._base_url = url
        self._caller = open_caller(
            url,
            credentials.secret,
            options,
            http_client=http_client,
            transport=transport,
            engine=engine,  # async only
        )
        self._owns_connections = True

    def __repr__(self) -> str:
        return f"AsyncRealtime(app_id={self._app_id!r}, base_url={self._base_url!r})"

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    @property
    def base_url(self) -> str:
        """Where the API is: Cloudflare, or an emulator."""
        return self._base_url

    @property
    def adapters(self) -> AsyncAdapters:
        """The app's WebSocket adapters."""
        return AsyncAdapters(self._caller, self._app_id)

    @property
    def with_raw_response(self) -> RawAsyncRealtime:
        """The same calls, each giving a `RawResponse`: the value, with status, headers and attempts."""
        from cfrealtime.aio.raw import RawAsyncRealtime

        return RawAsyncRealtime(self._recorded)

    async def new_session(
        self, *, correlation_id: str | None = None, third_party: bool = False
    ) -> AsyncSession:
        """Make a session. API operation: new_session.

        One that is never used expires by itself, so make it when negotiation starts. `correlation_id` labels
        it in Cloudflare's records and makes nothing idempotent; `third_party` marks an endpoint of somebody
        else's.
        """
        request = requests.sessions.new_session(self._app_id, correlation_id, third_party=third_party)
        return self.session(await self._caller.call(request))

    def session(self, session_id: str) -> AsyncSession:
        """A handle of a session that exists. Makes no call."""
        return AsyncSession(evolve(self._caller, tape=None), self._app_id, session_id)

    def turn(self, key_id: str | None = None, api_token: str | None = None) -> AsyncTurn:
        """A TURN key's client on the same connections. Without arguments the key is the environment's."""
        from cfrealtime.aio.turn import AsyncTurn

        return AsyncTurn(key_id, api_token, _shared=self._caller)

    def with_options(
        self, *, timeout: float | None = None, max_retries: int | None = None, hooks: Hooks | None = None
    ) -> Self:
        """This client with other options. It shares connections and limits, and closing it closes nothing."""
        options = changed_options(self._caller.options, timeout, max_retries, hooks)
        return self._on(evolve(self._caller, options=options))

    async def aclose(self) -> None:
        """Close the connections of the running event loop. Sessions at the service stay."""
        if self._owns_connections:
            await self._caller.engine.aclose()

    def _on(self, caller: AsyncCaller) -> Self:
        twin = copy(self)
        twin._caller, twin._owns_connections = caller, False
        return twin

    def _recorded(self, tape: list[Answer]) -> Self:
        return self._on(evolve(self._caller, tape=tape))
