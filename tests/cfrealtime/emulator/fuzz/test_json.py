"""Any JSON at any door: a declared answer, never a failure of ours, and a session that still works."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator, Mapping
from copy import deepcopy

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cfrealtime.emulator import Emulator
from tests.cfrealtime.emulator.fuzz.street import TIMES
from tests.cfrealtime.emulator.peer import Peer, client_of, local, remote
from tests.cfrealtime.emulator.sdp.endpoint import M, describe

DOORS = [
    ("POST", "tracks/new"),
    ("PUT", "renegotiate"),
    ("PUT", "tracks/update"),
    ("PUT", "tracks/close"),
    ("POST", "datachannels/establish"),
    ("POST", "datachannels/new"),
    ("PUT", "datachannels/update"),
    ("PUT", "datachannels/close"),
]
SDP = st.sampled_from(
    [
        "",
        "v=0",
        describe(M("audio", "0"), M("video", "1")),
        describe(M("audio", "0", "inactive", stopped=True)),
        describe(M("audio", "s0", "recvonly"), setup="active"),
        describe(M("audio", "s0", "sendrecv"), setup="active"),
        describe(M("audio", "0"), M("application", "1")),
    ]
)
SCALAR = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
JSON = st.recursive(
    SCALAR, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner)
)


def fields(**options: st.SearchStrategy) -> st.SearchStrategy:
    """An object with some of these fields, now and then of a wrong type."""
    return st.fixed_dictionaries({}, optional={name: value | SCALAR for name, value in options.items()})


NAME = st.sampled_from(["mic", "0", "1", "s0", "SELF", "OTHER", "#mic", "\ud800", "a\r\na=b", "\0 "])
"""Two of them stand for ids of sessions."""
TRACK = fields(
    location=st.sampled_from(["local", "remote"]),
    mid=NAME,
    trackName=NAME,
    sessionId=NAME,
    kind=st.sampled_from(["audio", "video"]),
    bidirectionalMediaStream=st.booleans(),
    simulcast=fields(preferredRid=NAME, ridNotAvailable=st.sampled_from(["none", "asciibetical"])),
)
CHANNEL = fields(
    location=st.sampled_from(["local", "remote"]),
    sessionId=NAME,
    dataChannelName=NAME | st.just("server-events"),
    id=st.integers(-1, 3),
    ordered=st.booleans(),
    maxRetransmits=st.integers(-1, 70_000),
    maxPacketLifeTime=st.integers(-1, 70_000),
    waitForAck=st.booleans(),
    canReply=st.booleans(),
)
BODY = JSON | fields(
    tracks=st.lists(TRACK, max_size=3),
    dataChannels=st.lists(CHANNEL, max_size=3),
    dataChannel=CHANNEL,
    sessionDescription=fields(type=st.sampled_from(["offer", "answer"]), sdp=SDP),
    autoDiscover=st.booleans(),
    force=st.booleans(),
)
USUAL = [
    ("POST", "tracks/new", {"tracks": [remote("OTHER", "mic")]}),
    ("POST", "tracks/new", {"tracks": [remote("SELF", "mic", mid="#0"), remote("OTHER", "0")]}),
    ("POST", "tracks/new", {"tracks": [{"location": "local", "trackName": "mic", "kind": "video"}]}),
    ("POST", "tracks/new", {"tracks": [local("0", "mic")], "sessionDescription": {"type": "offer"}}),
    ("PUT", "renegotiate", {"sessionDescription": {"type": "answer"}}),
    ("PUT", "tracks/update", {"tracks": [{"mid": "s0", "sessionId": "OTHER", "trackName": "mic"}]}),
    ("PUT", "tracks/close", {"tracks": [{"mid": "0"}, {"mid": "s0"}], "force": True}),
    ("POST", "datachannels/establish", {"sessionDescription": {"type": "offer"}}),
    ("POST", "datachannels/new", {"dataChannels": [{"location": "local", "dataChannelName": "mic"}]}),
    (
        "POST",
        "datachannels/new",
        {"dataChannels": [{"location": "remote", "dataChannelName": "mic", "sessionId": "OTHER"}]},
    ),
    ("PUT", "datachannels/update", {"dataChannel": {"id": 1, "canReply": True, "sessionId": "OTHER"}}),
    ("PUT", "datachannels/close", {"dataChannels": [{"id": 1}]}),
]
"""Calls that make sense, but for descriptions."""


def altered(body: object, edits: list[tuple[int, object]], sdp: str) -> object:
    """JSON after some of its values were exchanged for others."""
    body = deepcopy(body)
    if isinstance(body, dict) and "sessionDescription" in body:
        body["sessionDescription"]["sdp"] = sdp
    for where, other in edits:
        spots = list(_spots(body))
        if spots:
            holder, key = spots[where % len(spots)]
            holder[key] = other
    return body


def _spots(value: object) -> Iterator[tuple]:
    """Every place for a value in JSON: what holds it, and its key there."""
    keys = list(value) if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    for key in keys:
        yield value, key
        yield from _spots(value[key])


EDITS = st.lists(st.tuples(st.integers(0, 20), NAME | SCALAR | JSON), max_size=2)


def nearly(usual: list[tuple[str, str, object]]) -> st.SearchStrategy[tuple]:
    """Door and body of calls that nearly make sense."""
    return st.builds(
        lambda call, edits, sdp: (call[:2], altered(call[2], edits, sdp)), st.sampled_from(usual), EDITS, SDP
    )


CALL = st.tuples(st.sampled_from(DOORS), BODY) | nearly(USUAL)


@pytest.mark.looptime
@settings(max_examples=100 * TIMES, deadline=None)
@given(data=st.booleans(), calls=st.lists(CALL, min_size=1, max_size=4))
async def test_any_json_at_any_door_is_answered_as_declared(data, calls):
    emulator = Emulator()
    async with client_of(emulator) as client:
        peer = await Peer.join(client)
        peer.sections = [M("application", "data", "sendrecv")] if data else []
        await peer.publish("mic")
        await asyncio.sleep(1)
        for (method, door), body in calls:
            content = json.dumps(with_ids(body, {"SELF": peer.id}))
            response = await client.request(method, f"{peer.path}/{door}", content=content)
            assert response.status_code < 500
        assert (await peer.get()).status_code in (200, 410)
        assert emulator.count() == len(calls) + 3


@pytest.mark.looptime
@settings(max_examples=50 * TIMES, deadline=None)
@given(content=st.binary(max_size=200), door=st.sampled_from(DOORS))
async def test_any_bytes_at_any_door_are_refused_as_declared(content, door):
    async with client_of(Emulator()) as client:
        peer = await Peer.join(client)
        response = await client.request(door[0], f"{peer.path}/{door[1]}", content=content)
        assert 400 <= response.status_code < 500


def with_ids(value: object, ids: Mapping[str, str]) -> object:
    """The same with other texts in the places of some."""
    if isinstance(value, dict):
        return {key: with_ids(item, ids) for key, item in value.items()}
    if isinstance(value, list):
        return [with_ids(item, ids) for item in value]
    return ids.get(value, value) if isinstance(value, str) else value
