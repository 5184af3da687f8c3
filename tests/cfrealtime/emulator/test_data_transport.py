"""The transport for data channels: who offers it, when it may be asked for, and what needs it."""

from __future__ import annotations

import asyncio

import httpx
import pytest

from cfrealtime.emulator import Emulator, ManualMediaPlane
from tests.cfrealtime.emulator.data_peer import DATA, DataPeer, told
from tests.cfrealtime.emulator.peer import client_of, codes
from tests.cfrealtime.emulator.sdp.endpoint import M, answer, blocks, describe, stopped

pytestmark = pytest.mark.looptime


def refused(response: httpx.Response) -> tuple[int, str]:
    return response.status_code, response.json()["errorCode"]


async def test_the_service_offers_the_transport_and_opens_its_own_channel():
    async with client_of(Emulator()) as client:
        peer = await DataPeer.join(client)
        response = (await peer.establish()).json()
        assert response["requiresImmediateRenegotiation"] is True
        assert response["dataChannel"] == {
            "location": "remote",
            "dataChannelName": "server-events",
            "id": 0,
        }
        (section,) = blocks(response["sessionDescription"]["sdp"])
        assert section[0].startswith("m=application 9 UDP/DTLS/SCTP webrtc-datachannel")
        assert await peer.statuses() == {0: "initializing"}
        await peer.answer(response["sessionDescription"]["sdp"])
        await asyncio.sleep(0.2)
        assert await peer.statuses() == {0: "active"}


async def test_the_endpoints_offer_of_a_transport_is_answered_and_its_first_id_left_to_it():
    async with client_of(Emulator()) as client:
        peer = await DataPeer.join(client)
        response = (await peer.offer_data()).json()
        assert response["requiresImmediateRenegotiation"] is False
        assert response["sessionDescription"]["type"] == "answer"
        assert response["dataChannel"]["id"] == 1
        await asyncio.sleep(0.2)
        assert await peer.statuses() == {1: "active"}
        assert await peer.open(told("chat")) == (2,)


async def test_a_transport_in_the_first_offer_of_tracks_needs_no_establishing():
    async with client_of(Emulator()) as client:
        peer = await DataPeer.join(client)
        peer.sections = [DATA]
        assert codes(await peer.publish("mic")) == [None]
        assert await peer.open(told("chat")) == (1,)
        assert await peer.statuses() == {1: "active"}
        assert refused(await peer.establish()) == (400, "decoding_error")


async def test_a_transport_is_added_to_a_connected_session():
    async with client_of(Emulator()) as client:
        peer = await DataPeer.join(client)
        await peer.publish("mic")
        await asyncio.sleep(0.1)
        response = await peer.establish()
        assert (await peer.answer(response.json()["sessionDescription"]["sdp"])).status_code == 200
        assert await peer.open(told("chat")) == (1,)


async def test_a_later_offer_of_the_transport_needs_the_connection_and_waits_for_it():
    async with client_of(Emulator(media=ManualMediaPlane(automatic=False))) as client:
        peer = await DataPeer.join(client)
        await peer.publish("mic")
        before = asyncio.get_running_loop().time()
        assert refused(await peer.establish()) == (425, "session_error")
        assert asyncio.get_running_loop().time() - before == pytest.approx(5, abs=0.1)


@pytest.mark.parametrize(
    "fields",
    [
        {"sessionDescription": {"type": "offer", "sdp": "v=0"}},
        {"sessionDescription": {"type": "answer", "sdp": describe(DATA)}},
        {"sessionDescription": {"type": "offer", "sdp": describe(M("audio", "0"))}},
        {"sessionDescription": {"type": "offer", "sdp": describe(M("audio", "1"), stopped(DATA))}},
        {"sessionDescription": {"type": "offer", "sdp": describe(DATA, fingerprint=None)}},
        {"sessionDescription": {"type": "offer"}},
        {"dataChannel": {"dataChannelName": "chat"}},
        {"dataChannel": 1},
    ],
)
async def test_whatever_fails_in_establishing_is_a_decoding_error_and_changes_nothing(fields):
    async with client_of(Emulator()) as client:
        peer = await DataPeer.join(client)
        assert refused(await peer.establish(**fields)) == (400, "decoding_error")
        assert await peer.statuses() == {}
        assert (await peer.offer_data()).status_code == 200


async def test_a_transport_is_established_once():
    async with client_of(Emulator()) as client:
        peer = await DataPeer.connected(client)
        assert refused(await peer.establish()) == (400, "decoding_error")
        assert refused(await peer.offer_data()) == (400, "decoding_error")


async def test_a_transport_that_the_endpoint_rejects_may_be_asked_for_again():
    async with client_of(Emulator()) as client:
        peer = await DataPeer.join(client)
        await peer.publish("mic")
        await asyncio.sleep(0.1)
        offer = (await peer.establish()).json()["sessionDescription"]["sdp"]
        rejected = answer(offer, s0=M("application", "s0", stopped=True))
        assert (await peer.renegotiate(rejected)).status_code == 200
        assert await peer.statuses() == {0: "inactive"}
        assert (await peer.establish()).status_code == 200


async def test_channels_wait_for_the_transport_and_are_refused_without_one():
    media = ManualMediaPlane(connect_after=3)
    async with client_of(Emulator(media=media)) as client:
        peer = await DataPeer.join(client)
        assert refused(await peer.channels(told("chat"))) == (425, "session_error")
        await peer.offer_data()
        before = asyncio.get_running_loop().time()
        assert (await peer.channels(told("chat"))).status_code == 200
        assert asyncio.get_running_loop().time() - before == pytest.approx(3, abs=0.1)


async def test_a_session_without_a_section_for_data_has_no_channels():
    async with client_of(Emulator()) as client:
        peer = await DataPeer.join(client)
        await peer.publish("mic")
        await asyncio.sleep(1)
        assert refused(await peer.channels(told("chat"))) == (425, "session_error")


async def test_the_operations_of_data_channels_keep_the_order_of_the_session():
    emulator = Emulator()
    async with client_of(emulator) as client:
        peer = await DataPeer.join(client)
        await peer.establish()
        for response in (
            await peer.establish(),
            await peer.channels(told("chat")),
            await peer.update_channels({"id": 1, "canReply": True}),
        ):
            assert refused(response) == (406, "invalid_session_description")
        assert (await peer.close_channels(0)).status_code == 200
        assert [breach["rule"] for breach in emulator.journal()["breaches"]] == ["exchange_open"] * 3


async def test_the_channels_end_with_the_section_that_carries_them():
    async with client_of(Emulator()) as client:
        peer = await DataPeer.join(client)
        peer.sections = [DATA]
        await peer.publish("mic")
        (channel,) = await peer.open(told("chat"))
        await peer.close("0")
        assert await peer.statuses() == {channel: "inactive"}
