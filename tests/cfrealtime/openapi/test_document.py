"""The API document names what the published API has: no operation or field less, none more."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[3]
DOCUMENT = yaml.safe_load((ROOT / "openapi" / "realtime.yaml").read_text())
PUBLISHED = yaml.safe_load(Path(__file__).with_name("published.yaml").read_text())
OPERATIONS = {
    operation["operationId"]: (f"{method.upper()} {path}", operation)
    for path, item in DOCUMENT["paths"].items()
    for method, operation in item.items()
    if method != "parameters"
}
SCHEMAS = DOCUMENT["components"]["schemas"]


def resolve(node):
    while "$ref" in node:
        target = DOCUMENT
        for part in node["$ref"].removeprefix("#/").split("/"):
            target = target[part]
        node = target
    return node


def field_paths(schema, prefix=""):
    """Every leaf of a schema: `tracks[].simulcast.preferredRid`."""
    schema = resolve(schema)
    if schema["type"] == "array":
        return field_paths(schema["items"], f"{prefix}[]")
    if schema["type"] != "object":
        return {prefix}
    dot = f"{prefix}." if prefix else ""
    return {path for name, part in schema["properties"].items() for path in field_paths(part, dot + name)}


def body_of(node):
    return field_paths(resolve(node)["content"]["application/json"]["schema"])


def test_it_has_the_published_operations():
    assert {name: call for name, (call, _) in OPERATIONS.items()} == {
        name: entry["call"] for name, entry in PUBLISHED.items()
    }


@pytest.mark.parametrize("name", PUBLISHED)
def test_an_operation_has_the_published_fields(name):
    operation = OPERATIONS[name][1]
    recorded = {key: set(value) for key, value in PUBLISHED[name].items() if key != "call"}
    ours = {
        str(code): body_of(response) if "content" in resolve(response) else set()
        for code, response in operation["responses"].items()
        if code not in {"4XX", "5XX", "400", "406"}
    }
    if "requestBody" in operation:
        ours["request"] = body_of(operation["requestBody"])
    if "parameters" in operation and "query" in recorded:
        ours["query"] = {entry["name"] for entry in operation["parameters"]}
    for code in {"400", "406"} & recorded.keys():
        ours[code] = body_of(operation["responses"][code])
    assert ours == recorded


@pytest.mark.parametrize("name", OPERATIONS)
def test_an_operation_says_how_it_fails_and_what_it_needs(name):
    path_names = {part[1:-1] for part in OPERATIONS[name][0].split("/") if part.startswith("{")}
    path = OPERATIONS[name][0].split(" ")[1]
    operation = OPERATIONS[name][1]
    shared = DOCUMENT["paths"][path].get("parameters", [])
    declared = {resolve(entry)["name"] for entry in [*shared, *operation.get("parameters", [])]}
    assert {"4XX", "5XX"} <= operation["responses"].keys()
    assert path_names <= declared


def generator_traps(schema):
    """What openapi-python-client loses without a word, or copies under a made-up name."""
    traps = schema.keys() & {"allOf", "oneOf", "anyOf", "default", "nullable", "additionalProperties"}
    for part in [*schema.get("properties", {}).values(), *([schema["items"]] if "items" in schema else [])]:
        traps |= part.keys() & {"allOf", "oneOf", "anyOf", "default", "nullable", "enum", "properties"}
    return traps


@pytest.mark.parametrize("name", SCHEMAS)
def test_a_schema_avoids_what_the_generator_mistakes(name):
    assert not generator_traps(SCHEMAS[name])
