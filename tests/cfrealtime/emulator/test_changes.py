"""tracks/update and tracks/close over HTTP, in virtual time."""

from __future__ import annotations

import asyncio

import pytest

from cfrealtime.emulator import Emulator, ManualMediaPlane
from tests.cfrealtime.emulator.peer import Peer, client_of, codes, local, remote
from tests.cfrealtime.emulator.sdp.endpoint import M, blocks, describe
from tests.cfrealtime.emulator.test_tracks import publisher

pytestmark = pytest.mark.looptime


def to(mid: str, session_id: str, name: str, **fields) -> dict:
    return remote(session_id, name, mid=mid, **fields)


async def test_an_update_fails_until_media_flows_and_then_points_elsewhere():
    emulator = Emulator()
    async with client_of(emulator) as client:
        first, second = await publisher(client, "mic"), await publisher(client, "mic")
        viewer = await Peer.join(client)
        (mid,) = await viewer.subscribe(remote(first.id, "mic"))
        assert codes(await viewer.update(to(mid, second.id, "mic"))) == ["update_track_error"]
        await asyncio.sleep(0.5)
        assert codes(await viewer.update(to(mid, second.id, "mic"))) == [None]
        assert [t["source_session_id"] for t in emulator.active_tracks(viewer.id)] == [second.id]
        assert emulator.media.media(viewer.id).sends[0].source.session_id == second.id


async def test_a_spare_mid_is_pointed_at_a_new_publication():
    emulator = Emulator()
    async with client_of(emulator) as client:
        gone, second = await publisher(client, "mic"), await publisher(client, "mic")
        viewer = await Peer.join(client)
        (mid,) = await viewer.subscribe(remote(gone.id, "mic"))
        await asyncio.sleep(1)
        await gone.force_close("0")
        assert codes(await viewer.update(to(mid, second.id, "mic"))) == [None]
        assert len(emulator.active_tracks(viewer.id)) == 1


async def test_an_update_names_what_is_wrong_with_each_item():
    media = ManualMediaPlane()
    async with client_of(Emulator(media=media)) as client:
        source = await publisher(client, "mic")
        await source.publish("camera", kind="video")
        silent = await publisher(client, "mic")
        media.silence(silent.id)
        viewer = await Peer.join(client)
        (mid,) = await viewer.subscribe(remote(source.id, "mic"))
        await asyncio.sleep(3)
        response = await viewer.update(
            to("unknown", source.id, "mic"),
            {"location": "remote"},
            to(mid, "x", "mic"),
            to(mid, silent.id, "mic"),
            to(mid, source.id, "camera"),
        )
        assert codes(response) == [
            "update_track_error",
            "update_track_error",
            "not_found_track_error",
            "empty_track_error",
            "update_track_error",
        ]


async def test_a_layer_is_changed_only_where_the_publication_has_it():
    emulator = Emulator()
    async with client_of(emulator) as client:
        source = await publisher(client, "camera", kind="video", rids=("f", "q"))
        await source.publish("mic")
        viewer = await Peer.join(client)
        video, audio = await viewer.subscribe(remote(source.id, "camera"), remote(source.id, "mic"))
        await asyncio.sleep(1)
        response = await viewer.update(
            {"mid": video, "simulcast": {"preferredRid": "q"}},
            {"mid": video, "simulcast": {"preferredRid": "x"}},
            {"mid": audio, "simulcast": {"preferredRid": "q"}},
        )
        assert codes(response) == [None, "update_track_error", "update_track_error"]
        assert emulator.media.media(viewer.id).sends[0].rids == ("q",)


async def test_a_forced_close_is_listed_as_inactive_and_fails_when_repeated():
    emulator = Emulator()
    async with client_of(emulator) as client:
        peer = await publisher(client, "mic", "camera")
        response = await peer.force_close("0", "9")
        assert codes(response) == [None, "close_track_error"]
        assert "sessionDescription" not in response.json()
        assert codes(await peer.force_close("0")) == ["close_track_error"]
        assert [track["status"] for track in (await peer.get()).json()["tracks"]] == ["inactive", "active"]


async def test_a_forced_close_stops_the_media_of_both_sides():
    emulator = Emulator()
    async with client_of(emulator) as client:
        source, viewer = await publisher(client, "mic"), await Peer.join(client)
        (mid,) = await viewer.subscribe(remote(source.id, "mic"))
        await viewer.force_close(mid)
        assert emulator.media.media(viewer.id).sends == ()
        await source.force_close("0")
        assert emulator.media.media(source.id).receives == ()


async def test_publishing_again_on_a_mid_closed_by_force_delivers_nothing():
    emulator = Emulator()
    async with client_of(emulator) as client:
        source, viewer = await publisher(client, "mic"), await Peer.join(client)
        await source.force_close("0")
        source.sections = []
        response = await source.publish_sections([M("audio", "0")], ("mic",))
        assert codes(response) == [None]
        await asyncio.sleep(1)
        assert codes(await viewer.post_tracks([remote(source.id, "mic")])) == ["empty_track_error"]


async def test_a_negotiated_close_is_answered_and_leaves_the_rest():
    emulator = Emulator()
    async with client_of(emulator) as client:
        peer = await publisher(client, "mic", "camera")
        response = await peer.close("0", "9")
        assert codes(response) == [None, "close_track_error"]
        stopped, kept = blocks(response.json()["sessionDescription"]["sdp"])
        assert stopped[0].split()[1] == "0"
        assert kept[0].split()[1] != "0"
        assert [track["track_name"] for track in emulator.active_tracks()] == ["camera"]


async def test_a_negotiated_close_may_list_more_than_its_offer_stops():
    emulator = Emulator()
    async with client_of(emulator) as client:
        peer = await publisher(client, "mic", "camera", "screen")
        assert codes(await peer.close("0", "1", stop=("0",))) == [None, None]
        assert [track["track_name"] for track in emulator.active_tracks()] == ["screen"]


async def test_a_mid_closed_with_an_offer_that_left_its_section_can_be_published_on_again():
    emulator = Emulator()
    async with client_of(emulator) as client:
        source, viewer = await publisher(client, "mic", "camera"), await Peer.join(client)
        assert codes(await source.close("0", stop=())) == [None]
        offer = {"type": "offer", "sdp": describe(*source.sections)}
        again = await source.post_tracks([local("0", "mic")], sessionDescription=offer)
        assert codes(again) == [None]
        await viewer.subscribe(remote(source.id, "mic"))
        assert [receive.active for receive in emulator.media.media(source.id).receives] == [True, True]


async def test_an_offer_that_stops_a_section_closes_what_stood_on_it():
    emulator = Emulator()
    async with client_of(emulator) as client:
        peer = await publisher(client, "mic", "camera")
        await peer.close("9", stop=("0",))
        assert [track["track_name"] for track in emulator.active_tracks()] == ["camera"]


async def test_negotiating_the_last_section_away_ends_the_session():
    async with client_of(Emulator()) as client:
        peer = await publisher(client, "mic")
        assert codes(await peer.close("0")) == [None]
        assert (await peer.get()).status_code == 410


async def test_a_section_that_is_only_inactive_keeps_the_session():
    async with client_of(Emulator()) as client:
        peer = await publisher(client, "mic")
        peer.direct("0", "inactive")
        assert codes(await peer.close("0", stop=())) == [None]
        assert (await peer.get()).status_code == 200


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"tracks": [{"mid": "0"}]}, "decoding_error"),
        ({"tracks": [{}], "force": True}, "decoding_error"),
        ({"tracks": [], "force": True}, "invalid_params"),
        ({"tracks": [{"mid": "0"}], "force": False}, "invalid_params"),
    ],
)
async def test_a_close_that_lacks_something_is_refused(body, code):
    async with client_of(Emulator()) as client:
        peer = await publisher(client, "mic")
        response = await client.put(f"{peer.path}/tracks/close", json=body)
        assert (response.status_code, response.json()["errorCode"]) == (400, code)
