"""The SDK and the emulator together: data channels, adapters, TURN, and publishing in its other ways."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager

import httpx
import pytest

from cfrealtime import (
    AsyncRealtime,
    EgressAdapter,
    ExchangeOpenError,
    IngestAdapter,
    InvalidRequestError,
    LocalDataChannel,
    LocalTrack,
    MaxRetransmits,
    NewTrack,
    NotFoundError,
    RemoteDataChannel,
    RemoteTrack,
)
from cfrealtime.emulator import Emulator, ManualMediaPlane
from cfrealtime.packets import PCM, encode_packet, pcm_packets
from tests.cfrealtime.emulator.adapters.endpoint import Endpoint
from tests.cfrealtime.emulator.sdp.endpoint import M, answer, describe

pytestmark = pytest.mark.looptime


@asynccontextmanager
async def meeting(**options):
    """An emulator and a client of it, in this process and in virtual time."""
    async with Emulator(**options) as emulator:
        transport = httpx.ASGITransport(emulator.app)
        async with AsyncRealtime(
            "demo", "secret", base_url="http://emulator/v1", transport=transport
        ) as client:
            yield emulator, client


async def connected(client):
    """A session whose transport for data channels is up."""
    session = await client.new_session()
    established = await session.establish_data_channels()
    assert (established.channel.name, established.requires_renegotiation) == ("server-events", True)
    await session.renegotiate(answer(established.description.sdp))
    await asyncio.sleep(0.2)
    return session


async def publisher(client, names):
    """A session that publishes and sends many tracks."""
    session = await client.new_session()
    names = list(names)
    for at in range(0, len(names), 64):
        offer = describe(*(M("audio", str(mid)) for mid in range(min(at + 64, len(names)))))
        tracks = [LocalTrack(str(mid), name) for mid, name in enumerate(names[at : at + 64], at)]
        (await session.publish(offer, tracks)).raise_for_items()
        await asyncio.sleep(0.3)
    return session


async def test_what_one_says_on_a_channel_another_hears():
    media = ManualMediaPlane()
    async with meeting(media=media) as (_, client):
        speaker, listener = await connected(client), await connected(client)
        lossy = MaxRetransmits(2, ordered=False)
        (told,) = (await speaker.publish_data_channels([LocalDataChannel("chat", lossy)])).ok
        heard = await listener.subscribe_data_channels([RemoteDataChannel(speaker.id, "chat", lossy)])
        channel = heard.by_name["chat"].id
        await asyncio.sleep(0.2)
        media.say(speaker.id, told.id, "hello")
        assert media.messages(listener.id, channel) == ("hello",)
        await listener.update_data_channels([RemoteDataChannel(speaker.id, "chat", lossy, can_reply=True)])
        media.say(listener.id, channel, "hello yourself")
        assert media.messages(speaker.id, told.id) == ("hello yourself",)
        assert {each.name for each in (await listener.get_state()).data_channels} == {"server-events", "chat"}
        assert (await listener.close_data_channels([channel])).closed_ids == {channel}
        assert (await listener.close_data_channels([channel])).closed_ids == {channel}


async def test_a_channel_that_nobody_publishes_fails_alone():
    async with meeting() as (_, client):
        speaker, listener = await connected(client), await connected(client)
        await speaker.publish_data_channels([LocalDataChannel("chat")])
        result = await listener.subscribe_data_channels(
            [RemoteDataChannel(speaker.id, "chat"), RemoteDataChannel(speaker.id, "other")]
        )
        assert [channel.name for channel in result.ok] == ["chat"]
        assert [channel.name for channel in result.failed] == ["other"]


async def test_the_service_makes_the_offer_of_those_who_send_none():
    async with meeting() as (_, client):
        session = await client.new_session()
        result = await session.publish_without_offer([NewTrack("mic", "audio"), NewTrack("cam", "video")])
        assert result.requires_renegotiation
        assert result.description.type == "offer"
        await session.renegotiate(answer(result.description.sdp))
        await asyncio.sleep(1)
        assert {(track.track_name, track.status) for track in (await session.get_state()).tracks} == {
            ("mic", "active"),
            ("cam", "active"),
        }


async def test_the_service_names_the_tracks_that_it_finds():
    async with meeting() as (_, client):
        session = await client.new_session()
        result = await session.publish_all(describe(M("audio", "0"), M("video", "1")))
        assert sorted(track.mid for track in result.ok) == ["0", "1"]
        assert all(track.track_name for track in result.ok)


async def test_more_than_64_publications_are_received_in_whole_exchanges():
    async with meeting() as (emulator, client):
        names = [f"track-{number}" for number in range(70)]
        alice, bob = await publisher(client, names), await client.new_session()
        tracks = [RemoteTrack(alice.id, name) for name in names]
        with pytest.raises(InvalidRequestError, match="subscribe_all"):
            await bob.subscribe(tracks)
        before = emulator.count("renegotiate")

        async def answered(offer):
            return answer(offer.sdp)

        async with bob.negotiate() as exchange:
            result = await exchange.subscribe_all(tracks, answered)
        assert len(result.raise_for_items().ok) == 70
        assert emulator.count("renegotiate") - before == 2
        assert emulator.journal()["breaches"] == []


async def test_two_parts_of_a_program_take_turns():
    async with meeting() as (emulator, client):
        alice, bob = await publisher(client, ["one", "two"]), await client.new_session()

        async def receive(name):
            async with client.session(bob.id).negotiate() as exchange:
                offered = await exchange.subscribe([RemoteTrack(alice.id, name)])
                await asyncio.sleep(1)
                await exchange.renegotiate(answer(offered.description.sdp))

        await asyncio.gather(receive("one"), receive("two"))
        assert emulator.journal()["breaches"] == []
        assert len((await bob.get_state()).tracks) == 2


async def test_an_exchange_that_was_left_open_is_not_built_upon():
    async with meeting() as (_, client):
        alice, bob = await publisher(client, ["one"]), await client.new_session()
        with pytest.raises(ExchangeOpenError, match="not answered"):
            async with bob.negotiate() as exchange:
                await exchange.subscribe([RemoteTrack(alice.id, "one")])
        with pytest.raises(ExchangeOpenError, match="Replace the session"):
            async with bob.negotiate():
                pass


async def test_sound_goes_in_and_out_through_websockets():
    endpoint = Endpoint()
    async with meeting(dial=endpoint.dial) as (_, client):
        made = (await client.adapters.create([IngestAdapter("speech", "ws://bot/in")])).raise_for_items()
        speech = made.by_track_name["speech"]
        for packet in pcm_packets(bytes(PCM.frame_bytes * PCM.sample_rate // 10)):
            endpoint.lines[-1].say_raw(encode_packet(packet))
        await asyncio.sleep(0.3)
        out = await client.adapters.create(
            [EgressAdapter(speech.session_id, "speech", "ws://bot/out", "pcm")]
        )
        (egress,) = out.raise_for_items().ok
        closed = await client.adapters.close([speech.adapter_id, egress.adapter_id])
        assert closed.closed_ids == {speech.adapter_id, egress.adapter_id}
        again = await client.adapters.close([speech.adapter_id])
        assert again.closed_ids == {speech.adapter_id}


async def test_relay_credentials_are_made_and_revoked():
    async with meeting(turn_keys={"key": "token"}) as (_, client):
        turn = client.turn("key", "token")
        servers = await turn.generate_ice_servers(600)
        assert not [
            url for server in servers.servers for url in server.urls if url.partition("?")[0].endswith(":53")
        ]
        everything = await turn.generate_ice_servers(600, browser=False)
        assert [
            url
            for server in everything.servers
            for url in server.urls
            if url.partition("?")[0].endswith(":53")
        ]
        (username,) = {server.username for server in servers.servers if server.username}
        await turn.revoke(username)
        with pytest.raises(NotFoundError):
            await turn.revoke("nobody")


async def test_a_raw_answer_says_what_it_came_in():
    async with meeting() as (_, client):
        made = await client.with_raw_response.new_session()
        assert (made.status, made.answer.attempts, made.answer.operation) == (201, 1, "new_session")
        state = await made.value.with_raw_response.get_state()
        assert (state.status, state.value.tracks) == (200, ())
