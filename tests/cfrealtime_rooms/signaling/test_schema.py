"""The JSON Schema and the reference page say what the code says."""

from __future__ import annotations

import json
from importlib import resources
from typing import Any

import jsonschema
import pytest

from cfrealtime_rooms.signaling import encode
from cfrealtime_rooms.signaling.__main__ import main

from .examples import COMMANDS, NOTICES

SCHEMA = json.loads(
    resources.files("cfrealtime_rooms.signaling").joinpath("protocol.schema.json").read_text()
)


def violations(message: Any, direction: str) -> list[str]:
    schema = {**SCHEMA, "anyOf": [{"$ref": f"#/$defs/{direction}"}]}
    return [error.message for error in jsonschema.Draft202012Validator(schema).iter_errors(message)]


def test_the_schema_is_a_schema():
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


@pytest.mark.parametrize("notice", NOTICES, ids=lambda notice: type(notice).__name__)
def test_every_notice_keeps_to_the_schema(notice):
    assert violations(json.loads(encode(notice)), "room_to_client") == []


@pytest.mark.parametrize("notice", NOTICES, ids=lambda notice: type(notice).__name__)
def test_a_notice_without_its_type_is_none(notice):
    message = json.loads(encode(notice))
    del message["type"]
    assert violations(message, "room_to_client")


@pytest.mark.parametrize(("text", "command"), COMMANDS, ids=lambda value: type(value).__name__)
def test_every_command_keeps_to_the_schema(text, command):
    assert violations(text, "client_to_room") == []


@pytest.mark.parametrize(
    "message",
    [
        {},
        {"type": "welcome"},
        {"type": "applied"},
        {"type": "applied", "exchange": "1"},
        {"type": "unpublish", "source": "two words"},
        {"type": "join", "tracks": [{"mid": "0", "source": "camera", "kind": "smell"}]},
    ],
)
def test_what_the_room_refuses_the_schema_refuses(message):
    assert violations(message, "client_to_room")


def test_what_is_in_the_repository_is_what_the_code_says(capsys):
    assert main(["--check"]) == 0
    assert capsys.readouterr().out == ""


def test_a_stale_file_is_found_and_written_anew(tmp_path, capsys):
    (page := tmp_path / "docs/reference/signaling.md").parent.mkdir(parents=True)
    page.write_text("old")

    assert main(["--check", "--root", str(tmp_path)]) == 1
    assert page.read_text() == "old"
    assert main(["--root", str(tmp_path)]) == 0
    assert main(["--check", "--root", str(tmp_path)]) == 0
    assert page.read_text().startswith("# Signaling protocol v1")
    assert "signaling.md is not what the code says" in capsys.readouterr().out
