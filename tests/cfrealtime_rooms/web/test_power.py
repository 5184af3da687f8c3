"""What the host decides about us, and what we choose to receive."""

import pytest

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]

MUTED = "{rights: {subscribe: true, message: true, muted: ['camera']}}"
STOPPED = "!room.self.tracks.has('camera')"


async def test_what_the_host_mutes_is_stopped_here_and_the_rest_goes_on(enter):
    client = await enter(audio=True, video=True)
    await client.until_sent("media (microphone,camera)")
    await client.run("window.camera = room.self.tracks.get('camera').stream.getTracks()[0]")
    await client.run(
        "window.rights = []; room.on('rights', ({ rights }) => window.rights.push(rights.muted))"
    )
    await client.run(f"fake.say('rights', {MUTED})")
    await client.until(STOPPED)
    assert await client.run("return [camera.readyState, rights, [...room.self.tracks.keys()]]") == [
        "ended",
        [["camera"]],
        ["microphone"],
    ]
    assert await client.told("error") == ["muted_by_host"]
    assert await client.run("return fake.taken()") == []


async def test_what_is_muted_by_the_host_is_not_even_opened_until_it_is_allowed(enter):
    client = await enter(audio=True)
    await client.until_sent("media (microphone)")
    await client.run(f"fake.say('rights', {MUTED})")
    on = "return room.setMuted('camera', false).then(() => 'on', (error) => error.code)"
    assert await client.run(on) == "muted_by_host"
    assert (
        await client.run("return room.publish('camera', picture()).catch((e) => e.code)") == "muted_by_host"
    )
    assert await client.run("return fake.taken()") == []
    await client.run("fake.say('rights', {rights: {subscribe: true, message: true, muted: []}})")
    assert await client.run(on) == "on"


async def test_rights_that_came_with_joining_are_known_and_the_same_again_are_no_news(enter):
    client = await enter()
    assert await client.run("return room.rights") == {
        "publish": None,
        "subscribe": True,
        "message": True,
        "muted": [],
    }
    await client.run("window.news = 0; room.on('rights', () => (window.news += 1))")
    limited = "{rights: {publish: ['microphone'], subscribe: true, message: false, muted: []}}"
    await client.run(f"fake.say('rights', {limited}); fake.say('rights', {limited})")
    assert await client.run("return [room.rights.publish, room.rights.message, news]") == [
        ["microphone"],
        False,
        1,
    ]
    assert await client.run("return room.shareScreen().catch((error) => error.code)") == "not_allowed"


async def test_an_offer_that_crossed_a_mute_costs_the_muted_source_only(enter):
    client = await enter()
    await client.run("fake.slowness = 300; fake.refusals = [{code: 'muted_by_host'}]")
    both = "[room.publish('camera', picture()), room.publish('board', picture())]"
    # In the page, so that it is in time however slow this machine is.
    offered = (
        "while (!fake.log.some(({ type }) => type === 'offer')) await new Promise(requestAnimationFrame)"
    )
    await client.run(f"window.both = Promise.allSettled({both}); {offered}; fake.say('rights', {MUTED})")
    settled = await client.run("return (await both).map((one) => one.status)")
    assert settled == ["rejected", "fulfilled"]
    await client.until_sent("media (board)")


async def test_a_choice_and_layers_are_said(enter, ben):
    client = await enter(ben)
    await client.until_sent("answer")
    await client.run("room.select({participants: ['ben'], publications: ['x']}); room.select()")
    await client.run("room.preferLayers({'ben-camera': 'low', x: null})")
    said = "fake.log.filter(({type}) => type === 'select' || type === 'layers')"
    assert await client.run(f"return {said}") == [
        {"type": "select", "publications": ["x"], "participants": ["ben"]},
        {"type": "select", "publications": [], "participants": []},
        {"type": "layers", "layers": {"ben-camera": "low", "x": None}},
    ]


async def test_a_simulcast_publication_says_its_layers(enter):
    client = await enter()
    await client.run("await room.publish('camera', picture(), {simulcast: true})")
    offer = "fake.log.find(({type}) => type === 'offer')"
    assert await client.run(f"return {offer}.tracks[0].rids") == ["c", "b", "a"]
    layers = f"[...{offer}.sdp.matchAll(/a=rid:(.) send/g)].map(([, rid]) => rid)"
    assert await client.run(f"return {layers}") == ["c", "b", "a"]


async def test_the_layers_of_others_and_the_rooms_attributes_are_seen(enter, ben):
    client = await enter({**ben, "rids": ["l", "h"]})
    assert await client.run("return room.participants[1].tracks.get('camera').rids") == ["l", "h"]
    await client.run("window.told = []; room.on('attributes', (event) => told.push(event.attributes))")
    await client.run("const track = () => room.participants[1].tracks.get('camera'); window.before = track()")
    await client.run("fake.attributes = {topic: 'tea'}; fake.change()")
    await client.run("fake.attributes = undefined; fake.change()")
    assert await client.run("return [room.attributes, told]") == [{"topic": "tea"}, [{"topic": "tea"}]]
