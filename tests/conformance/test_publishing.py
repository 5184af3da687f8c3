"""Publishing: with an offer, without one, and what an entry may say."""

from __future__ import annotations

import asyncio

import pytest

from tests.cfrealtime.emulator.sdp.endpoint import M, blocks, payload_types
from tests.conformance.endpoint import TELEPHONE
from tests.conformance.stage import local, outcome


async def test_publishing_with_an_offer_is_answered(stage):
    """[documented] Publishing with the endpoint's offer is answered, and the connection comes up with it."""
    person = await stage.enter()
    response = await person.publish(M("audio", "0", ssrc=1000), M("video", "1", ssrc=2000))
    body = response.json()
    assert outcome(response) == "200"
    assert body["sessionDescription"]["type"] == "answer"
    assert body.get("requiresImmediateRenegotiation") is not True
    assert [(track["mid"], track["trackName"]) for track in body["tracks"]] == [
        ("0", "track-0"),
        ("1", "track-1"),
    ]


@pytest.mark.parametrize("codec", ["VP8", "H264", "H265", "VP9", "AV1"])
async def test_codecs_of_video(stage, codec):
    """[documented] H264, H265, VP8, VP9 and AV1 are taken for video."""
    person = await stage.enter()
    response = await person.publish(M("video", "0", ssrc=1000, codecs=frozenset([codec])))
    assert outcome(response) == "200"
    answered = blocks(response.json()["sessionDescription"]["sdp"])[0]
    assert codec in payload_types(answered)


async def test_opus_is_taken(stage):
    """[documented] Opus is taken for audio, under the endpoint's own number."""
    person = await stage.enter()
    response = await person.publish(M("audio", "0", ssrc=1000))
    assert payload_types(blocks(response.json()["sessionDescription"]["sdp"])[0])["opus"] == 111


@pytest.mark.parametrize("codec", TELEPHONE)
async def test_old_codecs_of_sound(stage, codec):
    """[documented] PCMU and PCMA are taken for audio, and reach a subscriber that takes them."""
    person, listener = await stage.enter(), await stage.enter()
    response = await person.publish(M("audio", "0", ssrc=1000, codecs=frozenset([codec])))
    assert outcome(response) == "200"
    assert codec in payload_types(blocks(response.json()["sessionDescription"]["sdp"])[0])
    person.endpoint.speak("0", b"ring", 1000, TELEPHONE[codec])
    (mid,) = await listener.receive(person.remote("0"))
    await listener.hears(mid, b"ring")


async def test_a_publication_right_after_the_first(stage, met):
    """[unproven] A second publication before the connection of the first one stands."""
    person = await stage.enter()
    first = {"type": "offer", "sdp": person.endpoint.offer(M("audio", "0", ssrc=1000))}
    assert outcome(await person.new_tracks(local("0", "first"), sessionDescription=first)) == "200"
    second = {"type": "offer", "sdp": person.endpoint.offer(M("audio", "1", ssrc=2000))}
    calling = asyncio.create_task(person.new_tracks(local("1", "second"), sessionDescription=second))
    await asyncio.sleep(0.2 * stage.target.patience)
    waits = not calling.done()
    await stage.pass_time(8)
    known = ("at once, 200", "waits, 200", "waits, 425 session_error", "at once, 425 session_error")
    met(f"{'waits' if waits else 'at once'}, {outcome(await calling)}", *known)


async def test_tracks_are_discovered(stage):
    """[documented] `autoDiscover` gives every new track of the offer a name; `tracks` is not needed."""
    person = await stage.enter()
    offer = {"type": "offer", "sdp": person.endpoint.offer(M("audio", "0", ssrc=1), M("video", "1", ssrc=3))}
    body = {"sessionDescription": offer, "autoDiscover": True}
    response = await person.call("POST", "tracks/new", body)
    assert outcome(response) == "200"
    names = {track["mid"]: track["trackName"] for track in response.json()["tracks"]}
    assert names.keys() == {"0", "1"}
    assert names["0"] != names["1"]
    await person.endpoint.connect(response.json()["sessionDescription"]["sdp"])


async def test_publishing_when_asked(stage):
    """[documented] Publishing without an offer makes the service offer; answered, the track lives."""
    person, listener = await stage.enter(), await stage.enter()
    entry = {"location": "local", "trackName": person.track("invited"), "kind": "audio"}
    response = await person.new_tracks(entry)
    assert outcome(response) == "200"
    await person.answer(response)
    mid = response.json()["tracks"][0]["mid"]
    assert mid
    person.endpoint.speak(mid, b"invited", 4000)
    (heard,) = await listener.receive(person.remote("invited"))
    await listener.hears(heard, b"invited")


async def test_publishing_when_asked_needs_a_kind(stage, met):
    """[documented] Without an offer an entry needs `kind`."""
    person = await stage.enter()
    response = await person.new_tracks({"location": "local", "trackName": "invited"})
    assert response.is_client_error
    met(outcome(response), "400 invalid_params", "400 decoding_error", "406 invalid_params")


async def test_a_call_is_all_local_or_all_remote(stage, met):
    """[documented] One call is all-local or all-remote; how a mixture is refused is not told."""
    speaker, person = await stage.speaker(), await stage.enter()
    offer = {"type": "offer", "sdp": person.endpoint.offer(M("audio", "0", ssrc=1000))}
    entries = [local("0", "mine"), speaker.remote("0")]
    response = await person.new_tracks(*entries, sessionDescription=offer)
    assert not response.is_success or "item:" in outcome(response)
    met(outcome(response), "400 invalid_params", "406 invalid_params", "400 decoding_error")


async def test_more_tracks_than_a_call_may_have(stage, met):
    """[documented] A call has at most 64 entries; how more are refused is not told."""
    person = await stage.enter()
    entries = [{"location": "local", "trackName": f"t{n}", "kind": "audio"} for n in range(65)]
    response = await person.new_tracks(*entries)
    assert response.is_client_error
    met(outcome(response), "400 invalid_params", "406 invalid_params", "400 decoding_error")


async def test_a_name_that_is_taken(stage, met):
    """[documented] A track name of the session that is published already is a repeated_local_track_error."""
    speaker = await stage.speaker()
    sections = [M("audio", "1", ssrc=5000), M("audio", "2", ssrc=6000)]
    offer = {"type": "offer", "sdp": speaker.endpoint.offer(*sections)}
    tracks = [local("1", speaker.track("0")), local("2", speaker.track("2"))]
    response = await speaker.new_tracks(*tracks, sessionDescription=offer)
    code = "repeated_local_track_error"
    met(outcome(response), f"200 item:{code}", f"400 {code}", f"406 {code}")


async def test_an_offer_of_which_nothing_succeeds(stage, met):
    """[unproven] Whether an offer is answered although every item of the call failed."""
    speaker = await stage.speaker()
    offer = {"type": "offer", "sdp": speaker.endpoint.offer(M("audio", "1", ssrc=5000))}
    response = await speaker.new_tracks(local("1", speaker.track("0")), sessionDescription=offer)
    if response.status_code != 200:
        met("refused as a whole", "refused as a whole")
    else:
        met(
            "answered" if "sessionDescription" in response.json() else "not answered",
            "answered",
            "not answered",
        )


async def test_an_entry_without_a_section(stage, met):
    """[unproven] What an entry is answered whose mid the offer does not have."""
    person = await stage.enter()
    offer = {"type": "offer", "sdp": person.endpoint.offer(M("audio", "0", ssrc=1000))}
    response = await person.new_tracks(local("7", "nowhere"), sessionDescription=offer)
    met(
        outcome(response),
        "400 invalid_params",
        "406 invalid_params",
        "406 invalid_session_description",
        "200 item:invalid_params",
        "200 item:not_found_track_error",
        "200 item:invalid_session_description",
    )


async def test_a_description_that_is_none(stage, met):
    """[documented] Bad SDP is an invalid_session_description, often under 406."""
    person = await stage.enter()
    response = await person.new_tracks(local("0", "it"), sessionDescription={"type": "offer", "sdp": "v=0"})
    assert response.is_client_error
    met(outcome(response), "406 invalid_session_description", "400 invalid_session_description")


async def test_both_ways_with_the_endpoints_offer(stage, met):
    """[unproven] bidirectionalMediaStream, meant for the service's offers, with one of the endpoint."""
    person = await stage.enter()
    section = M("audio", "0", "sendrecv", ssrc=1000)
    tracks = [local("0", "both", bidirectionalMediaStream=True)]
    response = await person.publish(section, tracks=tracks)
    met(outcome(response), "200", "400 invalid_params", "406 invalid_params")


async def test_both_ways_with_the_services_offer(stage, met):
    """[unproven] What a subscription on `mid: "#name"` of a section that goes both ways is answered."""
    speaker, person = await stage.speaker(b"echo"), await stage.enter()
    entry = {"location": "local", "trackName": "both", "kind": "audio", "bidirectionalMediaStream": True}
    published = await person.new_tracks(entry)
    assert outcome(published) == "200"
    await person.answer(published)
    await stage.pass_time(1)
    response = await person.new_tracks(speaker.remote("0", mid="#both"))
    body = response.json()
    how = "renegotiation" if body.get("requiresImmediateRenegotiation") else "no renegotiation"
    met(
        f"{outcome(response)}, {how}",
        "200, no renegotiation",
        "200, renegotiation",
        "400 invalid_params, no renegotiation",
        "406 invalid_params, no renegotiation",
    )
    if outcome(response) == "200" and how == "no renegotiation":
        assert body["tracks"][0]["mid"] == published.json()["tracks"][0]["mid"]
        await person.hears(body["tracks"][0]["mid"], b"echo")


async def test_closing_a_section_that_goes_both_ways(stage):
    """[documented] Closing a bidirectional mid stops both ways."""
    speaker, person, listener = await stage.speaker(b"in"), await stage.enter(), await stage.enter()
    entry = {"location": "local", "trackName": person.track("both"), "kind": "audio"}
    published = await person.new_tracks({**entry, "bidirectionalMediaStream": True})
    await person.answer(published)
    mid = published.json()["tracks"][0]["mid"]
    person.endpoint.speak(mid, b"out", 4000)
    (heard,) = await listener.receive(person.remote("both"))
    back = await person.new_tracks(speaker.remote("0", mid=f"#{person.track('both')}"))
    if outcome(back) == "200" and not back.json().get("requiresImmediateRenegotiation"):
        await person.hears(mid, b"in")
    await listener.hears(heard, b"out")
    assert outcome(await person.force_close(mid)) == "200"
    await listener.hears_nothing(heard)
    await person.hears_nothing(mid)
