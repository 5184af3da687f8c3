"""Data channels over SCTP: their transport, who speaks, who may answer, and when they end."""

from __future__ import annotations

import asyncio

import pytest

from tests.cfrealtime.emulator.sdp.endpoint import M
from tests.conformance.stage import Person, Stage, outcome

DATA = M("application", "0", "sendrecv")
TRANSPORT = {"dataChannel": {"location": "remote", "dataChannelName": "server-events"}}


async def connected(stage: Stage) -> Person:
    """Somebody whose transport for data channels is up."""
    person = await stage.enter()
    description = {"type": "offer", "sdp": person.endpoint.offer(DATA)}
    response = await person.call(
        "POST", "datachannels/establish", {**TRANSPORT, "sessionDescription": description}
    )
    assert outcome(response) == "200", outcome(response)
    await person.endpoint.connect(response.json()["sessionDescription"]["sdp"])
    await person.endpoint.associate()
    await stage.until(lambda: person.endpoint.sctp.state == "connected")
    return person


async def new(person: Person, *entries: dict):
    return await person.call("POST", "datachannels/new", {"dataChannels": list(entries)})


def told(name: str, **fields: object) -> dict:
    return {"location": "local", "dataChannelName": name, **fields}


def heard(person: Person, name: str, **fields: object) -> dict:
    return {"location": "remote", "sessionId": person.id, "dataChannelName": name, **fields}


async def opened(person: Person, entry: dict, into: list, **delivery: object):
    """A channel that is allocated, and open at the endpoint."""
    response = await new(person, entry)
    assert outcome(response) == "200", outcome(response)
    channel = person.endpoint.channel(response.json()["dataChannels"][0]["id"], into, **delivery)
    await person.stage.until(lambda: channel.readyState == "open")
    return channel


async def pair(stage: Stage, *, said: dict | None = None, asked: dict | None = None):
    """A speaker and a listener with one channel, and what each hears."""
    speaker, listener = await connected(stage), await connected(stage)
    at_speaker, at_listener = [], []
    mouth = await opened(speaker, told("chat", **(said or {})), at_speaker)
    ear = await opened(listener, heard(speaker, "chat", **(asked or {})), at_listener)
    return speaker, listener, mouth, ear, at_speaker, at_listener


async def test_a_transport_by_the_endpoints_offer(stage):
    """[documented] establish with an offer of m=application is answered; the service opens its channel."""
    person = await connected(stage)
    await stage.until(lambda: [c.label for c in person.endpoint.announced] == ["server-events"])


async def test_a_transport_by_the_services_offer(stage):
    """[documented] establish without SDP makes the service offer, with renegotiation required."""
    person = await stage.enter()
    response = await person.call("POST", "datachannels/establish", TRANSPORT)
    assert outcome(response) == "200"
    await person.answer(response)
    await person.endpoint.associate()
    await stage.until(lambda: person.endpoint.sctp.state == "connected")


async def test_a_transport_in_the_first_offer(stage):
    """[documented] The transport can be negotiated with m=application in the first endpoint offer."""
    person = await stage.enter()
    assert outcome(await person.publish(M("audio", "1", ssrc=1000), DATA)) == "200"
    await person.endpoint.associate()
    await stage.until(lambda: person.endpoint.sctp.state == "connected")
    await opened(person, told("chat"), [])


async def test_a_transport_is_established_once(stage, met):
    """[documented] establish is called once; a failed one is a decoding_error."""
    person = await connected(stage)
    response = await person.call("POST", "datachannels/establish", TRANSPORT)
    assert response.is_client_error
    met(outcome(response), "400 decoding_error", "406 decoding_error", "400 repeated_local_track_error")


async def test_channels_need_a_transport(stage, met):
    """[documented] datachannels/new waits for a connected transport, and fails without."""
    person = await stage.enter()

    calling = asyncio.create_task(new(person, told("chat")))
    await asyncio.sleep(0.2)
    await stage.pass_time(6)
    met(outcome(await calling), "425 session_error", "406 session_error", "400 invalid_params")


@pytest.mark.parametrize("message", ["", "text", b"", b"\0binary"])
async def test_messages_travel_from_publisher_to_subscriber(stage, message):
    """[documented] What a publisher says reaches its subscribers, texts and bytes as they were."""
    *_, mouth, _ear, _at_speaker, at_listener = await pair(stage)
    mouth.send(message)
    await stage.until(lambda: at_listener == [message])


@pytest.mark.parametrize("message", ["é" * 131_072, b"\xff" * 262_144], ids=["text", "bytes"])
async def test_the_largest_message(stage, message):
    """[documented] A message of 262,144 bytes reaches the subscribers as it was, be it text or bytes."""
    *_, mouth, _ear, _at_speaker, at_listener = await pair(stage)
    mouth.send(message)
    await stage.until(lambda: len(at_listener) == 1)
    assert at_listener[0] == message


@pytest.mark.parametrize(
    "delivery",
    [
        {"ordered": False},
        {"maxRetransmits": 3},
        {"ordered": False, "maxRetransmits": 0},
        {"maxPacketLifeTime": 2000},
        {"ordered": False, "maxPacketLifeTime": 2000},
    ],
    ids=lambda delivery: ", ".join(delivery),
)
async def test_messages_of_other_deliveries(stage, delivery):
    """[documented] Unordered and limited channels carry messages, at most one of the two limits set."""
    speaker, listener = await connected(stage), await connected(stage)
    at_listener = []
    mouth = await opened(speaker, told("loose", **delivery), [], **delivery)
    await opened(listener, heard(speaker, "loose", **delivery), at_listener, **delivery)
    said = [f"message {number}" for number in range(20)]
    for message in said:
        mouth.send(message)
    await stage.until(
        lambda: len(at_listener) >= (1 if len(delivery) > 1 or "ordered" not in delivery else 20)
    )
    await stage.pass_time(1)
    assert set(at_listener) <= set(said)
    assert len(set(at_listener)) == len(at_listener), "a message came twice"
    if delivery.get("ordered", True):
        assert at_listener == [message for message in said if message in at_listener]


async def test_a_subscriber_is_not_heard(stage):
    """[documented] Channels go one way, from publisher to subscribers."""
    *_, mouth, ear, at_speaker, at_listener = await pair(stage)
    ear.send("nobody listens")
    mouth.send("hello")
    await stage.until(lambda: at_listener == ["hello"])
    assert at_speaker == []


async def test_one_subscriber_may_answer(stage):
    """[documented] With canReply a subscriber's messages reach the publisher; granting it again moves it."""
    speaker, first, _, ear, at_speaker, _ = await pair(stage, asked={"canReply": True})
    ear.send("first")
    await stage.until(lambda: at_speaker == ["first"])
    second = await connected(stage)
    other = await opened(second, heard(speaker, "chat", canReply=True), [])
    ear.send("taken away")
    other.send("second")
    await stage.until(lambda: at_speaker == ["first", "second"])
    identity = next(
        c["id"] for c in (await first.get()).json()["dataChannels"] if c["dataChannelName"] == "chat"
    )
    body = {"dataChannels": [heard(speaker, "chat", canReply=True, id=identity)]}
    assert outcome(await first.call("PUT", "datachannels/update", body)) == "200"
    ear.send("again")
    await stage.until(lambda: at_speaker == ["first", "second", "again"])


async def test_delivery_starts_with_the_subscribers_first_message(stage):
    """[documented] With waitForAck delivery starts after the subscriber's first message, itself consumed."""
    *_, mouth, ear, at_speaker, at_listener = await pair(stage, asked={"waitForAck": True, "canReply": True})
    mouth.send("too early")
    ear.send("ready")
    await stage.pass_time(0.5)
    mouth.send("in time")
    await stage.until(lambda: at_listener == ["in time"])
    assert at_speaker == []


async def test_a_subscriber_that_never_says_it_is_ready(stage):
    """[documented] Without the first message within 30 s the channel is torn down."""
    _, listener, *_ = await pair(stage, asked={"waitForAck": True})
    await stage.pass_time(25)
    assert "active" in await channel_statuses(listener)
    await stage.pass_time(10)
    assert "active" not in await channel_statuses(listener)


async def channel_statuses(person: Person) -> list[str]:
    """Of the channels called chat."""
    channels = (await person.get()).json()["dataChannels"]
    return [c["status"] for c in channels if c["dataChannelName"] == "chat"]


async def test_delivery_is_the_publishers_choice(stage, met):
    """[documented] Every subscriber repeats the publisher's ordered, maxRetransmits and maxPacketLifeTime."""
    speaker, listener = await connected(stage), await connected(stage)
    options = {"ordered": False, "maxRetransmits": 0}
    await opened(speaker, told("loose", **options), [], **options)
    response = await new(listener, heard(speaker, "loose"))
    met(outcome(response), "200 item:invalid_params", "200", "400 invalid_params", "200 item:decoding_error")


async def test_both_limits_at_once(stage, met):
    """[documented] At most one of maxRetransmits and maxPacketLifeTime."""
    person = await connected(stage)
    response = await new(person, told("loose", maxRetransmits=1, maxPacketLifeTime=1))
    known = ("400 invalid_params", "200 item:invalid_params", "400 decoding_error", "406 invalid_params")
    met(outcome(response), *known)


async def test_channels_of_a_call_are_all_local_or_all_remote(stage, met):
    """[documented] datachannels/new is all local or all remote."""
    speaker = await connected(stage)
    await opened(speaker, told("chat"), [])
    other = await connected(stage)
    response = await new(other, told("mine"), heard(speaker, "chat"))
    assert not response.is_success
    met(outcome(response), "400 invalid_params", "400 decoding_error", "406 invalid_params")


async def test_a_channel_name_that_is_taken(stage, met):
    """[documented] A channel that is allocated already is a repeated_local_track_error."""
    person = await connected(stage)
    await opened(person, told("chat"), [])
    code = "repeated_local_track_error"
    met(outcome(await new(person, told("chat"))), f"200 item:{code}", f"400 {code}", f"406 {code}")


async def test_a_channel_that_does_not_exist(stage, met):
    """[unproven] What a subscription to a channel is answered that nobody publishes."""
    speaker, listener = await connected(stage), await connected(stage)
    response = await new(listener, heard(speaker, "nothing"))
    met(outcome(response), "200 item:not_found_track_error", "404 not_found_track_error")


async def test_closing_a_channel(stage, met):
    """[documented] Closing sends ids and no SDP, and may be repeated; the channel closes at the endpoint."""
    speaker, _, mouth, *_ = await pair(stage)
    body = {"dataChannels": [{"id": mouth.id}]}
    assert outcome(await speaker.call("PUT", "datachannels/close", body)) == "200"
    await stage.until(lambda: mouth.readyState == "closed")
    again = outcome(await speaker.call("PUT", "datachannels/close", body))
    met(
        f"again: {again}",
        "again: 200",
        "again: 200 item:close_track_error",
        "again: 200 item:not_found_track_error",
    )


async def test_channels_in_the_state_of_a_session(stage):
    """[documented] A session's state lists its channels with their ids."""
    speaker, listener, mouth, ear, *_ = await pair(stage)
    for person, channel, location in ((speaker, mouth, "local"), (listener, ear, "remote")):
        listed = [c for c in (await person.get()).json()["dataChannels"] if c["dataChannelName"] == "chat"]
        assert [(c["id"], c["location"]) for c in listed] == [(channel.id, location)]


async def test_a_channel_that_is_not_open_yet(stage, met):
    """[documented] `initializing` is a status of data channels only: one that is not open yet."""
    person = await connected(stage)
    assert outcome(await new(person, told("chat"))) == "200"
    known = ("initializing", "active")
    met(" ".join(await channel_statuses(person)), *known)
