"""What silence, lost networks and closed connections do."""

from __future__ import annotations

import asyncio

from tests.cfrealtime.emulator.sdp.endpoint import M
from tests.conformance.stage import outcome

LOST = ("200 active", "200 inactive", "200", "410 session_error")
"""What may be left of a publisher who was heard of 35 s ago: nobody says when the service notices."""


async def test_a_silent_track_is_collected(stage):
    """[documented] A published track without incoming packets for 30 s is garbage-collected."""
    speaker, listener = await stage.speaker(), await stage.enter()
    assert outcome(await speaker.publish(M("audio", "1", ssrc=9000))) == "200"
    speaker.endpoint.speak("1", b"more", 9000)
    await listener.receive(speaker.remote("0"), speaker.remote("1"))
    speaker.endpoint.be_silent("0")
    await stage.pass_time(25)
    assert (await speaker.statuses())["0"] == "active"
    await stage.pass_time(10)
    statuses = await speaker.statuses()
    assert statuses.get("0") in ("inactive", None)
    assert statuses["1"] == "active"
    response = await listener.new_tracks(speaker.remote("0"))
    assert "item:" in outcome(response)


async def test_a_connection_that_is_closed(stage):
    """[documented] A session whose connection was closed is over: 410 session_error."""
    speaker = await stage.speaker()
    await speaker.endpoint.hang_up()
    await stage.pass_time(2)
    assert outcome(await speaker.get()) == "410 session_error"


async def test_a_connection_that_is_lost(stage, met, measured):
    """[documented] A session can be reused for 30 s after its connectivity was lost, then it is over."""
    speaker, listener = await stage.speaker(), await stage.enter()
    await listener.receive(speaker.remote("0"))
    clock, began = asyncio.get_running_loop().time, asyncio.get_running_loop().time()
    speaker.endpoint.vanish()
    session = track = 0.0
    for _ in range(60):
        await stage.pass_time(2)
        state = await speaker.get()
        if state.status_code != 200:
            break
        session = clock() - began
        statuses = {one["mid"]: one["status"] for one in state.json().get("tracks", [])}
        track = session if statuses.get("0") == "active" else track
    measured(f"after its last packet the session lived {session:.0f} s, its track {track:.0f} s")
    lived = "30 s and more" if session >= 28 else "less than 30 s"
    tracks = "as long" if track >= session else "shorter"
    met(
        f"lives {lived}, its tracks {tracks}, then {outcome(await speaker.get())}",
        "lives 30 s and more, its tracks as long, then 410 session_error",
    )


async def test_a_network_that_comes_back(stage):
    """[documented] Within 30 s after connectivity was lost a session and its tracks are reused."""
    speaker, listener = await stage.speaker(), await stage.enter()
    (mid,) = await listener.receive(speaker.remote("0"))
    ssrc = next(m.ssrc for m in speaker.endpoint.sections)
    await listener.hears(mid, b"hello")
    speaker.endpoint.vanish()
    await stage.pass_time(25)
    assert await speaker.statuses() == {"0": "active"}
    await speaker.endpoint.come_back()
    await stage.pass_time(1)
    speaker.endpoint.speak("0", b"back", ssrc)
    await listener.hears(mid, b"back")
    assert outcome(await speaker.get()) == "200"


async def test_what_received_from_a_session_that_is_over(stage, met):
    """[seen] A subscription to a session that is over fails alone, or with 410 for the publisher's."""
    speaker, listener = await stage.speaker(), await stage.enter()
    (mid,) = await listener.receive(speaker.remote("0"))
    await speaker.endpoint.hang_up()
    await stage.pass_time(2)
    await listener.hears_nothing(mid)
    response = await listener.new_tracks(speaker.remote("0"))
    met(outcome(response), "200 item:not_found_track_error", "410 session_error")
    assert outcome(await listener.get()) == "200"
