"""Adapters and a real browser: what Chromium films and hears at a WebSocket, and what it hears from one."""

from __future__ import annotations

import asyncio

import av
import httpx
import pytest

from cfrealtime.emulator import Emulator, UdpMediaPlane
from tests.cfrealtime.emulator.adapters.bot import Bot, running_bot
from tests.cfrealtime.emulator.adapters.calls import egress, ingest, made
from tests.cfrealtime.emulator.adapters.endpoint import sound_of
from tests.cfrealtime.emulator.adapters.tone import left, tone
from tests.cfrealtime.emulator.media.browser_peer import BrowserPeer, chromium, open_peer
from tests.cfrealtime.emulator.peer import Peer, codes, local, remote, until

pytestmark = pytest.mark.browser

LAYERS = [{"rid": "q", "scaleResolutionDownBy": 4}, {"rid": "f"}]
PREFER = """(mime) => pc.getTransceivers().at(-1).setCodecPreferences(
  RTCRtpSender.getCapabilities('video').codecs.filter((codec) => codec.mimeType === mime))"""


@pytest.fixture
def emulator():
    return Emulator(media=UdpMediaPlane())


@pytest.fixture
async def client(emulator):
    headers = {"Authorization": "Bearer secret"}
    async with (
        emulator.serve() as base_url,
        httpx.AsyncClient(base_url=base_url.removesuffix("/v1"), headers=headers, timeout=60) as client,
    ):
        yield client


@pytest.fixture
async def bot():
    async with running_bot() as bot:
        yield bot


@pytest.fixture
async def page():
    async with chromium() as browser:
        yield await open_peer(browser)


async def publish(emulator: Emulator, client: httpx.AsyncClient, page: BrowserPeer) -> Peer:
    """Publish the page's microphone and camera."""
    peer = await Peer.join(client)
    sdp, mids = await page.offer()
    response = await peer.post_tracks(
        [local(mid, name) for mid, name in zip(mids, ("mic", "camera"), strict=True)],
        sessionDescription={"type": "offer", "sdp": sdp},
    )
    assert codes(response) == [None, None]
    await page.call("answered", response.json()["sessionDescription"]["sdp"])
    await until(lambda: emulator.state()["sessions"][0]["connected"])  # until then it is not found
    return peer


async def picture(bot: Bot, number: int) -> av.VideoFrame:
    await until(lambda: len(bot.got) > number)
    (shown,) = av.CodecContext.create("mjpeg", "r").decode(av.Packet(bot.got[number].payload))
    return shown


@pytest.mark.parametrize("mime", ["video/VP8", "video/VP9", "video/H264"])
async def test_the_camera_of_a_page_arrives_as_pictures(emulator, client, bot, page, mime):
    await page.camera(640)
    await page.page.evaluate(PREFER, mime)
    peer = await publish(emulator, client, page)
    await made(client, egress(peer.id, "camera", bot.url, output="jpeg"))
    first, second = await picture(bot, 0), await picture(bot, 1)
    assert first.width == second.width == 640
    # Chromium's test picture is a green field with something that moves.
    assert bytes(first.planes[0]) != bytes(second.planes[0])


async def test_of_a_camera_with_layers_one_that_arrives_is_shown(emulator, client, bot, page):
    await page.camera(640, LAYERS)
    peer = await publish(emulator, client, page)
    await made(client, egress(peer.id, "camera", bot.url, output="jpeg"))
    assert (await picture(bot, 2)).width == 640


async def test_a_page_is_heard_and_hears(emulator, client, bot, page):
    await page.camera(320)
    peer = await publish(emulator, client, page)
    await made(client, egress(peer.id, "mic", bot.url))
    await until(lambda: len(bot.got) >= 75)
    assert max(left(sound_of(bot.got))) > 1000  # the beeps of Chromium's test microphone

    item = await made(client, ingest("speech", bot.url))
    await until(lambda: len(bot.connections) == 2)
    talking = asyncio.create_task(bot.say(25 * tone(440, 1)))  # while the page gets ready
    response = await peer.post_tracks([remote(item["sessionId"], "speech")])
    assert codes(response) == [None]
    answer = await page.call("take", response.json()["sessionDescription"]["sdp"])
    assert (await peer.renegotiate(answer)).status_code == 200
    await page.plays(response.json()["tracks"][0]["mid"])
    talking.cancel()
