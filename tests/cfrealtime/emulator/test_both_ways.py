"""Sections that carry a publication one way and a subscription the other. In virtual time."""

from __future__ import annotations

import asyncio

import pytest

from cfrealtime.emulator import Emulator, ManualMediaPlane
from tests.cfrealtime.emulator.peer import Peer, client_of, codes, local, remote
from tests.cfrealtime.emulator.sdp.endpoint import M, answer, blocks, describe, value
from tests.cfrealtime.emulator.test_tracks import publisher

pytestmark = pytest.mark.looptime

VOICE = {"location": "local", "trackName": "voice", "kind": "audio", "bidirectionalMediaStream": True}


async def invited(client) -> tuple[Peer, str]:
    """A connected peer that publishes its voice on a section that can bring another back."""
    peer = await Peer.join(client)
    (mid,) = await peer.invite(VOICE)
    await asyncio.sleep(0.1)
    return peer, mid


async def test_our_offer_sends_and_receives_on_one_section():
    async with client_of(Emulator()) as client:
        peer = await Peer.join(client)
        response = (await peer.post_tracks([VOICE])).json()
        (block,) = blocks(response["sessionDescription"]["sdp"])
        assert "a=sendrecv" in block
        assert value(block, "msid")
        (item,) = response["tracks"]
        assert item == {**VOICE, "mid": value(block, "mid")}


async def test_a_subscription_goes_back_on_the_named_section_without_negotiation():
    emulator = Emulator()
    async with client_of(emulator) as client:
        other, (peer, mid) = await publisher(client, "mic"), await invited(client)
        response = await peer.post_tracks([remote(other.id, "mic", mid="#voice")])
        assert response.json() == {
            "requiresImmediateRenegotiation": False,
            "tracks": [{**remote(other.id, "mic"), "mid": mid, "bidirectionalMediaStream": True}],
        }
        (send,) = emulator.media.media(peer.id).sends
        assert (send.mid, send.source.session_id) == (mid, other.id)
        listed = (await peer.get()).json()["tracks"]
        assert [(t["location"], t["mid"], t["bidirectionalMediaStream"]) for t in listed] == [
            ("local", mid, True),
            ("remote", mid, True),
        ]


async def test_an_offer_of_the_endpoint_can_have_such_a_section_too():
    emulator = Emulator()
    async with client_of(emulator) as client:
        other, peer = await publisher(client, "mic"), await Peer.join(client)
        offer = describe(M("audio", "0", "sendrecv"))
        track = {**local("0", "voice"), "kind": "audio", "bidirectionalMediaStream": True}
        response = await peer.post_tracks([track], sessionDescription={"type": "offer", "sdp": offer})
        (block,) = blocks(response.json()["sessionDescription"]["sdp"])
        assert "a=sendrecv" in block
        assert value(block, "msid")
        await asyncio.sleep(0.1)
        assert codes(await peer.post_tracks([remote(other.id, "mic", mid="#voice")])) == [None]
        assert emulator.media.media(peer.id).sends[0].source.session_id == other.id


async def test_asking_again_points_the_section_at_another_track():
    emulator = Emulator()
    async with client_of(emulator) as client:
        first, second = await publisher(client, "mic"), await publisher(client, "mic")
        peer, mid = await invited(client)
        for other in (first, second):
            assert codes(await peer.post_tracks([remote(other.id, "mic", mid="#voice")])) == [None]
            assert emulator.media.media(peer.id).sends[0].source.session_id == other.id
        await asyncio.sleep(0.5)
        assert codes(await peer.update(remote(first.id, "mic", mid=mid))) == [None]
        assert len(emulator.active_tracks(peer.id)) == 2


async def test_a_carried_subscription_and_a_new_section_share_a_call():
    emulator = Emulator()
    async with client_of(emulator) as client:
        other, (peer, mid) = await publisher(client, "mic", "second"), await invited(client)
        mids = await peer.subscribe(remote(other.id, "second"), remote(other.id, "mic", mid="#voice"))
        assert mids[1] == mid
        assert mids[0] != mid
        assert len(emulator.media.media(peer.id).sends) == 2


@pytest.mark.parametrize("name", ["#nobody", "#mic"], ids=["unknown", "one way"])
async def test_a_name_that_no_such_section_carries_is_refused(name):
    async with client_of(Emulator()) as client:
        other, (peer, _) = await publisher(client, "mic"), await invited(client)
        await peer.invite({"trackName": "mic", "kind": "audio"})
        response = await peer.post_tracks([remote(other.id, "mic", mid=name)])
        assert (response.status_code, response.json()["errorCode"]) == (400, "invalid_params")


async def test_a_section_carries_one_kind_of_media_only():
    async with client_of(Emulator()) as client:
        other, (peer, _) = await publisher(client, "camera", kind="video"), await invited(client)
        response = await peer.post_tracks([remote(other.id, "camera", mid="#voice")])
        assert codes(response) == ["update_track_error"]
        assert response.json()["tracks"][0]["mid"] == ""


async def test_an_endpoint_that_only_sends_gets_nothing_back():
    async with client_of(Emulator()) as client:
        other, peer = await publisher(client, "mic"), await Peer.join(client)
        offer = (await peer.post_tracks([VOICE])).json()["sessionDescription"]["sdp"]
        mid = value(blocks(offer)[0], "mid")
        await peer.renegotiate(answer(offer, **{mid: M("audio", mid, "sendonly")}))
        await asyncio.sleep(0.1)
        response = await peer.post_tracks([remote(other.id, "mic", mid="#voice")])
        assert codes(response) == ["update_track_error"]


@pytest.mark.parametrize("forced", [True, False])
async def test_a_close_stops_both_ways(forced):
    emulator = Emulator()
    async with client_of(emulator) as client:
        other, (peer, mid) = await publisher(client, "mic"), await invited(client)
        await peer.publish("screen", kind="video")
        await peer.post_tracks([remote(other.id, "mic", mid="#voice")])
        response = await (peer.force_close(mid) if forced else peer.close(mid))
        assert codes(response) == [None]
        assert [track["track_name"] for track in emulator.active_tracks(peer.id)] == ["screen"]
        media = emulator.media.media(peer.id)
        assert [receive.mid for receive in media.receives] == ["1"]
        assert media.sends == ()


async def test_what_comes_back_goes_on_when_the_endpoint_has_fallen_silent():
    media = ManualMediaPlane()
    emulator = Emulator(media=media)
    async with client_of(emulator) as client:
        other, (peer, _) = await publisher(client, "mic"), await invited(client)
        await peer.post_tracks([remote(other.id, "mic", mid="#voice")])
        media.silence(peer.id)
        await asyncio.sleep(31)
        assert [track["location"] for track in emulator.active_tracks(peer.id)] == ["remote"]
        assert media.media(peer.id).sends[0].source.session_id == other.id
        assert [receive.active for receive in media.media(peer.id).receives] == [False]


async def test_a_subscription_can_leave_room_for_a_publication():
    emulator = Emulator()
    async with client_of(emulator) as client:
        other, peer = await publisher(client, "mic"), await Peer.join(client)
        (mid,) = await peer.subscribe(remote(other.id, "mic", bidirectionalMediaStream=True))
        assert [receive.active for receive in emulator.media.media(peer.id).receives] == [False]
        offer = describe(*peer.sections)
        response = await peer.post_tracks(
            [local(mid, "voice")], sessionDescription={"type": "offer", "sdp": offer}
        )
        assert codes(response) == [None]
        assert "a=sendrecv" in response.json()["sessionDescription"]["sdp"]
        assert [receive.active for receive in emulator.media.media(peer.id).receives] == [True]
