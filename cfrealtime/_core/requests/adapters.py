"""Requests about WebSocket adapters: create and close, four at a time."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from cfrealtime._core.codec import structure
from cfrealtime._core.endpoints import is_endpoint
from cfrealtime._core.exchange import Batch, Document, Request, Safety, UnreadableError
from cfrealtime._core.requests.answers import items_of
from cfrealtime._core.requests.build import entries_of, invalid, name, parts, request
from cfrealtime._generated.api.adapters import close_websocket_adapters as close_api
from cfrealtime._generated.api.adapters import new_websocket_adapters as new_api
from cfrealtime._generated.models.adapter_output_codec import AdapterOutputCodec, check_adapter_output_codec
from cfrealtime._generated.models.adapter_request import AdapterRequest
from cfrealtime._generated.models.close_adapter_request import CloseAdapterRequest
from cfrealtime._generated.models.close_adapters_request import CloseAdaptersRequest
from cfrealtime._generated.models.new_adapters_request import NewAdaptersRequest
from cfrealtime.models.adapters import AdaptersResult, CloseAdaptersResult, EgressAdapter, IngestAdapter

ADAPTERS_PER_REQUEST: Final = 4

# How the service says that every item failed; the items say why.
_ALL_FAILED: Final = frozenset({503})

_CREATE: Final = "adapters.create"
_CLOSE: Final = "adapters.close"


def create(app_id: str, adapters: Iterable[IngestAdapter | EgressAdapter]) -> Batch[AdaptersResult]:
    """Connect tracks to WebSocket servers."""

    def part_request(part: list[AdapterRequest]) -> Request[AdaptersResult]:
        built = new_api.build_kwargs(app_id, body=NewAdaptersRequest(tracks=part))
        return request("new_websocket_adapters", None, built, _created, Safety.ONCE, answers_with=_ALL_FAILED)

    entries = entries_of(_CREATE, None, adapters, (IngestAdapter, EgressAdapter))
    wire = [_wire(adapter) for adapter in entries]
    return Batch(tuple(part_request(part) for part in parts(wire, ADAPTERS_PER_REQUEST)), _join_created)


def close(app_id: str, adapter_ids: Iterable[str]) -> Batch[CloseAdaptersResult]:
    """Close adapters; may be repeated."""

    def part_request(part: list[CloseAdapterRequest]) -> Request[CloseAdaptersResult]:
        built = close_api.build_kwargs(app_id, body=CloseAdaptersRequest(tracks=part))
        return request(
            "close_websocket_adapters", None, built, _closed, Safety.IDEMPOTENT, answers_with=_ALL_FAILED
        )

    if isinstance(adapter_ids, str):
        raise invalid(_CLOSE, None, "adapter_ids is a list of ids, not one string")
    entries = entries_of(_CLOSE, None, adapter_ids, str)
    wire = [CloseAdapterRequest(adapter_id=name(_CLOSE, None, "adapter id", one)) for one in entries]
    return Batch(tuple(part_request(part) for part in parts(wire, ADAPTERS_PER_REQUEST)), _join_closed)


def _wire(adapter: IngestAdapter | EgressAdapter) -> AdapterRequest:
    track_name = name(_CREATE, None, "track_name", adapter.track_name)
    endpoint = _endpoint(adapter.endpoint)
    if isinstance(adapter, IngestAdapter):
        return AdapterRequest(location="local", track_name=track_name, endpoint=endpoint, input_codec="pcm")
    return AdapterRequest(
        location="remote",
        session_id=name(_CREATE, None, "session_id", adapter.session_id),
        track_name=track_name,
        endpoint=endpoint,
        output_codec=_output_codec(adapter.output_codec),
    )


def _endpoint(given: str) -> str:
    if not is_endpoint(given):
        # It is not repeated: a token in it is a secret even where the rest of it is wrong.
        raise invalid(
            _CREATE,
            None,
            "endpoint must be a whole ws:// or wss:// address: a host, printable ASCII (escape the rest), "
            "no spaces and no #fragment",
        )
    return given


def _output_codec(given: str) -> AdapterOutputCodec:
    try:
        return check_adapter_output_codec(given)
    except TypeError:
        problem = 'output_codec is "pcm" for audio or "jpeg" for video'
    raise invalid(_CREATE, None, problem)


def _created(document: Document) -> AdaptersResult:
    result = structure(items_of(document, "tracks"), AdaptersResult)
    if any(adapter.adapter_id is None for adapter in result.ok):
        # Something runs that can neither be closed nor listed, if it runs at all.
        raise UnreadableError("it names successes but lacks their adapter ids", partial=result)
    return result


def _closed(document: Document) -> CloseAdaptersResult:
    return structure(items_of(document, "tracks"), CloseAdaptersResult)


def _join_created(first: AdaptersResult, second: AdaptersResult) -> AdaptersResult:
    return AdaptersResult((*first.adapters, *second.adapters), extra={**first.extra, **second.extra})


def _join_closed(first: CloseAdaptersResult, second: CloseAdaptersResult) -> CloseAdaptersResult:
    return CloseAdaptersResult((*first.items, *second.items), extra={**first.extra, **second.extra})
