"""Documents that older versions wrote, as files, and the shape of those of today."""

from __future__ import annotations

import json
import re
from itertools import pairwise
from typing import Any, get_args, get_type_hints

import pytest
from attrs import fields, has

from cfrealtime_rooms.core import calls, phases
from cfrealtime_rooms.core.events import EVENT_NAMES, RoomEvent
from cfrealtime_rooms.core.permissions import Permissions
from cfrealtime_rooms.core.state import Ban, Room
from cfrealtime_rooms.core.tracks import Retry
from cfrealtime_rooms.store import load_event
from cfrealtime_rooms.store.codec import ROOM, dump, load
from cfrealtime_rooms.store.conversion import CALL_NAMES, PHASE_NAMES
from tests.cfrealtime_rooms.store import samples, shapes

KINDS = pytest.mark.parametrize("kind", shapes.ROOTS)


def people(room: Room) -> dict[str, Any]:
    return {participant.identity: participant for participant in room.participants.values()}


def test_a_room_of_the_first_version_is_read_with_all_that_is_in_it():
    room = load(samples.FIRST.read_bytes())
    lanes = {name: participant.lane for name, participant in people(room).items()}
    assert {name: type(lane.phase).__name__ for name, lane in lanes.items()} == {
        "ann": "Idle",
        "bob": "Idle",
        "jo": "Idle",
        "fay": "AwaitingOffer",
        "dee": "AwaitingApplied",
        "cy": "AwaitingAnswer",
        "eve": "Calling",
        "hal": "Idle",
        "ida": "AwaitingOffer",
    }
    assert lanes["ida"].phase == phases.AwaitingOffer(2, 14.0)
    assert lanes["dee"].phase.answer == "v=0 answer"
    assert lanes["hal"].repeat == calls.Renegotiate(lanes["hal"].session_id, "v=0 hal")
    assert lanes["hal"].call_retry == Retry(1, 7.0)
    assert lanes["fay"].retries == {"pub-gone": Retry(3, 8.0, unready=True)}
    assert [track.withdrawn for track in lanes["eve"].offer.tracks] == [False, True]
    assert room.operations[lanes["eve"].phase.op].call.offer == "v=0 eve"
    assert people(room)["jo"].lost_at == 4.0
    assert [debt.again for debt in room.debts.values()] == [False, True]
    assert room.bans == {"mallory": Ban("spam", 600.0), "trudy": Ban("banned")}
    assert room.rights == {"kim": Permissions(frozenset({"microphone"}), subscribe=False)}
    assert room.muted == {"kim": {"camera"}}
    assert room.attributes == {"topic": "rounds"}


@pytest.mark.parametrize("path", samples.rooms(), ids=lambda path: path.stem)
def test_every_version_of_a_saved_room_is_the_same_room(path):
    assert load(path.read_bytes()) == load(samples.FIRST.read_bytes())


def test_the_present_version_has_its_samples_and_they_are_what_is_written():
    room = load(samples.FIRST.read_bytes())
    assert json.loads(samples.ROOM_NOW.read_text(encoding="utf-8")) == json.loads(dump(room))
    assert [load_event(line) for line in samples.EVENTS_NOW.read_bytes().splitlines()] == [*samples.EVENTS]


def test_every_event_phase_and_call_has_a_name_of_its_own():
    for union, names in ((RoomEvent, EVENT_NAMES), (phases.Phase, PHASE_NAMES), (calls.ApiCall, CALL_NAMES)):
        assert set(names) == set(get_args(union))
        assert len(set(names.values())) == len(names)
    assert {type(event) for event in samples.EVENTS} == set(EVENT_NAMES)


@KINDS
def test_a_document_of_another_shape_has_another_version(kind):
    written = shapes.file_of(kind)
    assert written.exists(), f"a new version: python -m {shapes.__name__} writes its shape down"
    assert "\n".join(shapes.shape(kind)) + "\n" == written.read_text(encoding="utf-8"), (
        f"documents have another shape than {written.name} says: give the {kind} a new version: a minor one "
        "if all that was added may be absent, else a major one with an upgrade"
    )


@KINDS
def test_a_minor_version_only_adds_what_may_be_absent(kind):
    files = shapes.FOLDER.glob(f"{kind}-*.txt")
    in_order = sorted(files, key=lambda path: [*map(int, re.findall(r"\d+", path.name))])
    for before, after in pairwise(in_order):
        if before.stem.split(".")[0] == after.stem.split(".")[0]:
            old, new = (set(path.read_text(encoding="utf-8").splitlines()) for path in (before, after))
            assert shapes.addition(old, new, new_kinds=kind == "event"), f"{after.name} needs a major version"


SHAPE = frozenset({"a.b: text", "a.u<old>: object, absent: null", "a.u<old>.d: text"})


@pytest.mark.parametrize(
    ("added", "of_rooms", "of_events"),
    [
        (["a.c: text"], False, False),
        (["a.c: text, absent: null"], True, True),
        (["a.c: object or null, absent: null", "a.c.d: text"], True, True),
        (["a.c{}: object, absent: empty", "a.c{}.d[]: text", "a.e: text"], False, False),
        (["a.u<old>.e: text"], False, False),
        (["a.u<old>.e: text, absent: null"], True, True),
        (["a.u<new>: object, absent: null", "a.u<new>.d: text"], False, True),
        (["a.v<new>: object, absent: null", "a.v<new>.d: text"], True, True),
    ],
)
def test_what_a_minor_version_may_add(added, of_rooms, of_events):
    assert shapes.addition(SHAPE, SHAPE | set(added), new_kinds=False) == of_rooms
    assert shapes.addition(SHAPE, SHAPE | set(added), new_kinds=True) == of_events


@pytest.mark.parametrize(
    "after", [{"a.b: text"}, {*SHAPE - {"a.b: text"}, "a.b: integer"}], ids=["gone", "other"]
)
def test_a_minor_version_neither_takes_away_nor_changes(after):
    assert not shapes.addition(SHAPE, after, new_kinds=True)


def test_there_is_an_upgrade_from_every_major_version():
    assert set(ROOM.upgrades) == set(range(1, ROOM.version.major))


def every_class(hint: Any, found: set[type[Any]]) -> set[type[Any]]:
    if has(hint) and hint not in found:
        found.add(hint)
        for inner in get_type_hints(hint).values():
            every_class(inner, found)
    for arg in get_args(hint):
        every_class(arg, found)
    return found


def test_what_is_secret_is_marked_and_shown_nowhere():
    classes = every_class(Room, set())
    marked = {(cls.__name__, one.name) for cls in classes for one in fields(cls) if "secret" in one.metadata}
    hidden = {(cls.__name__, one.name) for cls in classes for one in fields(cls) if not one.repr}
    assert marked == hidden
    assert marked == {
        ("Participant", "token"),
        ("ClientOffer", "sdp"),
        ("Publish", "offer"),
        ("Renegotiate", "answer"),
        ("AwaitingApplied", "answer"),
        ("AwaitingAnswer", "offer"),
    }
