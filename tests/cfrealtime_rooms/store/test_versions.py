"""Versions of documents: which are read, which are refused, and how an old one is brought up to date."""

from __future__ import annotations

import json

import pytest

from cfrealtime_rooms.store import DocumentError, StoreError
from cfrealtime_rooms.store.versions import Format, Version


def first(body):
    body["steps"] = [*body.get("steps", []), "1 to 2"]
    return body


def second(body):
    body["steps"] = [*body.get("steps", []), "2 to 3"]
    return body


THING = Format("thing", Version(3, 4), {1: first, 2: second})


def document(version, **fields):
    return json.dumps({"version": version, **fields})


@pytest.mark.parametrize(
    ("version", "steps"),
    [
        (1, ["1 to 2", "2 to 3"]),
        ("1.0", ["1 to 2", "2 to 3"]),
        ("2.7", ["2 to 3"]),
        ("3.0", None),
        ("3.4", None),
        ("3.5", None),
    ],
)
def test_every_older_version_is_brought_up_one_after_the_other(version, steps):
    assert THING.read(document(version, held="kept")) == {"held": "kept"} | (
        {"steps": steps} if steps else {}
    )


def test_what_is_written_is_read():
    assert THING.read(THING.write({"held": ["ü", None]})) == {"held": ["ü", None]}
    assert json.loads(THING.write({}))["version"] == "3.4"


@pytest.mark.parametrize("version", ["4.0", "10.0"])
def test_a_newer_major_version_is_refused_by_its_number(version):
    with pytest.raises(DocumentError, match=f"thing is in version {version}; this code reads 3.4"):
        THING.read(document(version))


@pytest.mark.parametrize(
    "version", [None, True, 0, 2, 1.0, "", "1", "0.1", "1.00", "01.0", "1.0\n", "-1.0", "1.0.0", [2, 0], {}]
)
def test_what_is_no_version_is_refused(version):
    with pytest.raises(DocumentError, match="in which version it is"):
        THING.read(document(version))


@pytest.mark.parametrize("text", ["", "not JSON", "[" * 100_000, b"\xff", "[]", "null", "1", '"1.0"'])
def test_what_is_no_object_is_refused(text):
    with pytest.raises(DocumentError, match="JSON") as caught:
        THING.read(text)
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


def test_an_upgrade_that_finds_nothing_to_upgrade_is_refused_without_quoting():
    def fails(body):
        raise KeyError("SECRET")

    with pytest.raises(DocumentError, match=r"thing of version 1 cannot be read \(KeyError\)") as caught:
        Format("thing", Version(2, 0), {1: fails}).read(document("1.0"))
    assert caught.value.__suppress_context__


def test_a_document_that_cannot_be_read_is_an_error_of_the_store():
    assert issubclass(DocumentError, StoreError)
