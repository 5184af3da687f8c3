"""What the async client gives, as type checkers see it. Checked by mypy and pyright, never run."""

# pyright: strict

from __future__ import annotations

from typing import assert_type

import httpx

from cfrealtime import (
    AdaptersResult,
    Answer,
    AsyncAdapters,
    AsyncNegotiation,
    AsyncRealtime,
    AsyncSession,
    AsyncTurn,
    CloseAdaptersResult,
    CloseDataChannelsResult,
    CloseResult,
    DataChannelsResult,
    EgressAdapter,
    EstablishResult,
    Hooks,
    IceServers,
    IngestAdapter,
    LocalDataChannel,
    LocalTrack,
    MaxRetransmits,
    NewTrack,
    RawResponse,
    RemoteDataChannel,
    RemoteTrack,
    SessionDescription,
    SessionState,
    TracksResult,
)

OFFER = SessionDescription.offer("v=0")


async def clients() -> None:
    """Making clients, and others from them."""
    async with AsyncRealtime("app", "secret", http_client=httpx.AsyncClient(), hooks=Hooks()) as client:
        assert_type(client, AsyncRealtime)
    client = AsyncRealtime(transport=httpx.MockTransport(lambda _: httpx.Response(200)), timeout=3)
    assert_type(client.with_options(timeout=3, max_retries=0), AsyncRealtime)
    assert_type(await client.new_session(correlation_id="visit"), AsyncSession)
    assert_type(client.session("s1"), AsyncSession)
    assert_type(client.adapters, AsyncAdapters)
    assert_type(client.turn(), AsyncTurn)
    assert_type(await client.aclose(), None)


async def sessions(session: AsyncSession) -> None:
    """The calls of a session."""
    assert_type(session.id, str)
    assert_type(await session.publish("v=0", (LocalTrack(mid, "camera") for mid in "01")), TracksResult)
    assert_type(await session.publish(OFFER, [LocalTrack("0", "camera")]), TracksResult)
    assert_type(await session.publish_all(OFFER), TracksResult)
    assert_type(await session.publish_without_offer([NewTrack("camera", "video")]), TracksResult)
    assert_type(await session.subscribe({RemoteTrack("s2", "camera")}), TracksResult)
    assert_type(await session.renegotiate("v=0"), SessionDescription | None)
    assert_type(await session.update_tracks([RemoteTrack("s2", "camera", mid="0")]), TracksResult)
    assert_type(await session.close_tracks(["0"], force=True), CloseResult)
    assert_type(await session.close_tracks({"0": 1}, offer=OFFER), CloseResult)
    assert_type(await session.get_state(), SessionState)


async def data_channels(session: AsyncSession) -> None:
    """The calls about data channels."""
    channel = RemoteDataChannel("s2", "chat", MaxRetransmits(0), can_reply=True)
    assert_type(await session.establish_data_channels(), EstablishResult)
    assert_type(await session.establish_data_channels("v=0"), EstablishResult)
    assert_type(await session.publish_data_channels([LocalDataChannel("chat")]), DataChannelsResult)
    assert_type(await session.subscribe_data_channels([channel]), DataChannelsResult)
    assert_type(await session.update_data_channels([channel]), DataChannelsResult)
    assert_type(await session.close_data_channels(range(3)), CloseDataChannelsResult)


async def exchanges(session: AsyncSession) -> None:
    """A turn, and what is called in it."""

    async def answer(offer: SessionDescription) -> str | SessionDescription:
        return offer.sdp

    async with session.negotiate(timeout=3) as exchange:
        assert_type(exchange, AsyncNegotiation)
        assert_type(await exchange.publish("v=0", []), TracksResult)
        assert_type(await exchange.subscribe_all([], answer), TracksResult)


async def services(client: AsyncRealtime) -> None:
    """Adapters and TURN."""
    ingest = IngestAdapter("mix", "wss://example.com")
    egress = EgressAdapter("s2", "mix", "wss://example.com", "pcm")
    assert_type(await client.adapters.create([ingest, egress]), AdaptersResult)
    assert_type(await client.adapters.create([ingest] * 4), AdaptersResult)
    assert_type(await client.adapters.close(["a1"]), CloseAdaptersResult)
    async with AsyncTurn("key", "token") as turn:
        assert_type(await turn.generate_ice_servers(60, custom_identifier="visit"), IceServers)
        assert_type(await turn.revoke("name"), None)


async def raw_answers(client: AsyncRealtime, session: AsyncSession, exchange: AsyncNegotiation) -> None:
    """`with_raw_response` keeps arguments and values."""
    raw = session.with_raw_response
    assert_type(await client.with_raw_response.new_session(third_party=True), RawResponse[AsyncSession])
    assert_type(await raw.publish("v=0", [LocalTrack("0", "camera")]), RawResponse[TracksResult])
    assert_type(await raw.publish_all(OFFER), RawResponse[TracksResult])
    assert_type(await raw.publish_without_offer([NewTrack("camera", "video")]), RawResponse[TracksResult])
    assert_type(await raw.subscribe([RemoteTrack("s2", "camera")]), RawResponse[TracksResult])
    assert_type(await raw.renegotiate("v=0"), RawResponse[SessionDescription | None])
    assert_type(await raw.update_tracks([]), RawResponse[TracksResult])
    assert_type(await raw.close_tracks(["0"], force=True), RawResponse[CloseResult])
    assert_type(await raw.close_tracks(["0"], offer="v=0"), RawResponse[CloseResult])
    assert_type(await raw.get_state(), RawResponse[SessionState])
    assert_type(await raw.establish_data_channels(), RawResponse[EstablishResult])
    assert_type(await raw.publish_data_channels([LocalDataChannel("chat")]), RawResponse[DataChannelsResult])
    assert_type(await raw.close_data_channels([1]), RawResponse[CloseDataChannelsResult])
    assert_type(await exchange.with_raw_response.get_state(), RawResponse[SessionState])
    assert_type(await client.adapters.with_raw_response.create([]), RawResponse[AdaptersResult])
    assert_type(await client.adapters.with_raw_response.close(["a1"]), RawResponse[CloseAdaptersResult])
    assert_type(await client.turn().with_raw_response.generate_ice_servers(60), RawResponse[IceServers])
    assert_type(await client.turn().with_raw_response.revoke("name"), RawResponse[None])
    answer = await raw.get_state()
    assert_type(answer.value, SessionState)
    assert_type(answer.answers, tuple[Answer, ...])
    assert_type((answer.status, answer.cf_ray), tuple[int, str | None])
