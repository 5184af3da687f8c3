"""What the blocking client gives, as type checkers see it. Checked by mypy and pyright, never run."""

# pyright: strict

from __future__ import annotations

from typing import assert_type

import httpx

from cfrealtime import (
    Adapters,
    AdaptersResult,
    Answer,
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
    Negotiation,
    NewTrack,
    RawResponse,
    Realtime,
    RemoteDataChannel,
    RemoteTrack,
    Session,
    SessionDescription,
    SessionState,
    TracksResult,
    Turn,
)

OFFER = SessionDescription.offer("v=0")


def clients() -> None:
    """Making clients, and others from them."""
    with Realtime("app", "secret", http_client=httpx.Client(), hooks=Hooks()) as client:
        assert_type(client, Realtime)
    client = Realtime(transport=httpx.MockTransport(lambda _: httpx.Response(200)), timeout=3)
    assert_type(client.with_options(timeout=3, max_retries=0), Realtime)
    assert_type(client.new_session(correlation_id="visit"), Session)
    assert_type(client.session("s1"), Session)
    assert_type(client.adapters, Adapters)
    assert_type(client.turn(), Turn)
    assert_type(client.close(), None)


def sessions(session: Session) -> None:
    """The calls of a session."""
    assert_type(session.id, str)
    assert_type(session.publish("v=0", (LocalTrack(mid, "camera") for mid in "01")), TracksResult)
    assert_type(session.publish(OFFER, [LocalTrack("0", "camera")]), TracksResult)
    assert_type(session.publish_all(OFFER), TracksResult)
    assert_type(session.publish_without_offer([NewTrack("camera", "video")]), TracksResult)
    assert_type(session.subscribe({RemoteTrack("s2", "camera")}), TracksResult)
    assert_type(session.renegotiate("v=0"), SessionDescription | None)
    assert_type(session.update_tracks([RemoteTrack("s2", "camera", mid="0")]), TracksResult)
    assert_type(session.close_tracks(["0"], force=True), CloseResult)
    assert_type(session.close_tracks({"0": 1}, offer=OFFER), CloseResult)
    assert_type(session.get_state(), SessionState)


def data_channels(session: Session) -> None:
    """The calls about data channels."""
    channel = RemoteDataChannel("s2", "chat", MaxRetransmits(0), can_reply=True)
    assert_type(session.establish_data_channels(), EstablishResult)
    assert_type(session.establish_data_channels("v=0"), EstablishResult)
    assert_type(session.publish_data_channels([LocalDataChannel("chat")]), DataChannelsResult)
    assert_type(session.subscribe_data_channels([channel]), DataChannelsResult)
    assert_type(session.update_data_channels([channel]), DataChannelsResult)
    assert_type(session.close_data_channels(range(3)), CloseDataChannelsResult)


def exchanges(session: Session) -> None:
    """A turn, and what is called in it."""

    def answer(offer: SessionDescription) -> str | SessionDescription:
        return offer.sdp

    with session.negotiate(timeout=3) as exchange:
        assert_type(exchange, Negotiation)
        assert_type(exchange.publish("v=0", []), TracksResult)
        assert_type(exchange.subscribe_all([], answer), TracksResult)


def services(client: Realtime) -> None:
    """Adapters and TURN."""
    ingest = IngestAdapter("mix", "wss://example.com")
    egress = EgressAdapter("s2", "mix", "wss://example.com", "pcm")
    assert_type(client.adapters.create([ingest, egress]), AdaptersResult)
    assert_type(client.adapters.create([ingest] * 4), AdaptersResult)
    assert_type(client.adapters.close(["a1"]), CloseAdaptersResult)
    with Turn("key", "token") as turn:
        assert_type(turn.generate_ice_servers(60, custom_identifier="visit"), IceServers)
        assert_type(turn.revoke("name"), None)


def raw_answers(client: Realtime, session: Session, exchange: Negotiation) -> None:
    """`with_raw_response` keeps arguments and values."""
    raw = session.with_raw_response
    assert_type(client.with_raw_response.new_session(third_party=True), RawResponse[Session])
    assert_type(raw.publish("v=0", [LocalTrack("0", "camera")]), RawResponse[TracksResult])
    assert_type(raw.publish_all(OFFER), RawResponse[TracksResult])
    assert_type(raw.publish_without_offer([NewTrack("camera", "video")]), RawResponse[TracksResult])
    assert_type(raw.subscribe([RemoteTrack("s2", "camera")]), RawResponse[TracksResult])
    assert_type(raw.renegotiate("v=0"), RawResponse[SessionDescription | None])
    assert_type(raw.update_tracks([]), RawResponse[TracksResult])
    assert_type(raw.close_tracks(["0"], force=True), RawResponse[CloseResult])
    assert_type(raw.close_tracks(["0"], offer="v=0"), RawResponse[CloseResult])
    assert_type(raw.get_state(), RawResponse[SessionState])
    assert_type(raw.establish_data_channels(), RawResponse[EstablishResult])
    assert_type(raw.publish_data_channels([LocalDataChannel("chat")]), RawResponse[DataChannelsResult])
    assert_type(raw.close_data_channels([1]), RawResponse[CloseDataChannelsResult])
    assert_type(exchange.with_raw_response.get_state(), RawResponse[SessionState])
    assert_type(client.adapters.with_raw_response.create([]), RawResponse[AdaptersResult])
    assert_type(client.adapters.with_raw_response.close(["a1"]), RawResponse[CloseAdaptersResult])
    assert_type(client.turn().with_raw_response.generate_ice_servers(60), RawResponse[IceServers])
    assert_type(client.turn().with_raw_response.revoke("name"), RawResponse[None])
    answer = raw.get_state()
    assert_type(answer.value, SessionState)
    assert_type(answer.answers, tuple[Answer, ...])
    assert_type((answer.status, answer.cf_ray), tuple[int, str | None])
