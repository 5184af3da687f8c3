"""WebSocket adapters: what may be asked, what an adapter is, and when it ends.

Source: docs, WebSocket adapter, unless marked; the fields and bounds are the contract's.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Sequence
from typing import Any, Literal, cast
from urllib.parse import urlsplit

from attrs import evolve, field, frozen

from cfrealtime.emulator.fields import as_object, optional
from cfrealtime.emulator.limits import ADAPTERS_PER_REQUEST, REMEMBER_ENDED
from cfrealtime.emulator.refusals import ItemError, Json, RefusalError, decoding_error, invalid_params
from cfrealtime.emulator.state import Locator, Session

Output = Literal["pcm", "jpeg"]
Status = Literal["connected", "reconnecting", "closed"]

SOUND = frozenset({"opus"})
PICTURES = frozenset({"vp8", "vp9", "h264", "h265"})
"""Codecs of which PCM and JPEG are made."""
FIRST_RETRY, LONGEST_RETRY = 0.25, 2.0
"""Seconds between two attempts to reconnect, doubled each time. Our choice."""

_WITHOUT_ENDPOINT = frozenset({"get_session", "close_tracks"})

LOCALHOST = ItemError("websocket_localhost_not_allowed", "The endpoint is on localhost.")
HANDSHAKE = ItemError("websocket_handshake_failed", "The endpoint took no WebSocket connection.")
TIMEOUT = ItemError("websocket_connection_timeout", "The endpoint did not answer in time.")
UNKNOWN = ItemError("adapter_not_found", "There is no such adapter.")
NOT_AUDIO = ItemError("invalid_params", "pcm is made of Opus only.")
NOT_VIDEO = ItemError("invalid_params", "jpeg is made of H.264, H.265, VP8 and VP9 only.")
"""That an output which does not fit the track fails alone, and with this code, is our choice."""


@frozen
class IngestEntry:
    """Sound of a WebSocket that shall be published."""

    track_name: str
    endpoint: str = field(repr=False)
    """May hold a token."""


@frozen
class EgressEntry:
    """A publication that shall be sent to a WebSocket."""

    source: Locator
    output: Output
    endpoint: str = field(repr=False)

    @property
    def track_name(self) -> str:
        """The publication's name."""
        return self.source.track_name


Entry = IngestEntry | EgressEntry


@frozen
class Adapter:
    """One connection between a track and a WebSocket."""

    adapter_id: str
    app_id: str
    entry: Entry
    session_id: str
    """The publication's session: of ingest the one made for it."""
    lost_at: float | None = None
    """When the WebSocket was lost that is being tried for again."""
    closed_at: float | None = None
    closed_because: str = ""
    bytes_processed: int = 0
    """What is counted is our choice: the messages, with their overhead."""

    @property
    def status(self) -> Status:
        """How it stands."""
        if self.closed_at is not None:
            return "closed"
        return "connected" if self.lost_at is None else "reconnecting"


# What is asked.


def read_new(body: object) -> tuple[Entry, ...]:
    """adapters/websocket/new. `mode`, and the session of a local entry, are ignored."""
    return tuple(_entry(item) for item in _items(body))


def read_close(body: object) -> tuple[str, ...]:
    """adapters/websocket/close: the ids."""
    return tuple(_text(item, "adapterId") for item in _items(body))


def _entry(item: dict[str, Any]) -> Entry:
    location = _one_of(item, "location", ("local", "remote"))
    track_name, endpoint = _text(item, "trackName"), _endpoint(item)
    if location == "local":
        _one_of(item, "inputCodec", ("pcm",))
        return IngestEntry(track_name, endpoint)
    output = cast("Output", _one_of(item, "outputCodec", ("pcm", "jpeg")))
    return EgressEntry(Locator(_text(item, "sessionId"), track_name), output, endpoint)


def _items(body: object) -> list[dict[str, Any]]:
    tracks = as_object(body, "The body").get("tracks")
    if not isinstance(tracks, list | None):
        raise decoding_error("tracks has the wrong type.")
    items = [as_object(item, "A track") for item in cast("list[object]", tracks or [])]
    if not 1 <= len(items) <= ADAPTERS_PER_REQUEST:
        raise _invalid(f"tracks does not hold one to {ADAPTERS_PER_REQUEST} entries.")
    return items


def _text(item: dict[str, Any], name: str) -> str:
    value = optional(item, name, str)
    if not value:
        raise _invalid(f"{name} is missing or empty.")
    return value


def _one_of(item: dict[str, Any], name: str, values: Sequence[str]) -> str:
    value = _text(item, name)
    if value not in values:
        raise _invalid(f"{name} is not {' or '.join(values)}.")
    return value


def _endpoint(item: dict[str, Any]) -> str:
    endpoint = _text(item, "endpoint")
    if host(endpoint) is None:
        raise _invalid("endpoint is not the URL of a WebSocket.")
    return endpoint


def _invalid(description: str) -> RefusalError:
    """Contract: for adapters `invalid_params` is a 406, `decoding_error` a 400."""
    return RefusalError(406, "invalid_params", description)


def host(endpoint: str) -> str | None:
    """The host of a WebSocket's URL; None when it is no such URL."""
    try:
        parts = urlsplit(endpoint)
        usable = parts.scheme in ("ws", "wss") and parts.port != 0
    except ValueError:
        return None
    return parts.hostname if usable and endpoint.isascii() and endpoint.isprintable() else None


def is_local(endpoint: str) -> bool:
    """Whether an endpoint is on localhost by its very name; names are not resolved (our choice)."""
    name = (host(endpoint) or "").rstrip(".")
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        return name == "localhost" or name.endswith(".localhost")
    return address.is_loopback or address.is_unspecified


def misfit(output: Output, codec_key: str) -> ItemError | None:
    """Why an output cannot be made of a track in this codec, if so."""
    if usable(output, [codec_key]):
        return None
    return NOT_AUDIO if output == "pcm" else NOT_VIDEO


def usable(output: Output, codec_keys: Iterable[str]) -> tuple[str, ...]:
    """Of a track's codecs (keys as in `plan.Codec`) those of which an output is made."""
    names = SOUND if output == "pcm" else PICTURES
    return tuple(key for key in codec_keys if key.partition("/")[0] in names)


def check_endpoint(session: Session, operation: str) -> None:
    """The session of an ingest has no endpoint to negotiate with: it can be looked at, and its track closed.

    What the service does with other calls is not known: this is our choice.
    """
    if session.adapter_id is not None and operation not in _WITHOUT_ENDPOINT:
        raise invalid_params("The session belongs to an adapter: no endpoint can negotiate on it.")


# What is answered.


def opened(adapter: Adapter) -> Json:
    """The item of an adapter that was made: only an ingest names a session, the one made for it."""
    entry = adapter.entry
    item: Json = {"trackName": entry.track_name, "adapterId": adapter.adapter_id, "endpoint": entry.endpoint}
    return {**item, "sessionId": adapter.session_id} if isinstance(entry, IngestEntry) else item


def failed(entry: Entry, error: ItemError) -> Json:
    """The item of an adapter that was not made."""
    return {"trackName": entry.track_name, **error.fields()}


def closed_item(adapter_id: str, outcome: int | ItemError | None) -> Json:
    """The item of a close; the bytes are left out when the adapter was closed already."""
    if isinstance(outcome, ItemError):
        return {"adapterId": adapter_id, **outcome.fields()}
    return (
        {"adapterId": adapter_id} if outcome is None else {"adapterId": adapter_id, "bytesProcessed": outcome}
    )


def answer(items: Sequence[Json]) -> tuple[int, Json]:
    """Status and body of a batch: 503 when every item failed."""
    return (503 if all("errorCode" in item for item in items) else 200), {"tracks": list(items)}


# What becomes of an adapter.


def lost(adapter: Adapter, now: float) -> Adapter:
    """Its WebSocket is gone and will be tried for again."""
    return evolve(adapter, lost_at=now)


def recovered(adapter: Adapter) -> Adapter:
    """Its WebSocket is back."""
    return evolve(adapter, lost_at=None)


def closed(adapter: Adapter, now: float, because: str) -> Adapter:
    """It is over."""
    return evolve(adapter, closed_at=now, closed_because=because)


def retry_delay(attempt: int) -> float:
    """Seconds before an attempt to reconnect; attempts are counted from 0."""
    return float(min(LONGEST_RETRY, FIRST_RETRY * 2 ** min(attempt, 8)))


def forgettable(adapter: Adapter, now: float) -> bool:
    """Whether a closed adapter needs no memory any more: from then on it is unknown. Our choice."""
    return adapter.closed_at is not None and now >= adapter.closed_at + REMEMBER_ENDED


def view(adapter: Adapter) -> Json:
    """An adapter as the emulator's own page lists it: of its endpoint the host alone, no token."""
    entry = adapter.entry
    return {
        "adapter_id": adapter.adapter_id,
        "location": "local" if isinstance(entry, IngestEntry) else "remote",
        "codec": "pcm" if isinstance(entry, IngestEntry) else entry.output,
        "app_id": adapter.app_id,
        "session_id": adapter.session_id,
        "track_name": entry.track_name,
        "host": host(entry.endpoint),
        "status": adapter.status,
        "closed_because": adapter.closed_because or None,
        "bytes_processed": adapter.bytes_processed,
    }
