"""Closing: by force and with an offer, on the side of publishers and of listeners."""

from __future__ import annotations

import asyncio

from tests.cfrealtime.emulator.sdp.endpoint import M
from tests.conformance.stage import Person, local, outcome


async def test_closing_a_publishers_section_stops_it_for_everyone(stage):
    """[documented] Closing a publisher's mid stops the source for everyone; by force it needs no SDP."""
    speaker = await stage.speaker()
    listeners = [await stage.enter(), await stage.enter()]
    mids = [(await listener.receive(speaker.remote("0")))[0] for listener in listeners]
    for listener, mid in zip(listeners, mids, strict=True):
        await listener.hears(mid, b"hello")
    response = await speaker.force_close("0")
    assert outcome(response) == "200"
    assert "sessionDescription" not in response.json()
    assert response.json().get("requiresImmediateRenegotiation") is not True
    for listener, mid in zip(listeners, mids, strict=True):
        await listener.hears_nothing(mid)


async def test_closing_a_listeners_section_stops_that_copy(stage):
    """[documented] Closing a subscriber's mid stops that copy only."""
    speaker = await stage.speaker()
    gone, stays = await stage.enter(), await stage.enter()
    (closed,), (open_,) = await gone.receive(speaker.remote("0")), await stays.receive(speaker.remote("0"))
    await gone.hears(closed, b"hello")
    assert outcome(await gone.force_close(closed)) == "200"
    await gone.hears_nothing(closed)
    await stays.hears(open_, b"hello")


async def test_closing_with_an_offer_is_answered(stage):
    """[documented] Without force a close needs the endpoint's offer and is answered; no renegotiation."""
    person, listener = await stage.speaker(b"stays"), await stage.enter()
    assert outcome(await person.publish(M("audio", "1", ssrc=9000))) == "200"
    person.endpoint.speak("1", b"goes", 9000)
    stays, goes = await listener.receive(person.remote("0"), person.remote("1"))
    await listener.hears(goes, b"goes")
    response = await person.close_with_offer(["1"])
    assert outcome(response) == "200"
    assert response.json()["sessionDescription"]["type"] == "answer"
    assert response.json().get("requiresImmediateRenegotiation") is not True
    await listener.hears_nothing(goes)
    await listener.hears(stays, b"stays")


async def test_a_close_lists_more_than_its_offer_stops(stage, met):
    """[seen] A negotiated close may list several mids while its offer stops only some of them."""
    person = await stage.speaker()
    assert outcome(await person.publish(M("audio", "1", ssrc=9000), M("audio", "2", ssrc=9100))) == "200"
    response = await person.close_with_offer(["1", "2"], stop=["1"])
    met(outcome(response), "200", "200 item:close_track_error")


async def test_what_is_closed_already(stage, met):
    """[documented] Closing what is closed or absent is a close_track_error: cleanup is satisfied."""
    speaker = await stage.speaker()
    assert outcome(await speaker.force_close("0")) == "200"
    again, absent = await speaker.force_close("0"), await speaker.force_close("nowhere")
    known = ("200 item:close_track_error", "200")
    met(
        f"again: {outcome(again)}, absent: {outcome(absent)}",
        *(f"again: {a}, absent: {b}" for a in known for b in known),
    )


async def test_a_closed_track_is_listed_as_inactive_or_not_at_all(stage, met):
    """[documented] A forced close can leave a record that is listed as inactive."""
    speaker, listener = await stage.speaker(), await stage.enter()
    (mid,) = await listener.receive(speaker.remote("0"))
    assert outcome(await speaker.force_close("0")) == "200"
    known = ("inactive", "not listed")
    published = (await speaker.statuses()).get("0", "not listed")
    received = (await listener.statuses()).get(mid, "not listed")
    met(
        f"published: {published}, received: {received}",
        *(f"published: {a}, received: {b}" for a in known for b in known),
    )


async def test_a_track_that_is_open_is_listed_as_active(stage):
    """[documented] Tracks that are published or received are listed as active."""
    speaker, listener = await stage.speaker(), await stage.enter()
    (mid,) = await listener.receive(speaker.remote("0"))
    assert await speaker.statuses() == {"0": "active"}
    assert await listener.statuses() == {mid: "active"}


async def test_negotiating_the_last_section_away(stage, met):
    """[seen] Negotiating away the last live media section closes the transport: 410 afterwards."""
    speaker = await stage.speaker()
    speaker.endpoint.be_silent()
    response = await speaker.close_with_offer(["0"])
    assert response.status_code == 200
    await stage.pass_time(1)
    met(f"afterwards: {outcome(await speaker.get())}", "afterwards: 410 session_error", "afterwards: 200")


async def test_closing_the_last_section_by_force(stage):
    """[seen] Closing the last section by force leaves the session usable."""
    speaker = await stage.speaker()
    assert outcome(await speaker.force_close("0")) == "200"
    await stage.pass_time(1)
    assert outcome(await speaker.get()) == "200"
    response = await speaker.publish(M("audio", "1", ssrc=9000))
    assert outcome(response) == "200"


async def again(stage, speaker: Person, mid: str, word: bytes) -> str:
    """What becomes of a publication in the place of an earlier one, by the endpoint's offer as it is."""
    listener = await stage.enter()
    offer = {"type": "offer", "sdp": speaker.endpoint.offer()}
    response = await speaker.new_tracks(local(mid, "again"), sessionDescription=offer)
    if outcome(response) != "200":
        return outcome(response)
    speaker.endpoint.speak(mid, word, 9000)
    await stage.pass_time(1)
    subscribing = asyncio.create_task(listener.new_tracks({**speaker.remote(mid), "trackName": "again"}))
    while not subscribing.done():
        await stage.pass_time(0.5)
    subscribed = await subscribing
    if outcome(subscribed) != "200":
        return "accepted, and delivers nothing"
    await listener.answer(subscribed)
    await listener.hears(subscribed.json()["tracks"][0]["mid"], word)
    return "accepted, and delivers"


AGAIN = (
    "accepted, and delivers",
    "accepted, and delivers nothing",
    "200 item:repeated_local_track_error",
    "406 invalid_session_description",
)


async def test_publishing_again_on_a_section_closed_by_force(stage, met):
    """[seen] Publishing again on a force-closed mid is accepted, and delivers nothing."""
    speaker, listener = await stage.enter(), await stage.enter()
    assert outcome(await speaker.publish(M("audio", "0", ssrc=9000))) == "200"
    speaker.endpoint.speak("0", b"before", 9000)
    (mid,) = await listener.receive(speaker.remote("0"))
    await listener.hears(mid, b"before")
    assert outcome(await speaker.force_close("0")) == "200"
    speaker.endpoint.be_silent()
    met(await again(stage, speaker, "0", b"after"), *AGAIN)


async def test_publishing_again_on_a_section_closed_with_an_offer(stage, met):
    """[unproven] Publishing again on a mid that was closed with an offer that made it inactive."""
    speaker = await stage.speaker()
    assert outcome(await speaker.publish(M("audio", "1", ssrc=9000))) == "200"
    speaker.endpoint.turn("1", "inactive")
    assert outcome(await speaker.close_with_offer(["1"], stop=[])) == "200"
    speaker.endpoint.turn("1", "sendonly")
    met(await again(stage, speaker, "1", b"anew"), *AGAIN)


async def test_publishing_again_on_a_section_that_a_negotiated_close_left(stage, met):
    """[unproven] Publishing again on a mid that was closed with an offer that left it as it was."""
    speaker = await stage.speaker()
    assert outcome(await speaker.publish(M("audio", "1", ssrc=9000))) == "200"
    assert outcome(await speaker.close_with_offer(["1"], stop=[])) == "200"
    met(await again(stage, speaker, "1", b"anew"), *AGAIN)


async def test_publishing_in_the_place_of_a_stopped_section(stage, met):
    """[unproven] A new mid in the place of a section that was closed and stopped, as browsers do it."""
    speaker = await stage.speaker()
    assert outcome(await speaker.publish(M("audio", "1", ssrc=8000))) == "200"
    assert outcome(await speaker.close_with_offer(["1"])) == "200"
    speaker.endpoint.recycle("1", M("audio", "2", ssrc=9000))
    met(await again(stage, speaker, "2", b"recycled"), *AGAIN)


async def test_a_close_of_nothing(stage, met):
    """[documented] A close names at least one track."""
    speaker = await stage.speaker()
    response = await speaker.call("PUT", "tracks/close", {"tracks": [], "force": True})
    assert response.is_client_error
    met(outcome(response), "400 invalid_params", "400 decoding_error", "406 invalid_params")


async def test_a_close_without_force_and_without_an_offer(stage, met):
    """[documented] Without force a close needs an offer."""
    speaker = await stage.speaker()
    response = await speaker.call("PUT", "tracks/close", {"tracks": [{"mid": "0"}], "force": False})
    assert response.is_client_error
    met(
        outcome(response),
        "400 invalid_params",
        "406 invalid_session_description",
        "400 decoding_error",
        "400 invalid_session_description",
    )


async def test_a_negotiated_close_of_which_an_item_fails(stage):
    """[documented] Without force the offer is answered even if items failed."""
    person = await stage.speaker()
    assert outcome(await person.publish(M("audio", "1", ssrc=9000))) == "200"
    response = await person.close_with_offer(["1", "nowhere"], stop=["1"])
    assert outcome(response) == "200 item:close_track_error"
    assert response.json()["sessionDescription"]["type"] == "answer"
