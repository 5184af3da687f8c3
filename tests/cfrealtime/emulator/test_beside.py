"""An emulator that is served by a thread of its own: for every kind of caller, from every thread."""

from __future__ import annotations

import asyncio
import json
import threading
from urllib.request import Request, urlopen

import httpx
import pytest

from cfrealtime.emulator import Emulator, ManualMediaPlane, MediaPlaneError, UdpMediaPlane
from cfrealtime.testing import ServedEmulator
from tests.cfrealtime.emulator.peer import local, remote, until
from tests.cfrealtime.emulator.sdp.endpoint import M, describe
from tests.cfrealtime.emulator.talkers import heard, listening, talking

OFFER = {"type": "offer", "sdp": describe(M("audio", "0"))}


def post(server: ServedEmulator, path: str, body: object = None) -> dict:
    request = Request(
        f"{server.base_url}/apps/{server.app_id}/sessions{path}",
        None if body is None else json.dumps(body).encode(),
        {"Authorization": f"Bearer {server.secret}"},
        method="POST",
    )
    with urlopen(request, timeout=60) as response:
        return json.load(response)


def test_blocking_code_looks_at_what_it_did(realtime_server):
    session_id = post(realtime_server, "/new")["sessionId"]
    body = {"tracks": [local("0", "mic")], "sessionDescription": OFFER}
    post(realtime_server, f"/{session_id}/tracks/new", body)
    assert [track["track_name"] for track in realtime_server.active_tracks(session_id)] == ["mic"]
    assert realtime_server.journal(operation="new_tracks")["calls"][0]["track_names"] == ["mic"]
    assert [leak.session_id for leak in realtime_server.leaks()] == [session_id]
    with pytest.raises(AssertionError, match="mic"):
        realtime_server.assert_no_leaks()
    realtime_server.faults.kill_session(session_id)
    realtime_server.assert_no_leaks()


async def test_packets_are_real_and_coroutines_may_look(realtime_server):
    headers = {"Authorization": f"Bearer {realtime_server.secret}"}
    root = realtime_server.base_url.removesuffix("/v1")
    async with (
        httpx.AsyncClient(base_url=root, headers=headers, timeout=60) as client,
        talking(client, 1000, b"hello") as (alice, _),
        listening(client, remote(alice.id, "mic")) as (_, bob, _),
    ):
        await until(lambda: heard(bob, b"hello"))
        assert len(realtime_server.active_tracks()) == 2
        assert (await client.get(realtime_server.page)).status_code == 200


def test_many_threads_may_make_it_fail_and_look(realtime_server):
    def visit() -> None:
        for _ in range(20):
            realtime_server.faults.remove(realtime_server.faults.add("refuse nth=100"))
            post(realtime_server, "/new")
            realtime_server.journal()

    threads = [threading.Thread(target=visit) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert realtime_server.count("new_session") == 80
    assert realtime_server.faults.view()["faults"] == []


def test_another_emulator_is_served_under_its_own_names():
    with ServedEmulator(Emulator({"app": "hush"}, ManualMediaPlane(), turn_keys={"key": "token"})) as server:
        assert post(server, "/new")["sessionId"]
        assert server.environment == {
            "CLOUDFLARE_REALTIME_APP_ID": "app",
            "CLOUDFLARE_REALTIME_APP_SECRET": "hush",
            "CLOUDFLARE_REALTIME_BASE_URL": server.base_url,
            "CLOUDFLARE_TURN_KEY_ID": "key",
            "CLOUDFLARE_TURN_API_TOKEN": "token",
        }


def test_what_happened_stays_readable_and_no_thread_stays():
    with ServedEmulator() as server:
        post(server, "/new")
    assert server.count() == len(server.state()["sessions"]) == 1
    assert "cfrealtime.emulator" not in {thread.name for thread in threading.enumerate()}


def test_it_says_that_it_does_not_run():
    with pytest.raises(RuntimeError, match="not running"):
        _ = ServedEmulator().base_url


def test_what_keeps_it_from_starting_is_raised_where_it_was_started():
    with pytest.raises(MediaPlaneError), ServedEmulator(Emulator(media=UdpMediaPlane("192.0.2.1"))):
        pass


def test_an_error_that_nobody_handled_is_a_warning_in_the_end(caplog):
    server = ServedEmulator(Emulator())
    with pytest.warns(UserWarning, match="ZeroDivisionError"):
        fail_in(server)
    assert "ZeroDivisionError" in caplog.text


def fail_in(server: ServedEmulator) -> None:
    """Let a timer of its loop fail."""
    with server:
        server._run(lambda: asyncio.get_running_loop().call_soon(lambda: 1 / 0))
        post(server, "/new")
