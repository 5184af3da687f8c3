"""Holds every answer against openapi/realtime.yaml: its status and fields must be declared there.

The document declares every 4XX and 5XX, as clients should be ready for them. An emulator that shows what the
service does may answer fewer, and none by accident, so each operation's are written down here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import httpx
import yaml
from jsonschema import Draft202012Validator

from cfrealtime.emulator.refusals import ASKED_FOR

DOCUMENT = Path(__file__).parents[3] / "openapi" / "realtime.yaml"

_KNOWN = {401, 404}
"""Whose secret it is, and whether there is what the path names."""
_SESSION = _KNOWN | {410, 429}
_MUTATION = _SESSION | {400, 406, 413}
_ADAPTERS = _KNOWN | {400, 406, 413, 503}
REFUSALS: Mapping[str, frozenset[int]] = {
    operation: frozenset(statuses)
    for operation, statuses in {
        "new_session": _KNOWN | {413},
        "get_session": _SESSION,
        "new_tracks": _MUTATION | {425},
        "renegotiate": _MUTATION,
        "close_tracks": _MUTATION,
        "update_tracks": _MUTATION,
        "establish_datachannels": _MUTATION | {425},
        "new_datachannels": _MUTATION | {425},
        "update_datachannels": _MUTATION,
        "close_datachannels": _MUTATION,
        "new_websocket_adapters": _ADAPTERS,
        "close_websocket_adapters": _ADAPTERS,
        "generate_ice_servers": _KNOWN | {400, 413},
        "revoke_turn_credential": _KNOWN | {413},
    }.items()
}
"""The statuses above 399 that each operation may be refused with; faults may ask for any other."""


@cache
def _document() -> dict[str, Any]:
    return _closed(yaml.safe_load(DOCUMENT.read_text()))


def _closed(node: Any) -> Any:
    """The document with closed objects, so that a field that it does not know is found."""
    if isinstance(node, dict):
        closed = {key: _closed(value) for key, value in node.items()}
        return (
            closed | {"additionalProperties": False} if isinstance(node.get("properties"), dict) else closed
        )
    return [_closed(item) for item in node] if isinstance(node, list) else node


@cache
def _operations() -> list[tuple[re.Pattern[str], dict[str, Any]]]:
    """Fixed paths before those with a parameter in the same place."""
    paths = sorted(_document()["paths"].items(), key=lambda item: item[0].count("{"))
    return [(re.compile(re.sub(r"\{\w+\}", "[^/]+", path)), item) for path, item in paths]


def _operation(method: str, path: str) -> dict[str, Any]:
    return next(item[method] for pattern, item in _operations() if pattern.fullmatch(path) and method in item)


@cache
def _validator(operation_id: str, status: int) -> Draft202012Validator | None:
    """What the body must fulfil; None where there is no body."""
    found = (each for _, item in _operations() for each in item.values() if isinstance(each, dict))
    declared = next(each for each in found if each.get("operationId") == operation_id)["responses"]
    response = declared.get(str(status)) or declared[f"{status // 100}XX"]
    if "$ref" in response:
        response = _document()["components"]["responses"][response["$ref"].rpartition("/")[2]]
    if "content" not in response:
        return None
    schema = response["content"]["application/json"]["schema"]
    return Draft202012Validator({**schema, "components": _document()["components"]})


async def check(response: httpx.Response) -> None:
    """Fails when the document does not allow an answer of the API; an event hook for httpx."""
    path = response.request.url.path
    if not path.startswith(("/v1/apps/demo/", "/v1/turn/keys/demo-turn/")) or response.status_code == 405:
        return
    await response.aread()
    method, path, status = response.request.method.lower(), path.removeprefix("/v1"), response.status_code
    operation = _operation(method, path)["operationId"]
    if status >= 400 and ASKED_FOR.encode() not in response.content:
        assert status in REFUSALS[operation], f"{operation} was refused with {status}"
    validator = _validator(operation, status)
    if validator is None:
        assert response.content == b""
    else:
        validator.validate(response.json())
