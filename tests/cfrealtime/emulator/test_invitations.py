"""Publishing without an offer: the service's own asks for the tracks. In virtual time."""

from __future__ import annotations

import asyncio

import pytest

from cfrealtime.emulator import Emulator, ManualMediaPlane
from tests.cfrealtime.emulator.peer import Peer, client_of, codes, local, remote
from tests.cfrealtime.emulator.sdp.endpoint import M, answer, blocks, describe, stopped, value
from tests.cfrealtime.emulator.test_tracks import publisher

pytestmark = pytest.mark.looptime

MIC = {"location": "local", "trackName": "mic", "kind": "audio"}
CAMERA = {"location": "local", "trackName": "camera", "kind": "video"}


async def test_our_offer_asks_for_each_track_on_a_mid_of_its_own():
    emulator = Emulator()
    async with client_of(emulator) as client:
        peer = await Peer.join(client)
        response = (await peer.post_tracks([MIC, CAMERA])).json()
        assert response["requiresImmediateRenegotiation"] is True
        assert response["sessionDescription"]["type"] == "offer"
        offered = blocks(response["sessionDescription"]["sdp"])
        assert [block[0].split()[0] for block in offered] == ["m=audio", "m=video"]
        assert all("a=recvonly" in block for block in offered)
        mids = [value(block, "mid") for block in offered]
        assert response["tracks"] == [
            {**MIC, "mid": mids[0]},
            {**CAMERA, "mid": mids[1]},
        ]


async def test_what_was_asked_for_is_received_by_others_once_answered():
    emulator = Emulator()
    async with client_of(emulator) as client:
        source, viewer = await Peer.join(client), await Peer.join(client)
        mids = await source.invite(MIC, CAMERA)
        await asyncio.sleep(0.1)
        assert [r.mid for r in emulator.media.media(source.id).receives] == list(mids)
        (mid,) = await viewer.subscribe(remote(source.id, "camera"))
        (send,) = emulator.media.media(viewer.id).sends
        assert (send.mid, send.source.session_id, send.source.mid) == (mid, source.id, mids[1])


async def test_the_answer_must_come_before_anything_else():
    async with client_of(Emulator()) as client:
        peer = await Peer.join(client)
        await peer.post_tracks([MIC])
        response = await peer.post_tracks([CAMERA])
        assert (response.status_code, response.json()["errorCode"]) == (406, "invalid_session_description")


@pytest.mark.parametrize(
    ("track", "fields"),
    [
        (local("0", "mic"), {}),
        ({**MIC, "kind": "application"}, {}),
        ({"location": "local", "kind": "audio"}, {}),
        (MIC, {"autoDiscover": True}),
    ],
    ids=["no kind", "odd kind", "no name", "nothing to discover"],
)
async def test_an_invitation_that_lacks_something_is_refused(track, fields):
    async with client_of(Emulator()) as client:
        peer = await Peer.join(client)
        response = await peer.post_tracks([track], **fields)
        assert (response.status_code, response.json()["errorCode"]) == (400, "invalid_params")


async def test_a_name_published_already_fails_alone():
    emulator = Emulator()
    async with client_of(emulator) as client:
        peer = await publisher(client, "mic")
        response = await peer.post_tracks([MIC, CAMERA, CAMERA])
        assert codes(response) == ["repeated_local_track_error", None, "repeated_local_track_error"]
        assert [item["mid"] == "" for item in response.json()["tracks"]] == [True, False, True]
        await peer.answer(response.json()["sessionDescription"]["sdp"])
        assert [track["track_name"] for track in emulator.active_tracks()] == ["mic", "camera"]


async def test_when_every_track_fails_there_is_no_offer():
    async with client_of(Emulator()) as client:
        peer = await publisher(client, "mic")
        response = await peer.post_tracks([MIC])
        assert codes(response) == ["repeated_local_track_error"]
        assert response.json()["requiresImmediateRenegotiation"] is False
        assert "sessionDescription" not in response.json()
        assert codes(await peer.publish("screen")) == [None]


async def test_a_section_that_the_endpoint_rejects_publishes_nothing():
    emulator = Emulator()
    async with client_of(emulator) as client:
        peer = await Peer.join(client)
        response = await peer.post_tracks([MIC, CAMERA])
        offer = response.json()["sessionDescription"]["sdp"]
        first = value(blocks(offer)[0], "mid")
        await peer.renegotiate(answer(offer, **{first: stopped(M("audio", first))}))
        assert [track["track_name"] for track in emulator.active_tracks()] == ["camera"]


async def test_an_endpoint_may_begin_to_send_later():
    media = ManualMediaPlane()
    async with client_of(Emulator(media=media)) as client:
        peer = await Peer.join(client)
        response = await peer.post_tracks([MIC])
        offer = response.json()["sessionDescription"]["sdp"]
        mid = value(blocks(offer)[0], "mid")
        await peer.renegotiate(answer(offer, **{mid: M("audio", mid, "inactive")}))
        assert media.media(peer.id).receives == ()
        peer.sections = [M("audio", mid, "sendonly")]
        assert codes(await peer.publish("screen", kind="video")) == [None]
        assert [receive.mid for receive in media.media(peer.id).receives] == [mid, "1"]


async def test_a_silent_track_is_collected_thirty_seconds_after_the_answer_not_the_offer():
    emulator = Emulator(media=ManualMediaPlane(automatic=False))
    async with client_of(emulator) as client:
        peer = await publisher(client, "voice")
        emulator.media.connect(peer.id)
        response = await peer.post_tracks([MIC])
        await asyncio.sleep(40)
        await peer.answer(response.json()["sessionDescription"]["sdp"])
        await asyncio.sleep(29)
        assert [track["track_name"] for track in emulator.active_tracks()] == ["mic"]
        await asyncio.sleep(1.1)
        assert emulator.active_tracks() == []


async def test_a_later_invitation_needs_a_connection():
    async with client_of(Emulator(media=ManualMediaPlane(automatic=False))) as client:
        peer = await Peer.join(client)
        await peer.publish("voice")
        response = await peer.post_tracks([MIC])
        assert (response.status_code, response.json()["errorCode"]) == (425, "session_error")


async def test_a_forced_close_takes_the_offer_of_a_track_back():
    emulator = Emulator()
    async with client_of(emulator) as client:
        peer = await Peer.join(client)
        response = await peer.post_tracks([MIC])
        assert codes(await peer.force_close(response.json()["tracks"][0]["mid"])) == [None]
        answered = await peer.answer(response.json()["sessionDescription"]["sdp"])
        assert answered.status_code == 200
        assert emulator.active_tracks() == []
        assert emulator.media.media(peer.id).receives == ()


async def test_layers_are_asked_for_and_known_from_the_answer():
    emulator = Emulator()
    async with client_of(emulator) as client:
        source, viewer = await Peer.join(client), await Peer.join(client)
        response = await source.post_tracks([{**CAMERA, "simulcast": {}}])
        offer = response.json()["sessionDescription"]["sdp"]
        (block,) = blocks(offer)
        assert "a=simulcast:recv q;h;f" in block
        mid = value(block, "mid")
        await source.renegotiate(answer(offer, **{mid: M("video", mid, rids=("q", "f"))}))
        await asyncio.sleep(0.1)
        wanted = {"preferredRid": "q", "ridNotAvailable": "asciibetical"}
        await viewer.subscribe(remote(source.id, "camera", simulcast=wanted))
        assert emulator.media.media(viewer.id).sends[0].rids == ("q", "f")


async def test_an_offer_that_asks_is_numbered_as_the_session_already_is():
    async with client_of(Emulator()) as client:
        peer = await publisher(client, "camera", kind="video")
        response = await peer.post_tracks([{**CAMERA, "trackName": "screen"}])
        known, asked = blocks(response.json()["sessionDescription"]["sdp"])
        assert set(lines(known, "a=rtpmap:")) <= set(lines(asked, "a=rtpmap:"))
        assert set(lines(known, "a=extmap:")) <= set(lines(asked, "a=extmap:"))


def lines(block: list[str], start: str) -> list[str]:
    return [line for line in block if line.startswith(start)]


async def test_a_session_that_was_asked_can_offer_itself_later():
    emulator = Emulator()
    async with client_of(emulator) as client:
        peer = await Peer.join(client)
        (mid,) = await peer.invite(MIC)
        offer = describe(*peer.sections, M("video", "7"))
        response = await peer.post_tracks(
            [local("7", "camera")], sessionDescription={"type": "offer", "sdp": offer}
        )
        assert codes(response) == [None]
        assert [track["mid"] for track in emulator.active_tracks()] == [mid, "7"]
