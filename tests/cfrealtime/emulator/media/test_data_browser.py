"""Data channels between two pages of a real browser."""

from __future__ import annotations

import httpx
import pytest
from playwright.async_api import Browser

from cfrealtime.emulator import Emulator, UdpMediaPlane
from tests.cfrealtime.emulator.data_peer import DataPeer, channel_codes, heard, told
from tests.cfrealtime.emulator.media.browser_peer import BrowserPeer, chromium, open_peer

pytestmark = pytest.mark.browser

PREPARE = """() => {
  window.channels = {};
  window.heard = {};
  window.announced = {};
  pc.ondatachannel = ({ channel }) => { announced[channel.id] = channel.label; };
}"""
OPEN = """([label, id, options]) => new Promise((resolve) => {
  const channel = pc.createDataChannel(label, { ...options, negotiated: true, id });
  channel.binaryType = 'arraybuffer';
  heard[id] = [];
  channel.onmessage = ({ data }) => heard[id].push(typeof data === 'string' ? data : data.byteLength);
  channel.onopen = resolve;
  channels[id] = channel;
})"""
SAY = "([id, message]) => channels[id].send(typeof message === 'string' ? message : new ArrayBuffer(message))"


class DataPage:
    """A page with its session. Binary messages are written as their length."""

    def __init__(self, peer: DataPeer, browser: BrowserPeer) -> None:
        self.peer, self.browser, self.page = peer, browser, browser.page

    @classmethod
    async def join(cls, client: httpx.AsyncClient, browser: Browser) -> DataPage:
        joined = cls(await DataPeer.join(client), await open_peer(browser))
        await joined.page.evaluate(PREPARE)
        return joined

    async def establish(self) -> None:
        """Let the service offer the transport."""
        response = (await self.peer.establish()).json()
        answer = await self.browser.call("take", response["sessionDescription"]["sdp"])
        assert (await self.peer.renegotiate(answer)).status_code == 200

    async def offer(self) -> int:
        """Offer the transport; gives the id of the service's channel."""
        await self.page.evaluate("() => { pc.createDataChannel('server-events'); }")
        sdp, _ = await self.browser.offer()
        response = (await self.peer.establish(sessionDescription={"type": "offer", "sdp": sdp})).json()
        await self.browser.call("answered", response["sessionDescription"]["sdp"])
        return response["dataChannel"]["id"]

    async def open(self, entry: dict, **options) -> int:
        response = await self.peer.channels(entry)
        assert channel_codes(response) == [None], response.text
        channel_id = response.json()["dataChannels"][0]["id"]
        await self.page.evaluate(OPEN, [entry["dataChannelName"], channel_id, options])
        return channel_id

    async def say(self, channel_id: int, *messages: str | int) -> None:
        for message in messages:
            await self.page.evaluate(SAY, [channel_id, message])

    async def hears(self, channel_id: int, *messages: str | int) -> None:
        wanted = [channel_id, list(messages)]
        await self.page.wait_for_function(
            "([id, wanted]) => JSON.stringify(heard[id]) === JSON.stringify(wanted)",
            arg=wanted,
            timeout=60_000,
        )

    async def is_told_of(self, channel_id: int) -> None:
        await self.page.wait_for_function(
            "(id) => announced[id] === 'server-events'", arg=channel_id, timeout=60_000
        )


@pytest.fixture
async def pair():
    """Two pages; alice was offered her transport by the service, bob offered his."""
    async with (
        Emulator(media=UdpMediaPlane()).serve() as base_url,
        httpx.AsyncClient(
            base_url=base_url.removesuffix("/v1"), headers={"Authorization": "Bearer secret"}, timeout=60
        ) as client,
        chromium() as browser,
    ):
        alice, bob = await DataPage.join(client, browser), await DataPage.join(client, browser)
        await alice.establish()
        assert await bob.offer() == 1
        yield alice, bob


async def test_a_page_hears_another_as_it_speaks_and_replies_where_it_may(pair):
    alice, bob = pair
    voice = await alice.open(told("chat"))
    ear = await bob.open(heard(alice.peer.id, "chat", waitForAck=True, canReply=True))
    await bob.say(ear, "ack", "ready")
    await alice.hears(voice, "ready")
    said = ["hello", "", 3, 0, 262_144]
    await alice.say(voice, *said)
    await bob.hears(ear, *said)
    await alice.is_told_of(0)
    await bob.is_told_of(1)


async def test_a_lossy_channel_carries_messages_and_closes_at_both_pages(pair):
    alice, bob = pair
    policy = {"ordered": False, "maxRetransmits": 0}
    voice = await alice.open(told("state", **policy), **policy)
    ear = await bob.open(heard(alice.peer.id, "state", **policy), **policy)
    await alice.say(voice, "here")
    await bob.hears(ear, "here")
    await alice.peer.close_channels(voice)
    for page, channel_id in ((alice.page, voice), (bob.page, ear)):
        await page.wait_for_function("(id) => channels[id].readyState === 'closed'", arg=channel_id)
