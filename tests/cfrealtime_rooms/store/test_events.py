"""Events as documents."""

from __future__ import annotations

import json
import math
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cfrealtime_rooms import DocumentError, UnknownEventError, dump_event, load_event
from cfrealtime_rooms.core.events import EVENT_NAMES, MessageSent, RoomEvent, RoomOpened
from tests.cfrealtime_rooms.store.samples import EVENTS

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


def any_event(cls: type[Any]) -> st.SearchStrategy[Any]:
    """Events of a kind with any fields."""
    if cls is MessageSent:
        texts = st.lists(st.text(), max_size=3).map(tuple)
        return st.builds(MessageSent, st.text(), st.text(), st.none() | st.text(), JSON, st.none() | texts)
    return st.from_type(cls).filter(lambda event: not math.isnan(getattr(event, "seconds", None) or 0.0))


@given(st.one_of([any_event(cls) for cls in get_args(RoomEvent)]))
def test_an_event_is_read_as_it_was_written(event):
    document = dump_event(event)
    assert load_event(document) == event
    assert load_event(document.decode()) == event
    assert b"\n" not in document


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: type(event).__name__)
def test_a_document_says_what_kind_of_event_it_is_and_in_which_version(event):
    document = json.loads(dump_event(event))
    assert document["version"] == "1.0"
    assert document["type"] == EVENT_NAMES[type(event)]
    assert document["room"] == "hall"


def test_equal_events_give_equal_documents():
    for event in EVENTS:
        assert dump_event(load_event(dump_event(event))) == dump_event(event)


def test_fields_of_a_newer_minor_version_are_ignored():
    document = {"version": "1.9", "type": "room_opened", "room": "hall", "at": 12.5, "by": {"id": 3}}
    assert load_event(json.dumps(document)) == RoomOpened("hall")


def test_a_kind_of_event_that_came_later_says_its_name():
    with pytest.raises(UnknownEventError, match="room_painted") as caught:
        load_event('{"version": "1.4", "type": "room_painted", "room": "hall"}')
    assert caught.value.type == "room_painted"
    assert isinstance(caught.value, DocumentError)


@pytest.mark.parametrize(
    "document",
    [
        "",
        "[]",
        '{"type": "room_opened", "room": "hall"}',
        '{"version": "2.0", "type": "room_opened", "room": "hall"}',
        '{"version": "1.0", "room": "hall"}',
        '{"version": "1.0", "type": ["room_opened"], "room": "hall"}',
        '{"version": "1.0", "type": "room_opened"}',
        '{"version": "1.0", "type": "session_replaced", "room": "hall", "epoch": "SECRET"}',
    ],
)
def test_what_is_no_event_is_an_error_that_quotes_nothing(document):
    with pytest.raises(DocumentError) as caught:
        load_event(document)
    assert "SECRET" not in str(caught.value)
    assert caught.value.__cause__ is None
