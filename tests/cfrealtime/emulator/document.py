"""Holds every answer against openapi/realtime.yaml: its status and fields must be declared there."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Any

import httpx
import yaml
from jsonschema import Draft202012Validator

DOCUMENT = Path(__file__).parents[3] / "openapi" / "realtime.yaml"


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


@cache
def _validator(method: str, path: str, status: int) -> Draft202012Validator | None:
    """What the body must fulfil; None where there is no body."""
    operation = next(
        item[method] for pattern, item in _operations() if pattern.fullmatch(path) and method in item
    )
    declared = operation["responses"]
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
    validator = _validator(response.request.method.lower(), path.removeprefix("/v1"), response.status_code)
    if validator is None:
        assert response.content == b""
    else:
        validator.validate(response.json())
