"""The async client of an app: `AsyncRealtime`. `cfrealtime.client` holds its twin."""

from __future__ import annotations

import os
from types import TracebackType
from typing import Self

from cfrealtime._core import prepare
from cfrealtime._core.settings import resolve
from cfrealtime._http import AsyncHttp, AsyncTransport
from cfrealtime.session import AsyncSession


class AsyncRealtime:
    """An app of Cloudflare Realtime, for asyncio. Make one per process; no running loop is needed to make it.

    Without arguments it takes CLOUDFLARE_REALTIME_APP_ID, CLOUDFLARE_REALTIME_APP_SECRET and, to reach
    something else than Cloudflare, CLOUDFLARE_REALTIME_BASE_URL from the environment. `timeout` is what one
    request may take in seconds, its answer's body included. `transport` is an httpx transport, for tests and
    special networks.
    """

    def __init__(
        self,
        app_id: str | None = None,
        app_secret: str | None = None,
        *,
        base_url: str | None = None,
        timeout: float = 10.0,
        transport: AsyncTransport | None = None,
    ) -> None:
        settings = resolve(app_id, app_secret, base_url, timeout, os.environ)
        self._app_id = settings.app_id
        self._base_url = settings.base_url
        self._http = AsyncHttp(settings, transport)

    def __repr__(self) -> str:
        return f"AsyncRealtime(app_id={self._app_id!r}, base_url={self._base_url!r})"

    @property
    def base_url(self) -> str:
        """Where the API is: Cloudflare, or an emulator."""
        return self._base_url

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def new_session(self, *, correlation_id: str | None = None) -> AsyncSession:
        """Make a session. `correlation_id` labels it in Cloudflare's records; it makes nothing idempotent."""
        session_id = await self._http.call(prepare.new_session(self._app_id, correlation_id))
        return AsyncSession(self._http, self._app_id, session_id)

    def session(self, session_id: str) -> AsyncSession:
        """A handle of a session that exists. Makes no call."""
        return AsyncSession(self._http, self._app_id, session_id)

    async def aclose(self) -> None:
        """Close the connections of the running event loop. Sessions at the service stay."""
        await self._http.aclose()
