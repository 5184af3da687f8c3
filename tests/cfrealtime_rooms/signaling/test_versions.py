"""The versioning rule of docs/signaling.md, held against every version that was recorded."""

from __future__ import annotations

import copy
import json
from contextlib import asynccontextmanager

import attrs
import jsonschema
import pytest

from cfrealtime_rooms.core.commands import COMMAND_NAMES
from cfrealtime_rooms.core.notices import ClientLimits
from cfrealtime_rooms.signaling import ProtocolError, decode
from cfrealtime_rooms.signaling.schema import json_schema
from cfrealtime_rooms.testing import Guests
from tests.cfrealtime_rooms.hosting import hosting
from tests.cfrealtime_rooms.signaling.compatible import breaks, messages, pruned
from tests.cfrealtime_rooms.signaling.record import VERSIONS, meet

NOW = json_schema()
NAMES = sorted(path.stem for path in VERSIONS.glob("*.jsonl"))
SCHEMAS = {name: json.loads((VERSIONS / f"{name}.schema.json").read_text()) for name in NAMES}
versions = pytest.mark.parametrize("name", NAMES)


def recorded(name: str, what: str) -> list[dict]:
    lines = map(json.loads, (VERSIONS / f"{name}.jsonl").read_text().splitlines())
    return [message for _, does, message in lines if does == what]


def violations(message: dict, schema: dict, direction: str) -> list[str]:
    """What is wrong with a message, for whoever has this schema."""
    one = {"$ref": f"#/$defs/{direction}"}
    return [
        error.message
        for error in jsonschema.Draft202012Validator({**schema, "anyOf": [one]}).iter_errors(message)
    ]


def same(read: object, sent: object) -> bool:
    """Whether everything that was sent is in what was read."""
    if isinstance(sent, dict) and isinstance(read, dict):
        return all(same(read.get(key), value) for key, value in sent.items())
    if isinstance(sent, list) and isinstance(read, tuple | list):
        return len(read) == len(sent) and all(map(same, read, sent))
    return read == sent


def test_there_is_a_version_to_compare_with():
    assert "first" in NAMES


@versions
def test_what_clients_said_is_still_read(name):
    said = recorded(name, "says")
    assert len({message["type"] for message in said}) > 10
    for message in said:
        if message["type"] == "nonsense":
            with pytest.raises(ProtocolError):
                decode(json.dumps(message), ClientLimits())
            continue
        command = decode(json.dumps(message), ClientLimits())
        assert same({"type": COMMAND_NAMES[type(command)], **attrs.asdict(command)}, message)
        assert violations(message, NOW, "client_to_room") == []


@versions
def test_what_rooms_said_is_still_understood(name):
    heard = recorded(name, "hears")
    assert len({message["type"] for message in heard}) > 9
    for message in heard:
        assert violations(message, NOW, "room_to_client") == []


@versions
def test_nothing_of_it_was_taken_back(name):
    assert breaks(SCHEMAS[name], NOW) == []


class InTheWordsOf:
    """Rooms and clients that know nothing but an earlier version's messages and fields."""

    def __init__(self, rooms, schema):
        self.rooms, self.schema = rooms, schema
        self.unknown: set[str] = set()
        self.wrong: list[str] = []

    @asynccontextmanager
    async def connect(self, room_id, *, send, **options):
        async def told(text):
            if (known := self.known(text, "room_to_client")) is not None:
                await send(known)

        async with self.rooms.connect(room_id, send=told, **options) as connection:
            hears = connection.receive

            async def receive(text):
                await hears(self.known(text, "client_to_room") or text)

            connection.receive = receive
            yield connection

    def known(self, text: str, direction: str) -> str | None:
        message = json.loads(text)
        definition = messages(self.schema, direction).get(message["type"])
        if definition is None:
            self.unknown.add(message["type"])
            return None
        self.wrong += violations(message, self.schema, direction)  # raised here, it would end a channel
        return json.dumps({"type": message["type"], **pruned(message, definition, self.schema)})


@pytest.mark.looptime
@versions
async def test_a_meeting_works_in_its_words_alone(name):
    async with hosting() as (rooms, _):
        spoken = InTheWordsOf(rooms, SCHEMAS[name])
        async with Guests(spoken, "demo", latency=0.02) as guests:
            await meet(rooms, guests)
    assert spoken.wrong == []
    assert spoken.unknown == {"nonsense"}


def command(schema, name):
    return messages(schema, "client_to_room")[name]


def notice(schema, name):
    return messages(schema, "room_to_client")[name]


BREAKING = {
    "client_to_room: mute is gone": lambda new: new["$defs"]["client_to_room"]["oneOf"].remove(
        {"$ref": "#/$defs/Mute"}
    ),
    "media.sending is gone": lambda new: command(new, "media")["properties"].pop("sending"),
    "join.name is required": lambda new: command(new, "join")["required"].append("name"),
    "mute.muted is boolean, and was string": lambda new: command(new, "mute")["properties"].update(
        muted={"type": "string"}
    ),
    "media.state may be failed": lambda new: command(new, "media")["properties"]["state"]["anyOf"][0][
        "enum"
    ].remove("failed"),
    "join.tracks[].kind may be audio": lambda new: new["$defs"]["OfferedTrack"]["properties"]["kind"][
        "enum"
    ].remove("audio"),
    "unpublish.source has another pattern": lambda new: command(new, "unpublish")["properties"][
        "source"
    ].update(pattern="^[a-z]+$"),
    "room_to_client: closed is gone": lambda new: new["$defs"]["room_to_client"]["oneOf"].remove(
        {"$ref": "#/$defs/Closed"}
    ),
    "delta.since is gone": lambda new: notice(new, "delta")["properties"].pop("since"),
    "joined.token is required": lambda new: notice(new, "joined")["required"].remove("token"),
    "grant.deadline is any value": lambda new: notice(new, "grant")["properties"].update(deadline={}),
    "joined.snapshot.participants[].state may be asleep": lambda new: new["$defs"]["ParticipantView"][
        "properties"
    ]["state"]["enum"].append("asleep"),
    "mids.mids[] is null, and was string": lambda new: notice(new, "mids")["properties"]["mids"].update(
        additionalProperties={"anyOf": [{"type": "string"}, {"type": "null"}]}
    ),
}
ADDITIONS = {
    "a message": lambda new: new["$defs"]["room_to_client"]["oneOf"].append(
        {"type": "object", "properties": {"type": {"const": "weather"}}, "required": ["type"]}
    ),
    "a field that rooms send": lambda new: notice(new, "delta")["required"].append("weather"),
    "a field that clients may send": lambda new: command(new, "join")["properties"].update(mood={}),
    "a value that clients may send": lambda new: command(new, "media")["properties"]["state"]["anyOf"][0][
        "enum"
    ].append("weak"),
}


@pytest.mark.parametrize("reason", BREAKING)
def test_what_breaks_the_rule_is_found(reason):
    new = copy.deepcopy(NOW)
    BREAKING[reason](new)
    assert reason in breaks(NOW, new)


@pytest.mark.parametrize("addition", ADDITIONS)
def test_what_the_rule_allows_is_allowed(addition):
    new = copy.deepcopy(NOW)
    ADDITIONS[addition](new)
    assert breaks(NOW, new) == []
