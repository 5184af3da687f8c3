"""Any JSON at the doors of adapters and TURN: a declared answer, and never a failure of ours."""

from __future__ import annotations

import asyncio
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.cfrealtime.emulator.adapters.calls import APP, emulator_for, ingest, made, publisher
from tests.cfrealtime.emulator.adapters.endpoint import Endpoint
from tests.cfrealtime.emulator.fuzz.test_json import BODY, JSON, fields
from tests.cfrealtime.emulator.peer import client_of

ADAPTERS = f"{APP}/adapters/websocket"
TURN = "/v1/turn/keys/demo-turn/credentials/generate-ice-servers"
NAME = st.sampled_from(["mic", "speech", "SELF", ""])
ENDPOINT = st.sampled_from(["ws://a/", "wss://a:1/?b#c", "ws://a/hang", "wss://a/refuse", "ws://", "a"])
TRACK = fields(
    location=st.sampled_from(["local", "remote"]),
    trackName=NAME,
    sessionId=NAME,
    endpoint=ENDPOINT,
    inputCodec=st.just("pcm"),
    outputCodec=st.sampled_from(["pcm", "jpeg"]),
    adapterId=NAME,
    mode=st.sampled_from(["buffer", "stream"]),
)
TRACKS = fields(tracks=st.lists(TRACK, max_size=5))


@pytest.mark.looptime
@settings(max_examples=100, deadline=None)
@given(calls=st.lists(st.tuples(st.sampled_from(["new", "close"]), TRACKS | BODY), min_size=1, max_size=3))
async def test_any_json_makes_a_declared_answer(calls):
    emulator = emulator_for(Endpoint())
    async with client_of(emulator) as client:
        peer = await publisher(client, "mic")
        for door, body in calls:
            content = json.dumps(body).replace("SELF", peer.id)
            response = await client.post(f"{ADAPTERS}/{door}", content=content)
            assert response.status_code in (200, 400, 406, 503)
        assert (await peer.get()).status_code == 200


@pytest.mark.looptime
@settings(max_examples=50, deadline=None)
@given(body=JSON | fields(ttl=st.integers(-1, 200_000), customIdentifier=NAME))
async def test_any_json_makes_a_declared_answer_of_turn(body):
    async with client_of(emulator_for(Endpoint()), secret="turn-secret") as client:
        response = await client.post(TURN, content=json.dumps(body))
        assert response.status_code in (201, 400)


@pytest.mark.looptime
@settings(max_examples=50, deadline=None)
@given(said=st.lists(st.binary(max_size=40) | st.text(max_size=10), max_size=10))
async def test_anything_said_to_an_ingest_leaves_it_and_others_alive(said):
    endpoint = Endpoint()
    emulator = emulator_for(endpoint)
    async with client_of(emulator) as client:
        await made(client, ingest())
        peer = await publisher(client, "mic")
        for message in said:
            endpoint.lines[0].say_raw(message)
        await asyncio.sleep(1)
        assert [adapter["status"] for adapter in emulator.state()["adapters"]] == ["connected"]
        assert (await peer.get()).status_code == 200
