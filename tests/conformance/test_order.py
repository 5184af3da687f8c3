"""Offers and answers of one session: what must wait for what."""

from __future__ import annotations

import asyncio

from tests.cfrealtime.emulator.sdp.endpoint import M
from tests.conformance.stage import Person, Stage, local, outcome


async def asked(stage: Stage) -> tuple[Person, Person, str]:
    """A speaker, and a person who has the service's offer and has not answered it."""
    speaker, person = await stage.speaker(), await stage.enter()
    await stage.pass_time(0.5)
    response = await person.new_tracks(speaker.remote("0"))
    assert outcome(response) == "200"
    return speaker, person, response.json()["sessionDescription"]["sdp"]


async def test_the_first_exchange_needs_no_connection(stage):
    """[documented] The first exchange of a session, publishing or subscribing, needs no connection."""
    _, person, offer = await asked(stage)
    assert (await person.renegotiate(person.endpoint.answer(offer))).status_code == 200
    await person.endpoint.connect(offer)


async def test_a_mutation_while_an_offer_is_open(stage, met):
    """[documented] Calls that overlap an open exchange can be refused with 406."""
    speaker, person, offer = await asked(stage)
    response = await person.new_tracks(speaker.remote("0"))
    met(outcome(response), "406 invalid_session_description", "406 session_error", "200")
    if response.status_code == 200:
        offer = response.json()["sessionDescription"]["sdp"]
    await person.renegotiate(person.endpoint.answer(offer))


async def test_publishing_while_an_offer_is_open(stage, met):
    """[documented] An offer of the endpoint while the service's is open can be refused with 406."""
    _, person, _ = await asked(stage)
    description = {"type": "offer", "sdp": person.endpoint.offer(M("audio", "0", ssrc=1000))}
    response = await person.new_tracks(local("0", "mine"), sessionDescription=description)
    met(outcome(response), "406 invalid_session_description", "406 session_error", "200")


async def test_a_forced_close_while_an_offer_is_open(stage, met):
    """[unproven] A forced close completes no exchange; whether it is accepted during one is open."""
    _, person, offer = await asked(stage)
    mid = person.endpoint.answer(offer).split("a=mid:")[1].split("\r\n")[0]
    response = await person.force_close(mid)
    met(outcome(response), "200", "406 invalid_session_description", "200 item:close_track_error")


async def test_an_answer_that_nobody_asked_for(stage, met):
    """[documented] An answer out of order is an invalid_session_description, often under 406."""
    speaker = await stage.speaker()
    response = await speaker.renegotiate(speaker.endpoint.offer(), "answer")
    assert response.is_client_error
    met(outcome(response), "406 invalid_session_description", "400 invalid_session_description")


async def test_an_answer_that_is_repeated(stage, met):
    """[seen] A repeated answer can fail although the first was accepted."""
    _, person, offer = await asked(stage)
    text = person.endpoint.answer(offer)
    assert (await person.renegotiate(text)).status_code == 200
    await person.endpoint.connect(offer)
    met(outcome(await person.renegotiate(text)), "406 invalid_session_description", "200")


async def test_renegotiating_with_an_offer(stage, met):
    """[unproven] Whether renegotiate takes an offer of the endpoint."""
    speaker = await stage.speaker()
    response = await speaker.renegotiate(speaker.endpoint.offer(), "offer")
    how = "answered" if "sessionDescription" in response.json() else "not answered"
    met(
        f"{outcome(response)}, {how}",
        "406 invalid_session_description, not answered",
        "400 invalid_params, not answered",
        "200, answered",
        "200, not answered",
    )


async def test_an_answer_that_takes_nothing(stage, met):
    """[unproven] An answer that refuses every section of the service's offer."""
    _, person, offer = await asked(stage)
    response = await person.renegotiate(person.endpoint.answer(offer, refuse=True))
    met(outcome(response), "200", "406 invalid_session_description")


async def test_what_needs_a_connection_waits_for_it(stage, met):
    """[documented] What needs a connection waits up to 5 s for it and then fails with 425 session_error."""
    speaker, person, offer = await asked(stage)
    assert (await person.renegotiate(person.endpoint.answer(offer))).status_code == 200
    calling = asyncio.create_task(person.new_tracks(speaker.remote("0")))
    await asyncio.sleep(0.2)
    assert not calling.done()
    await stage.pass_time(6)
    met(outcome(await calling), "425 session_error")


async def test_publishing_more_before_the_connection(stage, met):
    """[unproven] Whether a second publication waits for the connection that the first one makes."""
    person = await stage.enter()
    for mid in ("0", "1"):
        offer = {"type": "offer", "sdp": person.endpoint.offer(M("audio", mid, ssrc=1000 + int(mid)))}
        calling = asyncio.create_task(person.new_tracks(local(mid, f"it-{mid}"), sessionDescription=offer))
        await asyncio.sleep(0.2)
        held = not calling.done()
        await stage.pass_time(6 if held else 0)
        response = await calling
    met(f"{'held, ' if held else ''}{outcome(response)}", "200", "held, 200", "held, 425 session_error")


async def test_sessions_proceed_independently(stage):
    """[documented] An open exchange of one session keeps no other one waiting."""
    speaker, _, _ = await asked(stage)
    other = await stage.enter()
    (mid,) = await other.receive(speaker.remote("0"))
    await other.hears(mid, b"hello")


async def test_other_credentials_of_ice(stage, met):
    """[unproven] An offer that restarts ICE: what is answered, and whether media go on."""
    speaker, listener = await stage.speaker(b"goes on"), await stage.enter()
    (mid,) = await listener.receive(speaker.remote("0"))
    await listener.hears(mid, b"goes on")
    speaker.endpoint.restart()
    offer = {"type": "offer", "sdp": speaker.endpoint.offer(M("audio", "1", ssrc=9000))}
    response = await speaker.new_tracks(local("1", "more"), sessionDescription=offer)
    if outcome(response) != "200":
        met(outcome(response), "406 invalid_session_description", "400 invalid_session_description")
        return
    answered = response.json()["sessionDescription"]["sdp"]
    how = "other credentials" if speaker.endpoint.restarted(answered) else "the same credentials"
    before = listener.endpoint.words[mid].total()
    await stage.pass_time(35)
    goes_on = listener.endpoint.words[mid].total() > before
    alive = outcome(await speaker.get())
    met(
        f"{how}, media {'go on' if goes_on else 'stop'}, the session is {alive}",
        *(
            f"{words} credentials, media {media}, the session is {state}"
            for words in ("other", "the same")
            for media in ("go on", "stop")
            for state in ("200", "410 session_error")
        ),
    )
