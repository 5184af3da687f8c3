"""Any JSON at any door while others live next door, whose names it may know."""

from __future__ import annotations

import json
from contextlib import suppress

import httpx
from hypothesis import given
from hypothesis import strategies as st

from tests.cfrealtime.emulator.adapters.calls import egress, ingest
from tests.cfrealtime.emulator.fuzz.street import SECRETS, Street, intruder, some
from tests.cfrealtime.emulator.fuzz.test_json import BODY, CALL, JSON, NAME, fields, nearly, with_ids
from tests.cfrealtime.emulator.peer import APP, Peer
from tests.cfrealtime.emulator.sdp.endpoint import M

ADAPTER = fields(
    location=st.sampled_from(["local", "remote"]),
    trackName=NAME,
    sessionId=NAME,
    endpoint=st.sampled_from(["ws://127.0.0.1:1/", "wss://[::1]:1/?b#c", "ws://", "a"]),
    inputCodec=st.just("pcm"),
    outputCodec=st.sampled_from(["pcm", "jpeg"]),
    adapterId=NAME,
)
ADAPTERS = fields(tracks=st.lists(ADAPTER, max_size=5)) | BODY
TURN = JSON | fields(ttl=st.integers(-1, 200_000), customIdentifier=NAME)
NEW, CLOSE = f"{APP}/adapters/websocket/new", f"{APP}/adapters/websocket/close"
CREDENTIALS = "/v1/turn/keys/demo-turn/credentials"
GENERATE, REVOKE = f"{CREDENTIALS}/generate-ice-servers", f"{CREDENTIALS}/SELF/revoke"
NOWHERE = "ws://127.0.0.1:1/"
USUAL = [
    ("POST", f"{APP}/sessions/new", {}),
    ("POST", f"{APP}/sessions/new?correlationId=OTHER&thirdparty=true", None),
    ("POST", NEW, {"tracks": [ingest(endpoint=NOWHERE), egress("OTHER", endpoint=NOWHERE)]}),
    ("POST", NEW, {"tracks": [egress("OTHER", endpoint=NOWHERE, output="jpeg")]}),
    ("POST", CLOSE, {"tracks": [{"adapterId": "OTHER"}]}),
    ("POST", GENERATE, {"ttl": 3600, "customIdentifier": "OTHER"}),
    ("POST", REVOKE, {}),
]
ANY = st.one_of(
    CALL,
    nearly(USUAL),
    st.tuples(st.sampled_from([("POST", NEW), ("POST", CLOSE)]), ADAPTERS),
    st.tuples(st.sampled_from([("POST", GENERATE), ("POST", REVOKE)]), TURN),
)
PATIENCE = httpx.Timeout(60, read=0.3)
SECTIONS = (M("audio", "0", ssrc=7000), M("application", "1", "sendrecv"))


async def say(street: Street, peer: Peer, method: str, door: str, body: object) -> None:
    """One call; whoever has to wait for its answer hangs up."""
    url = door if door.startswith("/") else f"{peer.path}/{door}"
    secret = SECRETS["turn" if url.startswith(CREDENTIALS) else "app"]
    content = json.dumps(with_ids(body, {"SELF": peer.id, "OTHER": street.alice.id}))
    with suppress(httpx.ReadTimeout):
        # The street's client holds the answer against the document, too.
        response = await street.client.request(
            method, url, content=content, headers={"Authorization": f"Bearer {secret}"}, timeout=PATIENCE
        )
        assert response.status_code < 500 or "/adapters/" in url


@some(15)
@given(calls=st.lists(ANY, min_size=1, max_size=5))
async def test_any_json_at_any_door_leaves_others_alone(street: Street, calls):
    before = (await street.alice.get()).json()
    async with intruder(street, *SECTIONS) as (peer, light):
        await light.open_data_channels()
        for (method, door), body in calls:
            await say(street, peer, method, door, body)
        assert (await peer.get()).status_code in (200, 410)
        assert (await street.alice.get()).json() == before
        await street.undisturbed()
