"""What silence, lost networks and closed connections do."""

from __future__ import annotations

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


async def test_a_connection_that_is_lost(stage, met):
    """[documented] A session can be reused for 30 s after its connectivity was lost, then it is over."""
    speaker, listener = await stage.speaker(), await stage.enter()
    await listener.receive(speaker.remote("0"))
    speaker.endpoint.vanish()
    await stage.pass_time(20)
    soon = outcome(await speaker.get())
    await stage.pass_time(60)
    later = outcome(await speaker.get())
    met(f"after 20 s: {soon}, after 80 s: {later}", "after 20 s: 200, after 80 s: 410 session_error")


async def test_the_tracks_of_a_connection_that_is_lost(stage, met):
    """[documented] A session's tracks can be reused for 30 s after its connectivity was lost."""
    speaker = await stage.speaker()
    speaker.endpoint.vanish()
    await stage.pass_time(25)
    assert await speaker.statuses() == {"0": "active"}
    await stage.pass_time(10)  # without packets for longer than a connected publisher may be
    response = await speaker.get()
    statuses = {track["status"] for track in response.json().get("tracks", [])}
    met(f"after 35 s: {' '.join([outcome(response), *statuses])}", *(f"after 35 s: {one}" for one in LOST))


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
