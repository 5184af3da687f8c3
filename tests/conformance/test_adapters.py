"""WebSocket adapters, as far as they can be asked without a server that the service can reach."""

from __future__ import annotations

import httpx
import pytest

from tests.conformance.stage import Stage, outcome

INGEST = {"location": "local", "trackName": "speech", "inputCodec": "pcm"}


async def adapters(stage: Stage, door: str, body: object = None, **options: object) -> httpx.Response:
    path = f"/apps/{stage.target.app_id}/adapters/websocket/{door}"
    return await stage.target.client.post(path, json=body, **options)


@pytest.mark.parametrize("count", [0, 5])
async def test_one_to_four_entries(stage, count):
    """[documented] A call has one to four entries, else it is 406 invalid_params."""
    entries = [{**INGEST, "endpoint": "wss://bot.invalid/"}] * count
    assert outcome(await adapters(stage, "new", {"tracks": entries})) == "406 invalid_params"


async def test_json_that_cannot_be_read(stage):
    """[documented] JSON that cannot be decoded is 400."""
    path = f"/apps/{stage.target.app_id}/adapters/websocket/new"
    response = await stage.target.client.post(path, content="{")
    assert outcome(response) == "400 decoding_error"


async def test_localhost_is_refused(stage):
    """[documented] An endpoint on localhost is refused; 503 when every entry failed."""
    response = await adapters(stage, "new", {"tracks": [{**INGEST, "endpoint": "ws://localhost:9/"}]})
    assert outcome(response) == "503 item:websocket_localhost_not_allowed"


async def test_an_endpoint_that_cannot_be_reached(stage, met):
    """[documented] An endpoint that cannot be reached fails its entry, and all failed are 503."""
    response = await adapters(stage, "new", {"tracks": [{**INGEST, "endpoint": "wss://bot.invalid/"}]})
    known = ("websocket_handshake_failed", "websocket_connection_timeout")
    met(outcome(response), *(f"503 item:{code}" for code in known))


@pytest.mark.parametrize(
    "entry",
    [
        {"location": "local", "trackName": "speech", "endpoint": "wss://bot.invalid/"},
        {"location": "remote", "trackName": "mic", "endpoint": "wss://bot.invalid/", "outputCodec": "pcm"},
        {**INGEST, "endpoint": "https://bot.invalid/"},
    ],
    ids=["no-codec", "no-session", "no-websocket"],
)
async def test_an_entry_that_is_not_complete(stage, entry):
    """[documented] What an entry needs and lacks is 406 invalid_params."""
    assert outcome(await adapters(stage, "new", {"tracks": [entry]})) == "406 invalid_params"


async def test_closing_what_never_was(stage, met):
    """[documented] Closing is idempotent; earlier it was adapter_not_found, even under 503."""
    response = await adapters(stage, "close", {"tracks": [{"adapterId": "0" * 32}]})
    met(outcome(response), "200", "200 item:adapter_not_found", "503 item:adapter_not_found")
