"""The media plane and the negotiation against a real browser."""

from __future__ import annotations

import pytest

from tests.cfrealtime.emulator.media.browser_peer import BrowserPeer, chromium, open_peer
from tests.cfrealtime.emulator.peer import until

pytestmark = pytest.mark.browser

LAYERS = [
    {"rid": "q", "scaleResolutionDownBy": 4},
    {"rid": "h", "scaleResolutionDownBy": 2},
    {"rid": "f"},
]


@pytest.fixture
async def browser():
    async with chromium() as browser:
        yield browser


async def publish(sfu, name: str, peer: BrowserPeer) -> list[str]:
    """Publish everything the page sends; its mids."""
    sdp, mids = await peer.offer()
    await peer.call("answered", sfu.publish(name, sdp, mids))
    return mids


async def subscribe(sfu, name: str, peer: BrowserPeer, *sources) -> tuple[str, ...]:
    offer, mids = sfu.subscribe(name, *sources)
    sfu.answered(name, await peer.call("take", offer))
    return mids


@pytest.fixture
async def pair(sfu, browser):
    """Two pages that have published microphone and camera: alice at 640, bob at 320 pixels."""
    alice, bob = await open_peer(browser), await open_peer(browser)
    await alice.camera(640)
    await bob.camera(320)
    assert await publish(sfu, "alice", alice) == ["0", "1"]
    assert await publish(sfu, "bob", bob) == ["0", "1"]
    return alice, bob


async def test_two_pages_see_and_hear_each_other(sfu, pair):
    alice, bob = pair
    to_alice = await subscribe(sfu, "alice", alice, ("audio", "bob", "0"), ("video", "bob", "1"))
    to_bob = await subscribe(sfu, "bob", bob, ("audio", "alice", "0"), ("video", "alice", "1"))
    for peer, (audio, video), width in ((alice, to_alice, 320), (bob, to_bob, 640)):
        await peer.plays(video, width)
        await peer.plays(audio)
    assert {("connected", "alice"), ("connected", "bob")} == set(sfu.events.seen)


async def test_a_screen_is_added_taken_and_stopped_while_the_rest_goes_on(sfu, pair):
    alice, bob = pair
    _, camera = await subscribe(sfu, "bob", bob, ("audio", "alice", "0"), ("video", "alice", "1"))
    await alice.page.evaluate("screen()")
    *_, mid = await publish(sfu, "alice", alice)
    (screen,) = await subscribe(sfu, "bob", bob, ("video", "alice", mid))
    await bob.plays(screen, 800)
    await alice.page.evaluate("pc.getTransceivers().at(-1).stop()")
    sfu.negotiations["alice"].stop_sections([mid])
    await publish(sfu, "alice", alice)
    await bob.plays(camera, 640)


async def test_a_stopped_section_is_recycled_from_both_sides(sfu, pair):
    alice, bob = pair
    (seen,) = await subscribe(sfu, "alice", alice, ("video", "bob", "1"))
    for recycle in (True, False):
        await alice.page.evaluate("screen()")
        *_, mid = await publish(sfu, "alice", alice)
        await alice.page.evaluate("pc.getTransceivers().filter((t) => t.sender.track).at(-1).stop()")
        sfu.negotiations["alice"].stop_sections([mid])
        await publish(sfu, "alice", alice)
        if recycle:
            (again,) = await subscribe(sfu, "alice", alice, ("video", "bob", "1"))
            await alice.plays(again, 320)
    await alice.page.evaluate("screen()")
    *_, mid = await publish(sfu, "alice", alice)
    (screen,) = await subscribe(sfu, "bob", bob, ("video", "alice", mid))
    await bob.plays(screen, 800)
    await alice.plays(seen, 320)


async def test_a_live_section_is_pointed_at_another_publication(sfu, browser, pair):
    viewer = await open_peer(browser)
    (mid,) = await subscribe(sfu, "viewer", viewer, ("video", "alice", "1"))
    await viewer.plays(mid, 640)
    sfu.repoint("viewer", mid, "bob", "1")
    await viewer.plays(mid, 320)
    sfu.repoint("viewer", mid, "alice", "1")
    await viewer.plays(mid, 640)
    assert (await viewer.stats(mid))["packetsLost"] <= 0


async def test_a_page_that_subscribed_first_publishes_later(sfu, browser, pair):
    alice, _ = pair
    late = await open_peer(browser)
    (video,) = await subscribe(sfu, "late", late, ("video", "bob", "1"))
    await late.plays(video, 320)
    await late.camera(640)
    mids = await publish(sfu, "late", late)
    audio, camera = await subscribe(
        sfu, "alice", alice, ("audio", "late", mids[-2]), ("video", "late", mids[-1])
    )
    await alice.plays(camera, 640)
    await alice.plays(audio)
    await late.plays(video, 320)


async def test_each_layer_of_simulcast_can_be_had(sfu, browser):
    publisher, viewer = await open_peer(browser), await open_peer(browser)
    await publisher.camera(1280, LAYERS)
    mids = await publish(sfu, "layered", publisher)
    (mid,) = await subscribe(sfu, "viewer", viewer, ("video", "layered", mids[1]))
    for rid, width in (("q", 320), ("h", 640), ("f", 1280)):
        sfu.rids["viewer"][mid] = (rid,)
        sfu.apply("viewer")
        await viewer.plays(mid, width)


@pytest.mark.parametrize("codec", ["VP9", "AV1"])
async def test_layers_of_scalable_codecs_can_be_had_where_each_is_a_stream(sfu, browser, codec):
    publisher, viewer = await open_peer(browser), await open_peer(browser)
    await publisher.camera(640, [layer | {"scalabilityMode": "L1T1"} for layer in LAYERS[1:]], codec)
    mids = await publish(sfu, "layered", publisher)
    (mid,) = await subscribe(sfu, "viewer", viewer, ("video", "layered", mids[1]))
    for rid, width in (("h", 320), ("f", 640)):
        sfu.rids["viewer"][mid] = (rid,)
        sfu.apply("viewer")
        await viewer.plays(mid, width)
    assert sfu.plane.codec("layered", mids[1]).startswith(codec.lower())


async def test_data_channels_come_up_and_an_ice_restart_disturbs_nothing(sfu, browser, pair):
    peer = await open_peer(browser)
    await peer.page.evaluate("pc.createDataChannel('server-events', { negotiated: true, id: 0 })")
    await publish(sfu, "carol", peer)
    await peer.page.wait_for_function("pc.sctp && pc.sctp.state === 'connected'")
    (mid,) = await subscribe(sfu, "carol", peer, ("video", "alice", "1"))
    await peer.plays(mid, 640)
    await peer.page.evaluate("pc.restartIce()")
    sfu.negotiations["carol"].restart(sfu.plane.transport("carol"))
    await publish(sfu, "carol", peer)
    await peer.plays(mid, 640)


async def test_a_connection_that_a_page_closes_is_reported(sfu, pair):
    _, bob = pair
    await subscribe(sfu, "bob", bob, ("video", "alice", "1"))
    await bob.page.wait_for_function("pc.connectionState === 'connected'")
    await bob.page.evaluate("pc.close()")
    await until(lambda: ("closed", "bob") in sfu.events.seen)
    assert ("closed", "alice") not in sfu.events.seen
