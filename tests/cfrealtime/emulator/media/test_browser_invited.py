"""A real browser that answers offers which ask it to publish."""

from __future__ import annotations

import pytest

from cfrealtime.emulator.media.plan import Source
from cfrealtime.emulator.rules.publishing import LAYERS
from cfrealtime.emulator.sdp import NewReceive
from tests.cfrealtime.emulator.media.browser_peer import BrowserPeer, chromium, open_peer
from tests.cfrealtime.emulator.media.test_browser import publish, subscribe

pytestmark = pytest.mark.browser


@pytest.fixture
async def browser():
    async with chromium() as browser:
        yield browser


async def invite(sfu, name: str, peer: BrowserPeer, *wanted: NewReceive) -> tuple[str, ...]:
    offer, mids = sfu.invite(name, *wanted)
    sfu.answered(name, await peer.call("take", offer))
    return mids


async def test_a_page_publishes_what_it_is_asked_for(sfu, browser):
    alice, bob = await open_peer(browser), await open_peer(browser)
    await alice.ready(640)
    audio, video = await invite(sfu, "alice", alice, NewReceive("audio"), NewReceive("video"))
    heard, seen = await subscribe(sfu, "bob", bob, ("audio", "alice", audio), ("video", "alice", video))
    await bob.plays(seen, 640)
    await bob.plays(heard)


async def test_a_page_sends_the_layers_it_is_asked_for(sfu, browser):
    alice, bob = await open_peer(browser), await open_peer(browser)
    await alice.ready(1280)
    offer, (mid,) = sfu.invite("alice", NewReceive("video", LAYERS))
    sfu.answered("alice", await alice.call("layers", offer))
    (seen,) = await subscribe(sfu, "bob", bob, ("video", "alice", mid))
    for rid, width in (("q", 320), ("h", 640), ("f", 1280)):
        sfu.rids["bob"][seen] = (rid,)
        sfu.apply("bob")
        await bob.plays(seen, width)


async def test_one_section_brings_a_page_another_picture_back(sfu, browser):
    alice, bob = await open_peer(browser), await open_peer(browser)
    await alice.ready(640)
    await bob.camera(320)
    _, camera = await publish(sfu, "bob", bob)
    (mid,) = await invite(sfu, "alice", alice, NewReceive("video", both_ways=True))
    (seen,) = await subscribe(sfu, "bob", bob, ("video", "alice", mid))
    await bob.plays(seen, 640)
    sfu.sources["alice"][mid] = Source("bob", camera)
    sfu.apply("alice")
    await alice.plays(mid, 320)
    await bob.plays(seen, 640)
