# Made by scripts/colours.py from cfrealtime/aio. Changes made here are lost.
"""The client of an app: `Realtime`."""

from __future__ import annotations

import os
from copy import copy
from types import TracebackType
from typing import TYPE_CHECKING, Self

from attrs import evolve

from cfrealtime._core import requests
from cfrealtime._core.settings import app, base_url_of, changed_options, options_of
from cfrealtime.blocking.adapters import Adapters
from cfrealtime.blocking.opening import open_caller
from cfrealtime.blocking.session import Session

if TYPE_CHECKING:
    from cfrealtime._http import SyncHttpClient, SyncTransport
    from cfrealtime.blocking.caller import SyncCaller
    from cfrealtime.blocking.raw import RawRealtime
    from cfrealtime.blocking.turn import Turn
    from cfrealtime.hooks import Hooks
    from cfrealtime.raw import Answer


class Realtime:
    """An app of Cloudflare Realtime, for code that blocks. Make one per process; threads may share it.

    Without arguments it takes CLOUDFLARE_REALTIME_APP_ID, CLOUDFLARE_REALTIME_APP_SECRET and, to reach
    something else than Cloudflare, CLOUDFLARE_REALTIME_BASE_URL from the environment.

    `timeout` is what one call may take in seconds, its retries and its answer's body included; where a call
    is split, each part has it. `max_retries` is how often a call is sent again where that can do no harm.
    `hooks` are told of every call.

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
        http_client: SyncHttpClient | None = None,
        transport: SyncTransport | None = None,
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
        )
        self._owns_connections = True

    def __repr__(self) -> str:
        return f"Realtime(app_id={self._app_id!r}, base_url={self._base_url!r})"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def base_url(self) -> str:
        """Where the API is: Cloudflare, or an emulator."""
        return self._base_url

    @property
    def adapters(self) -> Adapters:
        """The app's WebSocket adapters."""
        return Adapters(self._caller, self._app_id)

    @property
    def with_raw_response(self) -> RawRealtime:
        """The same calls, each giving a `RawResponse`: the value, with status, headers and attempts."""
        from cfrealtime.blocking.raw import RawRealtime

        return RawRealtime(self._recorded)

    def new_session(self, *, correlation_id: str | None = None, third_party: bool = False) -> Session:
        """Make a session. API operation: new_session.

        One that is never used expires by itself, so make it when negotiation starts. `correlation_id` labels
        it in Cloudflare's records and makes nothing idempotent; `third_party` marks an endpoint of somebody
        else's.
        """
        request = requests.sessions.new_session(self._app_id, correlation_id, third_party=third_party)
        return self.session(self._caller.call(request))

    def session(self, session_id: str) -> Session:
        """A handle of a session that exists. Makes no call."""
        return Session(evolve(self._caller, tape=None), self._app_id, session_id)

    def turn(self, key_id: str | None = None, api_token: str | None = None) -> Turn:
        """A TURN key's client on the same connections. Without arguments the key is the environment's."""
        from cfrealtime.blocking.turn import Turn

        return Turn(key_id, api_token, _shared=self._caller)

    def with_options(
        self, *, timeout: float | None = None, max_retries: int | None = None, hooks: Hooks | None = None
    ) -> Self:
        """This client with other options. It shares connections and limits, and closing it closes nothing."""
        options = changed_options(self._caller.options, timeout, max_retries, hooks)
        return self._on(evolve(self._caller, options=options))

    def close(self) -> None:
        """Close the connections. Sessions at the service stay."""
        if self._owns_connections:
            self._caller.engine.close()

    def _on(self, caller: SyncCaller) -> Self:
        twin = copy(self)
        twin._caller, twin._owns_connections = caller, False
        return twin

    def _recorded(self, tape: list[Answer]) -> Self:
        return self._on(evolve(self._caller, tape=tape))
