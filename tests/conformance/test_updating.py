"""tracks/update: to another publication, and too early."""

from __future__ import annotations

from tests.cfrealtime.emulator.sdp.endpoint import M
from tests.conformance.stage import outcome


async def test_pointing_a_section_at_another_publication(stage, met):
    """[unproven] A receiving mid can be pointed at another publication without renegotiation."""
    alice, bob, listener = await stage.speaker(b"alice"), await stage.speaker(b"bob"), await stage.enter()
    (mid,) = await listener.receive(alice.remote("0"))
    await listener.hears(mid, b"alice")
    await stage.pass_time(1)
    response = await listener.update(bob.remote("0", mid=mid))
    met(outcome(response), "200", "200 item:update_track_error", "400 update_track_error")
    if outcome(response) == "200":
        assert response.json().get("requiresImmediateRenegotiation") is not True
        await listener.hears(mid, b"bob")


async def test_an_update_right_after_the_subscription(stage, met):
    """[seen] update_track_error comes back for some hundred milliseconds until media flows."""
    person, listener = await stage.enter(), await stage.enter()
    assert outcome(await person.publish(M("video", "0", ssrc=1000))) == "200"
    person.endpoint.film("0", {"": 1000})
    (mid,) = await listener.receive(person.remote("0"))
    response = await listener.update(person.remote("0", mid=mid, simulcast={"preferredRid": "h"}))
    met(outcome(response), "200", "200 item:update_track_error", "400 update_track_error")


async def test_an_update_of_nothing(stage, met):
    """[documented] A mid that receives nothing cannot be updated."""
    speaker, listener = await stage.speaker(), await stage.enter()
    await listener.receive(speaker.remote("0"))
    await stage.pass_time(1)
    response = await listener.update(speaker.remote("0", mid="nowhere"))
    met(outcome(response), "200 item:update_track_error", "400 update_track_error", "400 invalid_params")


async def test_an_update_to_what_is_not_there(stage, met):
    """[unproven] Pointing a mid at a track that does not exist."""
    speaker, listener = await stage.speaker(b"still"), await stage.enter()
    (mid,) = await listener.receive(speaker.remote("0"))
    await listener.hears(mid, b"still")
    await stage.pass_time(1)
    response = await listener.update({**speaker.remote("0", mid=mid), "trackName": "nothing"})
    met(outcome(response), "200 item:not_found_track_error", "200 item:update_track_error")
    await listener.hears(mid, b"still")
