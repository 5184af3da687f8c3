# Made by scripts/colours.py from cfrealtime/aio. Changes made here are lost.
"""WebSocket adapters: tracks carried to and from WebSocket servers of one's own."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Self

from attrs import evolve

from cfrealtime._core import requests

if TYPE_CHECKING:
    from cfrealtime.blocking.caller import SyncCaller
    from cfrealtime.blocking.raw import RawAdapters
    from cfrealtime.models import AdaptersResult, CloseAdaptersResult, EgressAdapter, IngestAdapter
    from cfrealtime.raw import Answer


class Adapters:
    """An app's WebSocket adapters: `Realtime.adapters`. `cfrealtime.packets` reads what they carry."""

    def __init__(self, caller: SyncCaller, app_id: str) -> None:
        self._caller = caller
        self._app_id = app_id

    @property
    def with_raw_response(self) -> RawAdapters:
        """The same methods, each giving a `RawResponse`: the value, with status, headers and attempts."""
        from cfrealtime.blocking.raw import RawAdapters

        return RawAdapters(self._recorded)

    def create(self, adapters: Iterable[IngestAdapter | EgressAdapter]) -> AdaptersResult:
        """Make adapters, split at 4 a request. API operation: new_websocket_adapters.

        Each succeeds or fails alone, even all of them. After OutcomeUnknownError do not ask for the same
        again: adapters cannot be listed. If a later request fails, the error's `partial` holds what the
        earlier made.
        """
        return self._caller.call_all(requests.adapters.create(self._app_id, adapters))

    def close(self, adapter_ids: Iterable[str]) -> CloseAdaptersResult:
        """Close adapters, split at 4 a request; safe to repeat. API operation: close_websocket_adapters."""
        return self._caller.call_all(requests.adapters.close(self._app_id, adapter_ids))

    def _recorded(self, tape: list[Answer]) -> Self:
        return type(self)(evolve(self._caller, tape=tape), self._app_id)
