"""Subscribing: what is found, what fails alone, and what reaches the endpoint."""

from __future__ import annotations

import asyncio

import pytest

from tests.cfrealtime.emulator.sdp.endpoint import M
from tests.conformance.stage import outcome


async def test_a_subscription_brings_media(stage):
    """[documented] A subscription is offered, answered by renegotiate, and its packets arrive in order."""
    speaker, listener = await stage.speaker(b"words"), await stage.enter()
    (mid,) = await listener.receive(speaker.remote("0"))
    await listener.hears(mid, b"words", 20)
    assert listener.endpoint.steps(mid) == {1}


async def test_entries_may_name_different_publishers(stage):
    """[documented] The entries of one call may name different publishers."""
    alice, bob, listener = await stage.speaker(b"alice"), await stage.speaker(b"bob"), await stage.enter()
    first, second = await listener.receive(alice.remote("0"), bob.remote("0"))
    assert first != second
    await listener.hears(first, b"alice")
    await listener.hears(second, b"bob")


async def test_a_session_publishes_and_receives_at_once(stage):
    """[documented] One session can publish and receive at the same time."""
    alice, bob = await stage.speaker(b"alice"), await stage.speaker(b"bob")
    for person, other, word in ((alice, bob, b"bob"), (bob, alice, b"alice")):
        (mid,) = await person.receive(other.remote("0"))
        await person.hears(mid, word)


async def test_the_same_track_twice(stage, met):
    """[unproven] Whether one session may subscribe to the same track twice."""
    speaker, listener = await stage.speaker(), await stage.enter()
    await listener.receive(speaker.remote("0"))
    await stage.pass_time(0.5)
    response = await listener.new_tracks(speaker.remote("0"))
    met(outcome(response), "200", "200 item:repeated_local_track_error")
    if outcome(response) == "200":
        await listener.answer(response)


async def test_a_publisher_that_does_not_exist(stage, met):
    """[documented] Nobody under a session's id is a not_found_track_error of the item."""
    listener = await stage.enter()
    track = {"location": "remote", "sessionId": "0" * 32, "trackName": "it"}
    response = await listener.new_tracks(track)
    known = ("200 item:not_found_track_error", "404 not_found_track_error", "410 session_error")
    met(outcome(response), *known)


async def test_a_call_of_which_nothing_succeeds(stage):
    """[documented] Every item failed: a normal answer, no SDP, no renegotiation."""
    speaker, listener = await stage.speaker(), await stage.enter()
    response = await listener.new_tracks({**speaker.remote("0"), "trackName": "nothing"})
    assert outcome(response) == "200 item:not_found_track_error"
    assert "sessionDescription" not in response.json()
    assert response.json().get("requiresImmediateRenegotiation") is not True


async def test_the_mid_of_a_failed_item(stage, met):
    """[seen] A failed item has an empty mid, which must not enter any record."""
    speaker, listener = await stage.speaker(), await stage.enter()
    response = await listener.new_tracks({**speaker.remote("0"), "trackName": "nothing"})
    (item,) = response.json()["tracks"]
    met("no mid" if item.get("mid") is None else f"mid {item['mid']!r}", "no mid", "mid ''")


async def test_what_succeeds_is_kept(stage):
    """[documented] A 200 can carry failed items; the others are kept."""
    speaker, listener = await stage.speaker(b"kept"), await stage.enter()
    await stage.pass_time(0.5)
    response = await listener.new_tracks(speaker.remote("0"), {**speaker.remote("0"), "trackName": "nothing"})
    assert outcome(response) == "200 item:not_found_track_error"
    good, bad = response.json()["tracks"]
    assert "errorCode" not in good
    assert bad["errorCode"] == "not_found_track_error"
    await listener.answer(response)
    await listener.hears(good["mid"], b"kept")


async def test_a_publisher_that_sends_nothing(stage, met, measured):
    """[documented] A silent publisher is an empty_track_error, for which the call is held more than 8 s."""
    person, listener = await stage.enter(), await stage.enter()
    assert outcome(await person.publish(M("audio", "0", ssrc=1000))) == "200"
    clock = asyncio.get_running_loop().time
    began, ended = clock(), asyncio.Event()

    async def call():
        response = await listener.new_tracks(person.remote("0"))
        ended.set()
        return response, clock() - began

    calling = asyncio.create_task(call())
    for _ in range(100):
        if ended.is_set():
            break
        await stage.pass_time(0.5)
    response, held = await calling
    measured(f"held for {held:.0f} s")
    met(
        f"{outcome(response)}, held {'more than 8 s' if held > 8 else 'less'}",
        "200 item:empty_track_error, held more than 8 s",
        "200 item:not_found_track_error, held more than 8 s",
        "404 empty_track_error, held more than 8 s",
    )


async def test_a_publisher_that_begins_while_the_call_waits(stage, met):
    """[unproven] A subscription that waits for packets succeeds when they come."""
    person, listener = await stage.enter(), await stage.enter()
    assert outcome(await person.publish(M("audio", "0", ssrc=1000))) == "200"
    calling = asyncio.create_task(listener.new_tracks(person.remote("0")))
    await asyncio.sleep(0.3)
    person.endpoint.speak("0", b"late", 1000)
    response = await calling
    met(outcome(response), "200", "200 item:empty_track_error", "200 item:not_found_track_error")
    if outcome(response) == "200":
        await listener.answer(response)
        await listener.hears(response.json()["tracks"][0]["mid"], b"late")


async def test_a_failed_item_is_the_entry_of_the_next_request(stage, met):
    """[seen] An item of an answer is taken as an entry of the next request, as it came."""
    person, listener = await stage.enter(), await stage.enter()
    assert outcome(await person.publish(M("audio", "0", ssrc=1000))) == "200"
    calling = asyncio.create_task(listener.new_tracks(person.remote("0")))
    while not calling.done():
        await stage.pass_time(0.5)
    (item,) = (await calling).json()["tracks"]
    assert item["errorCode"]
    person.endpoint.speak("0", b"begun", 1000)
    await stage.pass_time(1)
    response = await listener.new_tracks(item)
    met(outcome(response), "200")
    await listener.answer(response)
    await listener.hears(response.json()["tracks"][0]["mid"], b"begun")


@pytest.mark.parametrize("operation", ["update", "close"])
async def test_an_item_that_succeeded_is_an_entry(stage, met, operation):
    """[seen] The item of a subscription is taken as the entry of an update or a close, as it came."""
    speaker, listener = await stage.speaker(), await stage.enter()
    await stage.pass_time(0.5)
    response = await listener.new_tracks(speaker.remote("0"))
    await listener.answer(response)
    (item,) = response.json()["tracks"]
    await listener.hears(item["mid"], b"hello")
    await stage.pass_time(1)
    more = {"force": True} if operation == "close" else {}
    met(outcome(await listener.call("PUT", f"tracks/{operation}", {"tracks": [item], **more})), "200")


async def test_more_than_one_listener(stage):
    """[documented] A publication can be received by many sessions."""
    speaker = await stage.speaker(b"all")
    listeners = [await stage.enter() for _ in range(3)]
    mids = [await listener.receive(speaker.remote("0")) for listener in listeners]
    for listener, (mid,) in zip(listeners, mids, strict=True):
        await listener.hears(mid, b"all")
