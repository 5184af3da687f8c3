"""Layers: which one is sent, and what happens where it is missing."""

from __future__ import annotations

import pytest

from tests.cfrealtime.emulator.sdp.endpoint import M
from tests.conformance.stage import Person, Stage, outcome

LAYERS = {"q": 3000, "h": 3002, "f": 3004}


async def camera(stage: Stage, *sends: str) -> Person:
    """Somebody who offers three layers and sends these."""
    person = await stage.enter()
    assert outcome(await person.publish(M("video", "0", rids=tuple(LAYERS)))) == "200"
    person.endpoint.film("0", {rid: LAYERS[rid] for rid in sends})
    return person


@pytest.mark.parametrize("rid", LAYERS)
async def test_the_preferred_layer_is_sent(stage, rid):
    """[documented] A subscriber gets the layer of its `preferredRid`, from a key frame on."""
    person, viewer = await camera(stage, *LAYERS), await stage.enter()
    (mid,) = await viewer.receive(person.remote("0", simulcast={"preferredRid": rid}))
    await viewer.hears(mid, rid.encode(), 10)
    assert viewer.endpoint.words[mid].keys() == {rid.encode()}
    assert viewer.endpoint.pictures[mid][0], "it does not begin with a key frame"


async def test_another_layer_begins_with_a_key_frame_and_goes_on_in_sequence(stage):
    """[documented] tracks/update changes the layer of a receiving mid."""
    person, viewer = await camera(stage, *LAYERS), await stage.enter()
    (mid,) = await viewer.receive(person.remote("0", simulcast={"preferredRid": "q"}))
    await viewer.hears(mid, b"q", 5)
    await stage.pass_time(1)
    response = await viewer.update(person.remote("0", mid=mid, simulcast={"preferredRid": "f"}))
    assert outcome(response) == "200"
    await viewer.hears(mid, b"f", 5)
    assert viewer.endpoint.steps(mid) == {1}
    before = viewer.endpoint.words[mid][b"q"]
    assert viewer.endpoint.pictures[mid][before], "the new layer does not begin with a key frame"


async def test_a_layer_that_is_missing_and_never_switched(stage, met):
    """[documented] `ridNotAvailable: none`, the default, never switches."""
    person, viewer = await camera(stage, "q", "h"), await stage.enter()
    await stage.pass_time(1)
    wish = {"preferredRid": "f", "ridNotAvailable": "none"}
    response = await viewer.new_tracks(person.remote("0", simulcast=wish))
    if outcome(response) != "200":
        met(outcome(response), "200 item:empty_track_error", "200 item:not_found_track_error")
        return
    await viewer.answer(response)
    mid = response.json()["tracks"][0]["mid"]
    await viewer.hears_nothing(mid)
    heard = b" ".join(sorted(viewer.endpoint.words.get(mid, {}))).decode()
    met(f"200, {heard or 'nothing'} is sent", "200, nothing is sent")


async def test_a_layer_that_is_missing_and_replaced(stage):
    """[documented] `ridNotAvailable: asciibetical` falls back to another layer in a-to-z order."""
    person, viewer = await camera(stage, "q", "h"), await stage.enter()
    wish = {"preferredRid": "f", "ridNotAvailable": "asciibetical"}
    (mid,) = await viewer.receive(person.remote("0", simulcast=wish))
    await viewer.hears(mid, b"h", 10)
    assert viewer.endpoint.words[mid].keys() == {b"h"}


async def test_a_listener_without_a_wish(stage, met):
    """[unproven] Which layer is sent to a subscriber that has said nothing."""
    person, viewer = await camera(stage, *LAYERS), await stage.enter()
    (mid,) = await viewer.receive(person.remote("0"))
    await stage.until(
        lambda: viewer.endpoint.words.get(mid, {}).total() >= 10 if mid in viewer.endpoint.words else False
    )
    met(max(viewer.endpoint.words[mid].items(), key=lambda item: item[1])[0].decode(), *LAYERS)
