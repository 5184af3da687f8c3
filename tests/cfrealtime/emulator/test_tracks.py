"""Publishing and subscribing over HTTP, with real descriptions, in virtual time."""

from __future__ import annotations

import asyncio

import httpx
import pytest

from cfrealtime.emulator import Emulator, ManualMediaPlane
from cfrealtime.emulator.limits import PACKETS_WAIT
from tests.cfrealtime.emulator.peer import Peer, client_of, codes, local, remote
from tests.cfrealtime.emulator.sdp.endpoint import M, answer, blocks, describe, stopped, value

pytestmark = pytest.mark.looptime


async def publisher(client: httpx.AsyncClient, *names: str, **options) -> Peer:
    """A connected peer that sends."""
    peer = await Peer.join(client)
    await peer.publish(*names, **options)
    await asyncio.sleep(0.1)
    return peer


async def test_a_publish_is_answered_and_listed():
    emulator = Emulator()
    async with client_of(emulator) as client:
        peer = await Peer.join(client)
        response = (await peer.publish("mic")).json()
        assert response["sessionDescription"]["type"] == "answer"
        assert response["requiresImmediateRenegotiation"] is False
        assert response["tracks"] == [{**local("0", "mic"), "kind": "audio"}]
        listed = (await peer.get()).json()["tracks"]
        assert [(t["location"], t["trackName"], t["status"]) for t in listed] == [("local", "mic", "active")]


async def test_a_data_channel_section_in_an_offer_is_accepted():
    async with client_of(Emulator()) as client:
        peer = await Peer.join(client)
        peer.sections = [M("application", "0", "sendrecv")]
        response = await peer.publish("mic")
        data, _ = blocks(response.json()["sessionDescription"]["sdp"])
        assert data[0].startswith("m=application 9 ")


async def test_auto_discovery_names_every_section_that_sends():
    async with client_of(Emulator()) as client:
        peer = await Peer.join(client)
        offer = describe(M("audio", "0"), M("video", "1"), M("video", "2", "recvonly"))
        response = await peer.post_tracks(
            [], autoDiscover=True, sessionDescription={"type": "offer", "sdp": offer}
        )
        tracks = response.json()["tracks"]
        assert [track["mid"] for track in tracks] == ["0", "1"]
        assert len({track["trackName"] for track in tracks}) == 2


@pytest.mark.parametrize("kind", ["application", "nothing new"])
async def test_auto_discovery_answers_an_offer_in_which_it_finds_nothing(kind):
    async with client_of(Emulator()) as client:
        peer = await Peer.join(client)
        if kind == "application":
            peer.sections = [M("application", "0", "sendrecv")]
        else:
            await peer.publish("mic")
        offer = {"type": "offer", "sdp": describe(*peer.sections)}
        response = (await peer.post_tracks([], autoDiscover=True, sessionDescription=offer)).json()
        assert response["tracks"] == []
        (section,) = blocks(response["sessionDescription"]["sdp"])
        assert section[0].split()[1] == "9"
        assert codes(await peer.publish("camera", kind="video")) == [None]


@pytest.mark.parametrize("mid", ["7", "1", "2"], ids=["absent", "receives only", "data"])
async def test_a_track_without_a_section_that_sends_is_refused(mid):
    async with client_of(Emulator()) as client:
        peer = await Peer.join(client)
        offer = describe(M("audio", "0"), M("video", "1", "recvonly"), M("application", "2", "sendrecv"))
        response = await peer.post_tracks(
            [local(mid, "a")], sessionDescription={"type": "offer", "sdp": offer}
        )
        assert (response.status_code, response.json()["errorCode"]) == (400, "invalid_params")


@pytest.mark.parametrize("sdp", ["", "hello", "v=0\r\nm=audio"])
async def test_text_that_is_no_description_is_refused(sdp):
    async with client_of(Emulator()) as client:
        peer = await Peer.join(client)
        response = await peer.post_tracks([local("0", "a")], sessionDescription={"type": "offer", "sdp": sdp})
        assert (response.status_code, response.json()["errorCode"]) == (406, "invalid_session_description")


async def test_a_name_published_twice_fails_alone():
    emulator = Emulator()
    async with client_of(emulator) as client:
        peer = await publisher(client, "mic")
        response = await peer.publish("mic", "camera")
        assert codes(response) == ["repeated_local_track_error", None]
        assert {track["track_name"] for track in emulator.active_tracks()} == {"mic", "camera"}


async def test_a_publish_in_which_every_track_fails_leaves_no_exchange():
    async with client_of(Emulator()) as client:
        peer = await publisher(client, "mic")
        response = await peer.publish("mic")
        assert codes(response) == ["repeated_local_track_error"]
        assert response.json()["tracks"][0]["mid"] == ""
        assert "sessionDescription" not in response.json()
        assert codes(await peer.publish("camera")) == [None]


async def test_a_fresh_session_subscribes_without_a_connection():
    emulator = Emulator()
    async with client_of(emulator) as client:
        source = await publisher(client, "mic", "camera")
        viewer = await Peer.join(client)
        mids = await viewer.subscribe(remote(source.id, "mic"), remote(source.id, "camera"))
        assert len(set(mids)) == 2
        received = emulator.active_tracks(viewer.id)
        assert [track["source_session_id"] for track in received] == [source.id] * 2


async def test_a_subscription_waits_until_its_session_is_connected():
    async with client_of(Emulator(media=ManualMediaPlane(connect_after=4))) as client:
        source = await publisher(client, "mic")
        await asyncio.sleep(4)
        peer = await Peer.join(client)
        await peer.publish("mic")
        started = asyncio.get_running_loop().time()
        await peer.subscribe(remote(source.id, "mic"))
        assert asyncio.get_running_loop().time() - started == pytest.approx(4, abs=0.05)


async def test_a_subscription_without_a_connection_fails_after_five_seconds():
    async with client_of(Emulator(media=ManualMediaPlane(automatic=False))) as client:
        peer = await Peer.join(client)
        await peer.publish("mic")
        started = asyncio.get_running_loop().time()
        response = await peer.post_tracks([remote("x", "mic")])
        assert (response.status_code, response.json()["errorCode"]) == (425, "session_error")
        assert asyncio.get_running_loop().time() - started == pytest.approx(5)


async def test_a_publisher_that_is_unknown_or_not_connected_is_not_found():
    media = ManualMediaPlane(automatic=False)
    async with client_of(Emulator(media=media)) as client:
        source, viewer = await Peer.join(client), await Peer.join(client)
        await source.publish("mic")
        response = await viewer.post_tracks(
            [remote(source.id, "mic"), remote(source.id, "other"), remote("x", "mic")]
        )
        assert codes(response) == ["not_found_track_error"] * 3
        assert [item["mid"] for item in response.json()["tracks"]] == [""] * 3
        assert response.json()["requiresImmediateRenegotiation"] is False
        assert "sessionDescription" not in response.json()


async def test_a_silent_publisher_fails_alone_after_a_wait():
    media = ManualMediaPlane()
    emulator = Emulator(media=media)
    async with client_of(emulator) as client:
        loud, silent = await publisher(client, "mic"), await publisher(client, "mic")
        media.silence(silent.id)
        await asyncio.sleep(3)
        viewer = await Peer.join(client)
        started = asyncio.get_running_loop().time()
        response = await viewer.post_tracks([remote(silent.id, "mic"), remote(loud.id, "mic")])
        assert codes(response) == ["empty_track_error", None]
        waited = asyncio.get_running_loop().time() - started
        assert waited == pytest.approx(PACKETS_WAIT)
        assert waited > 8  # callers that give up sooner are held up by the service
        assert [t["source_session_id"] for t in emulator.active_tracks(viewer.id)] == [loud.id]


async def test_a_subscription_goes_on_as_soon_as_the_publisher_sends():
    media = ManualMediaPlane(automatic=False)
    async with client_of(Emulator(media=media)) as client:
        source, viewer = await Peer.join(client), await Peer.join(client)
        await source.publish("mic")
        media.connect(source.id)
        asyncio.get_running_loop().call_later(2, media.flow, source.id)
        started = asyncio.get_running_loop().time()
        await viewer.subscribe(remote(source.id, "mic"))
        assert asyncio.get_running_loop().time() - started == pytest.approx(2, abs=0.05)


async def test_a_track_silent_for_thirty_seconds_is_collected_and_may_be_published_anew():
    media = ManualMediaPlane()
    emulator = Emulator(media=media)
    async with client_of(emulator) as client:
        source = await publisher(client, "mic", "camera")
        viewer = await Peer.join(client)
        await viewer.subscribe(remote(source.id, "mic"))
        media.silence(source.id, "0")
        await asyncio.sleep(29)
        assert len(emulator.active_tracks()) == 3
        await asyncio.sleep(1.1)
        assert [track["track_name"] for track in emulator.active_tracks()] == ["camera"]
        assert codes(await source.publish("mic")) == [None]


async def test_the_collection_needs_nobody_to_look():
    media = ManualMediaPlane()
    async with client_of(Emulator(media=media)) as client:
        source = await publisher(client, "mic")
        media.silence(source.id)
        await asyncio.sleep(31)
        media.flow(source.id)
        await asyncio.sleep(1)
        assert (await source.get()).json()["tracks"][0]["status"] == "inactive"


async def test_what_is_received_ends_and_revives_with_its_publication():
    emulator = Emulator()
    async with client_of(emulator) as client:
        source, viewer = await publisher(client, "mic"), await Peer.join(client)
        (mid,) = await viewer.subscribe(remote(source.id, "mic"))
        await source.force_close("0")
        assert emulator.active_tracks(viewer.id) == []
        assert emulator.media.media(viewer.id).sends[0].source is None
        await source.publish("mic")
        assert emulator.media.media(viewer.id).sends[0].source.mid == "1"
        assert [track["mid"] for track in emulator.active_tracks(viewer.id)] == [mid]


async def test_a_section_the_endpoint_rejects_in_its_answer_is_not_received():
    emulator = Emulator()
    async with client_of(emulator) as client:
        source, viewer = await publisher(client, "mic", "camera"), await Peer.join(client)
        response = await viewer.post_tracks([remote(source.id, "mic"), remote(source.id, "camera")])
        offer = response.json()["sessionDescription"]["sdp"]
        first = value(blocks(offer)[0], "mid")
        rejecting = answer(offer, **{first: stopped(M("audio", first))})
        assert (await viewer.renegotiate(rejecting)).status_code == 200
        assert [track["track_name"] for track in emulator.active_tracks(viewer.id)] == ["camera"]


async def test_an_item_of_an_answer_can_be_passed_on_as_an_entry():
    async with client_of(Emulator()) as client:
        source, other, viewer = [await Peer.join(client) for _ in range(3)]
        offer = {"type": "offer", "sdp": describe(M("audio", "0"))}
        (published,) = (await source.publish("mic")).json()["tracks"]
        assert codes(await other.post_tracks([published], sessionDescription=offer)) == [None]
        await asyncio.sleep(0.1)
        response = await viewer.post_tracks([remote(source.id, "mic"), remote(source.id, "cam")])
        await viewer.answer(response.json()["sessionDescription"]["sdp"])
        await asyncio.sleep(0.5)
        received, failed = response.json()["tracks"]
        (updated,) = (await viewer.update(received)).json()["tracks"]
        assert codes(await viewer.update(updated)) == [None]
        again = await viewer.post_tracks([updated, received, failed])
        assert codes(again) == [None, None, "not_found_track_error"]


async def test_the_preferred_layer_reaches_the_media():
    emulator = Emulator()
    async with client_of(emulator) as client:
        source = await publisher(client, "camera", kind="video", rids=("h", "l"))
        viewer = await Peer.join(client)
        exact = {"preferredRid": "h"}
        missing = {"preferredRid": "x", "ridNotAvailable": "asciibetical"}
        strict = {"preferredRid": "x"}
        await viewer.subscribe(
            *(remote(source.id, "camera", simulcast=wanted) for wanted in (exact, missing, strict))
        )
        sends = emulator.media.media(viewer.id).sends
        assert [send.rids for send in sends] == [("h",), ("x", "h", "l"), ("x",)]


async def test_an_ice_restart_is_answered_with_new_credentials():
    emulator = Emulator()
    async with client_of(emulator) as client:
        peer = await publisher(client, "mic")
        offer = describe(*peer.sections, M("audio", "1"), ufrag="restarted")
        response = await peer.post_tracks(
            [local("1", "second")], sessionDescription={"type": "offer", "sdp": offer}
        )
        assert codes(response) == [None]
        old, new = emulator.media.media(peer.id).local
        assert new.ufrag in response.json()["sessionDescription"]["sdp"]
        assert old.ufrag != new.ufrag


async def test_a_codec_that_the_receiver_refused_is_shown_and_cannot_be_pointed_at():
    media = ManualMediaPlane()
    emulator = Emulator(media=media)
    async with client_of(emulator) as client:
        old = await publisher(client, "camera", kind="video")
        new = await publisher(client, "camera", kind="video")
        media.encode(new.id, "0", "av1/90000;profile=0")
        viewer = await Peer.join(client)
        response = await viewer.post_tracks([remote(old.id, "camera"), remote(new.id, "camera")])
        offer = response.json()["sessionDescription"]["sdp"]
        await viewer.renegotiate(answer(offer).replace("AV1/90000", "rejected/90000"))
        await asyncio.sleep(0.5)
        first, second = emulator.active_tracks(viewer.id)
        assert (first["undelivered_codec"], second["undelivered_codec"]) == (None, "av1/90000;profile=0")
        response = await viewer.update(remote(new.id, "camera", mid=first["mid"]))
        assert codes(response) == ["update_track_error"]


@pytest.mark.parametrize(
    ("asked", "listed"),
    [
        ({}, {"priorityOrdering": "none", "ridNotAvailable": "none"}),
        ({"priorityOrdering": "asciibetical"}, {"ridNotAvailable": "none"}),
    ],
)
async def test_the_listing_repeats_what_was_asked_of_the_layers(asked, listed):
    async with client_of(Emulator()) as client:
        source = await publisher(client, "camera", kind="video", rids=("h", "l"))
        viewer = await Peer.join(client)
        await viewer.subscribe(remote(source.id, "camera", simulcast={"preferredRid": "h", **asked}))
        (track,) = (await viewer.get()).json()["tracks"]
        assert track["simulcast"] == {"preferredRid": "h", **asked, **listed}


async def test_an_ordering_that_is_none_of_the_two_is_refused():
    async with client_of(Emulator()) as client:
        viewer = await Peer.join(client)
        wanted = remote("x", "camera", simulcast={"priorityOrdering": "best"})
        response = await viewer.post_tracks([wanted])
        assert (response.status_code, response.json()["errorCode"]) == (400, "decoding_error")
