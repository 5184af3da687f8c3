"""The doors under /_emulator."""

from __future__ import annotations

import asyncio

import pytest

from cfrealtime.emulator import Emulator
from tests.cfrealtime.emulator.peer import APP, Peer, client_of, remote
from tests.cfrealtime.emulator.sdp.endpoint import M, describe
from tests.cfrealtime.emulator.test_tracks import publisher

pytestmark = pytest.mark.looptime

FAULTS = "/_emulator/faults"


@pytest.fixture
def emulator():
    return Emulator()


async def test_faults_are_asked_for_listed_and_taken_back(emulator):
    async with client_of(emulator) as client:
        asked = await client.post(FAULTS, json=[{"kind": "refuse", "nth": 2}, "delay seconds=1"])
        assert (asked.status_code, asked.json()["ids"]) == (201, ["f1", "f2"])
        listed = (await client.get(FAULTS)).json()["faults"]
        assert [(fault["id"], fault["kind"]) for fault in listed] == [("f1", "refuse"), ("f2", "delay")]
        assert (await client.delete(f"{FAULTS}/f1")).json()["faults"] == listed[1:]
        assert (await client.delete(f"{FAULTS}/f1")).status_code == 404
        assert (await client.delete(FAULTS)).json() == {"seed": 0, "faults": []}


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b'{"kind": "delay"}', "delay needs seconds."),
        (b"{", "The body is not JSON."),
        (b"[" * 60_000, "The body is not JSON."),
        (b" " * 70_000, "The body is too long."),
        (b'"kill_session session=nobody"', "There is no session nobody that could end."),
    ],
)
async def test_what_is_no_fault_is_a_400_in_words(emulator, body, words):
    async with client_of(emulator) as client:
        response = await client.post(FAULTS, content=body)
        assert response.status_code == 400
        assert response.json() == {"errorCode": "invalid_fault", "errorDescription": words}


async def test_no_other_page_may_ask_for_faults(emulator):
    async with client_of(emulator) as client:
        stranger = {"Origin": "http://elsewhere.example"}
        refused = await client.post(FAULTS, json="refuse", headers=stranger)
        assert (refused.status_code, emulator.faults.view()["faults"]) == (403, [])
        nowhere = await client.post(FAULTS, json="refuse", headers={"Origin": "http://["})
        assert nowhere.status_code == 403
        own = {"Origin": "http://emulator"}
        assert (await client.post(FAULTS, json="refuse", headers=own)).status_code == 201


async def test_the_journal_is_told_in_parts(emulator):
    async with client_of(emulator) as client:
        source, viewer = await publisher(client, "mic"), await Peer.join(client)
        await viewer.subscribe(remote(source.id, "mic"))

        async def calls(query: str) -> list[int]:
            return [call["n"] for call in (await client.get(f"/_emulator/journal?{query}")).json()["calls"]]

        assert await calls("") == [1, 2, 3, 4, 5]
        assert await calls("operation=new_tracks") == [2, 4]
        assert await calls(f"session={viewer.id}") == [4, 5]
        assert await calls("since=3") == [4, 5]
        assert await calls("newest=1&operation=new_session") == [3]


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("since=yesterday", "since is not a number."),
        ("newest=-1", "newest is not a number."),
        ("newest=", "newest is not a number."),
        ("since=\u0663", "since is not a number."),
        ("since=" + "9" * 5000, "since is too large."),
        ("newest=" + "9" * 16, "newest is too large."),
        ("operation=new_track", "There is no such operation; they have the ids of the API's description."),
        ("sessions=x", "There is nothing to ask by but operation, session, since, newest."),
    ],
)
async def test_a_query_that_means_nothing_is_a_400_in_words(emulator, query, words):
    async with client_of(emulator) as client:
        bad = await client.get(f"/_emulator/journal?{query}")
        assert bad.status_code == 400
        assert bad.json() == {"errorCode": "invalid_query", "errorDescription": words}
        assert (await client.get("/_emulator/journal?since=999999999999999")).json()["calls"] == []


async def test_the_journal_tells_what_is_held_and_events_of_a_session(emulator):
    async with client_of(emulator) as client:
        source, viewer = await publisher(client, "mic"), await Peer.join(client)
        await viewer.post_tracks([remote(source.id, "mic")])
        journal = (await client.get("/_emulator/journal")).json()
        assert [held["kind"] for held in journal["held"]] == ["publication", "exchange", "subscription"]
        one = (await client.get(f"/_emulator/journal?session={source.id}")).json()
        assert [held["kind"] for held in one["held"]] == ["publication"]
        assert one["events"] == [
            {"after": 2, "at": 0.05, "event": "session_connected", "session_id": source.id, "detail": ""}
        ]


async def test_a_call_tells_what_was_done_to_it_and_how_long_it_took(emulator):
    emulator.faults.add("lose_answer operation=new_session nth=1")
    emulator.faults.add("delay seconds=2 nth=1")
    async with client_of(emulator) as client:
        with pytest.raises(ConnectionError):
            await Peer.join(client)
        call = emulator.journal()["calls"][0]
        assert (call["status"], call["faults"], call["seconds"]) == (201, ["lose_answer", "delay"], 2.0)


async def test_auto_discovered_names_are_in_the_journal(emulator):
    async with client_of(emulator) as client:
        peer = await Peer.join(client)
        offer = describe(M("audio", "0"))
        await peer.post_tracks([], autoDiscover=True, sessionDescription={"type": "offer", "sdp": offer})
        (name,) = [track["track_name"] for track in emulator.active_tracks()]
        assert emulator.journal()["calls"][-1]["track_names"] == [name]


async def test_of_sessions_that_ended_the_state_tells_as_many_as_are_asked_for(emulator):
    async with client_of(emulator) as client:
        first, second, third = [await publisher(client, "mic") for _ in range(3)]
        for peer in (third, first):
            emulator.media.kill(peer.id)
            await asyncio.sleep(1)

        async def told(query: str) -> list[str]:
            state = (await client.get(f"/_emulator/state{query}")).json()
            assert state["sessions_ended"] == 2
            return [session["session_id"] for session in state["sessions"]]

        assert await told("") == [first.id, second.id, third.id]
        assert await told("?ended=1") == [first.id, second.id]
        assert await told("?ended=0") == [second.id]
        assert (await client.get("/_emulator/state?ended=some")).status_code == 400


async def test_people_are_led_to_the_page(emulator):
    async with client_of(emulator) as client:
        for path in ("/", "/_emulator"):
            assert (await client.get(path)).headers["location"] == "/_emulator/"
        page = await client.get("/_emulator/")
        assert page.headers["content-type"] == "text/html; charset=utf-8"
        assert "default-src 'none'" in page.headers["content-security-policy"]
        for missing in ("pages.py", "..%2fpages.py", "nothing.js"):
            assert (await client.get(f"/_emulator/{missing}")).status_code == 404


async def test_a_call_that_is_being_handled_has_no_time_yet(emulator):
    emulator.faults.delay = 5
    async with client_of(emulator) as client:
        waiting = asyncio.create_task(client.post(f"{APP}/sessions/new"))
        await asyncio.sleep(1)
        assert emulator.journal()["calls"][0]["seconds"] is None
        await waiting
        assert emulator.journal()["calls"][0]["seconds"] == 5
