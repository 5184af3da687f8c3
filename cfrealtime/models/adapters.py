"""WebSocket adapters: tracks that come from a WebSocket server, or go to one.

A packet on such a WebSocket is read and written by `cfrealtime.packets`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from attrs import field, frozen

from cfrealtime._core.endpoints import printable_endpoint
from cfrealtime.models.shared import ItemError, ResultOfItems, extra_field


@frozen
class IngestAdapter:
    """Publish as `track_name`, in a session the service makes, the sound that a WebSocket server sends.

    The service connects to `endpoint` and takes PCM there. It sends no headers of ours, so a token for our
    server goes into the address, and the repr shows scheme and host alone.
    """

    track_name: str
    endpoint: str = field(repr=printable_endpoint)


@frozen
class EgressAdapter:
    """Send a publication to a WebSocket server: audio as "pcm", or video as "jpeg", one frame a second.

    `session_id` is the publisher's. The service connects to `endpoint`, and again for up to 15 s after a
    disconnect, so a token in the address must not be spent by its first use. The repr shows scheme and host
    alone.
    """

    session_id: str
    track_name: str
    endpoint: str = field(repr=printable_endpoint)
    output_codec: Literal["pcm", "jpeg"]


@frozen
class AdapterResult:
    """What became of one adapter of `create`: keep `adapter_id`, for adapters cannot be listed.

    `session_id` is, for sound taken in, the session that publishes it; for a publication sent out there is
    none.
    """

    location: str | None = None
    session_id: str | None = None
    track_name: str | None = None
    adapter_id: str | None = None
    error: ItemError | None = None
    endpoint: str | None = field(default=None, repr=False)
    input_codec: str | None = None
    output_codec: str | None = None
    mode: str | None = None
    extra: Mapping[str, Any] = extra_field()


@frozen
class AdaptersResult(ResultOfItems):
    """Every adapter of a `create`, failed ones too. Only those that failed may be asked for again."""

    adapters: tuple[AdapterResult, ...] = field(metadata={"wire": "tracks"})
    extra: Mapping[str, Any] = extra_field()

    @property
    def ok(self) -> tuple[AdapterResult, ...]:
        """The adapters that were made."""
        return tuple(adapter for adapter in self.adapters if adapter.error is None)

    @property
    def failed(self) -> tuple[AdapterResult, ...]:
        """The items that failed, each with its error."""
        return tuple(adapter for adapter in self.adapters if adapter.error is not None)

    @property
    def by_track_name(self) -> dict[str, AdapterResult]:
        """The items by track name; of several under one name, the last."""
        return {adapter.track_name: adapter for adapter in self.adapters if adapter.track_name is not None}


@frozen
class CloseAdapterItem:
    """What became of one adapter of a close. `bytes_processed` is None where the service does not tell."""

    adapter_id: str | None = None
    bytes_processed: int | None = None
    error: ItemError | None = None
    extra: Mapping[str, Any] = extra_field()

    @property
    def closed(self) -> bool:
        """Whether nothing is left to close: it was closed now, or had been before."""
        return self.error is None or self.error.satisfies_close


@frozen
class CloseAdaptersResult(ResultOfItems):
    """Every item of a close. An id that is not in `closed_ids` stays on the caller's clean-up list."""

    items: tuple[CloseAdapterItem, ...] = field(metadata={"wire": "tracks"})
    extra: Mapping[str, Any] = extra_field()

    @property
    def closed_ids(self) -> frozenset[str]:
        """The adapters that are proven closed."""
        return frozenset(
            item.adapter_id for item in self.items if item.closed and item.adapter_id is not None
        )

    @property
    def failed(self) -> tuple[CloseAdapterItem, ...]:
        """The items that are still to be closed."""
        return tuple(item for item in self.items if not item.closed)
