"""The blocking client of an app: `Realtime`. `cfrealtime.aio` holds its twin."""

from __future__ import annotations

import os
from types import TracebackType
from typing import Self

from cfrealtime._core import prepare
from cfrealtime._core.settings import resolve
from cfrealtime._http import SyncHttp, SyncTransport
from cfrealtime.session import Session


class Realtime:
    """An app of Cloudflare Realtime, for code that blocks. Make one per process; threads may share it.

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
        transport: SyncTransport | None = None,
    ) -> None:
        settings = resolve(app_id, app_secret, base_url, timeout, os.environ)
        self._app_id = settings.app_id
        self._base_url = settings.base_url
        self._http = SyncHttp(settings, transport)

    def __repr__(self) -> str:
        return f"Realtime(app_id={self._app_id!r}, base_url={self._base_url!r})"

    @property
    def base_url(self) -> str:
        """Where the API is: Cloudflare, or an emulator."""
        return self._base_url

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def new_session(self, *, correlation_id: str | None = None) -> Session:
        """Make a session. `correlation_id` labels it in Cloudflare's records; it makes nothing idempotent."""
        session_id = self._http.call(prepare.new_session(self._app_id, correlation_id))
        return Session(self._http, self._app_id, session_id)

    def session(self, session_id: str) -> Session:
        """A handle of a session that exists. Makes no call."""
        return Session(self._http, self._app_id, session_id)

    def close(self) -> None:
        """Close the connections. Sessions at the service stay."""
        self._http.close()
