"""Whose media is whose, and what becomes of the devices."""

import pytest

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]

STREAMS = "const of = (id) => room.participants.find((p) => p.id === id).tracks.get('camera').stream;"
RECEIVED = "room.participants.filter((p) => !p.isSelf && p.tracks.get('camera')?.stream).length"


async def test_media_belongs_to_whom_the_latest_map_says(enter, ben, cid):
    client = await enter(ben, cid)
    await client.until(f"{RECEIVED} === 2")
    moved = await client.run(f"""{STREAMS}
        const track = (id) => of(id).getTracks()[0];
        const before = [track('ben'), track('cid'), of('ben')];
        const [[a, p], [b, q]] = Object.entries(fake.mids);
        fake.say('mids', {{epoch: fake.epoch, mids: {{[a]: q, [b]: p}}}});
        await new Promise((next) => setTimeout(next, 100));
        return [track('ben') === before[1], track('cid') === before[0], of('ben') === before[2]];
    """)
    assert moved == [True, True, True]


async def test_a_mid_of_an_unknown_publication_shows_once_the_roster_names_it(enter, ben, cid):
    client = await enter(ben)
    await client.until(f"{RECEIVED} === 1")
    await client.run("fake.others.push({id: 'cid', sources: ['camera']}); await fake.subscribe()")
    assert await client.told("track-added") == ["ben camera"]
    await client.run("fake.change()")
    await client.until(f"{RECEIVED} === 2")


async def test_a_track_goes_with_its_publication(enter, ben):
    client = await enter(ben)
    await client.until(f"{RECEIVED} === 1")
    await client.run("fake.others[0].sources = []; fake.change()")
    assert await client.told("track-removed") == ["ben camera"]


async def test_a_camera_that_is_off_is_stopped_and_a_still_picture_is_sent(enter):
    client = await enter(video=True)
    await client.until_sent("media (camera)")
    await client.run("window.device = room.self.tracks.get('camera').stream.getTracks()[0]")
    await client.run("await room.setMuted('camera', true); window.seen = await fake.frames()")
    assert await client.run("return [device.readyState, room.self.tracks.get('camera').muted]") == [
        "ended",
        True,
    ]
    await client.page.wait_for_function("async () => (await fake.frames()) > seen + 1")
    await client.run("await room.setMuted('camera', false)")
    assert (
        await client.run("return room.self.tracks.get('camera').stream.getTracks()[0].readyState") == "live"
    )
    assert "negotiate" not in await client.run("return fake.taken()")


async def test_mutes_are_carried_out_in_the_order_they_were_asked_for(enter):
    client = await enter(video=True)
    await client.run("for (const off of [true, false, true]) room.setMuted('camera', off)")
    await client.run("await room.setMuted('camera', true)")
    assert await client.run("return room.self.tracks.get('camera').muted") is True


async def test_a_track_of_the_app_is_muted_without_being_stopped(enter):
    client = await enter()
    await client.run(
        "window.own = picture(); await room.publish('board', own); await room.setMuted('board', true)"
    )
    await client.run("room.unpublish('board')")
    assert await client.run("return own.readyState") == "live"


async def test_a_share_that_the_browser_ends_is_unpublished(enter):
    client = await enter(
        setup="navigator.mediaDevices.getDisplayMedia = async () => new MediaStream([window.picture()])"
    )
    assert await client.run("return await room.shareScreen()") is True
    await client.run("room.self.tracks.get('screen').stream.getTracks()[0].dispatchEvent(new Event('ended'))")
    await client.until_sent("unpublish screen")


async def test_a_share_that_is_not_chosen_is_no_error(enter):
    refuses = "async () => { throw new DOMException('', 'NotAllowedError') }"
    client = await enter(setup=f"navigator.mediaDevices.getDisplayMedia = {refuses}")
    assert await client.run("return await room.shareScreen()") is False
    assert await client.told("error") == []


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("NotFoundError", "no_devices"),
        ("NotAllowedError", "permission_denied"),
        ("NotReadableError", "device_busy"),
    ],
)
async def test_devices_that_cannot_be_had_leave_a_viewer(enter, name, code):
    fails = f"navigator.mediaDevices.getUserMedia = async () => {{ throw new DOMException('', '{name}') }}"
    client = await enter(setup=fails, audio=True, video=True)
    assert await client.told("error") == [code]
    assert await client.run("return fake.taken()") == ["join"]


async def test_without_a_camera_the_microphone_is_published(enter):
    only_sound = """
        const native = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
        navigator.mediaDevices.getUserMedia = async (wanted) => {
          if (wanted.video) throw new DOMException('', 'NotFoundError');
          return await native(wanted);
        };"""
    client = await enter(setup=only_sound, audio=True, video=True)
    assert await client.told("error") == ["no_camera"]
    assert (await client.run("return fake.taken()"))[0] == "join [microphone]"


async def test_a_page_that_may_not_ask_for_devices_says_why(enter):
    insecure = """Object.defineProperty(navigator, 'mediaDevices', {value: undefined});
        Object.defineProperty(window, 'isSecureContext', {value: false});"""
    client = await enter(setup=insecure, audio=True)
    assert await client.told("error") == ["insecure_context"]


async def test_leaving_stops_the_devices(enter):
    client = await enter(audio=True, video=True)
    await client.run("window.tracks = [...room.self.tracks.values()].flatMap((t) => t.stream.getTracks())")
    await client.run("room.leave()")
    assert await client.run("return tracks.map((track) => track.readyState)") == ["ended", "ended"]
    assert "leave" in await client.run("return fake.taken()")
