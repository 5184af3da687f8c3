"""Adapters between real WebSockets and real WebRTC packets."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from itertools import pairwise

import av
import httpx
import pytest

from cfrealtime.emulator import Emulator, UdpMediaPlane
from cfrealtime.emulator.adapters.codecs import OpusDecoder, OpusEncoder
from cfrealtime.emulator.adapters.messages import Message, encode
from cfrealtime.emulator.media import rtp
from tests.cfrealtime.emulator.adapters.bot import Bot, running_bot
from tests.cfrealtime.emulator.adapters.calls import close, egress, ingest, made, new
from tests.cfrealtime.emulator.adapters.coding import HEIGHT, RATE, WIDTH, Camera, packets
from tests.cfrealtime.emulator.adapters.endpoint import sound_of
from tests.cfrealtime.emulator.adapters.tone import strength, tone
from tests.cfrealtime.emulator.media.light_peer import LightPeer
from tests.cfrealtime.emulator.peer import Peer, codes, local, remote, until
from tests.cfrealtime.emulator.sdp.endpoint import M

SSRC = 5000
SECOND = 192_000
PLI = bytes((0x81, 206))


@pytest.fixture
async def emulator():
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


@asynccontextmanager
async def publishing(
    client: httpx.AsyncClient, kind: str, send: Callable[[LightPeer], Awaitable[None]]
) -> AsyncGenerator[Peer]:
    """A peer whose one track is called "it" and is sent by a task."""
    peer, light = await Peer.join(client), LightPeer()
    offer = light.offer(M(kind, "0", ssrc=SSRC))
    response = await peer.post_tracks([local("0", "it")], sessionDescription={"type": "offer", "sdp": offer})
    await light.connect(response.json()["sessionDescription"]["sdp"])
    async with asyncio.timeout(30):  # we know of it first
        while True:
            if (await client.get("/_emulator/state")).json()["sessions"][-1]["connected"]:
                break
            await asyncio.sleep(0.01)
    sending = asyncio.create_task(send(light))
    try:
        yield peer
    finally:
        sending.cancel()
        await asyncio.gather(sending, return_exceptions=True)
        await light.close()


async def hum(light: LightPeer) -> None:
    """A tone, fifty packets a second."""
    encoder, sound = OpusEncoder(), tone(440, 1)
    for number in range(10_000):
        start = number % 50 * 3840
        for payload in encoder.encode(sound[start : start + 3840]):
            packet = rtp.write(
                marker=False,
                payload_type=111,
                sequence=number,
                timestamp=960 * number,
                ssrc=SSRC,
                extensions=b"",
                payload=payload,
            )
            await light.send(packet)
        await asyncio.sleep(0.02)


def filming(codec: str, payload_type: int) -> Callable[[LightPeer], Awaitable[None]]:
    """A camera that makes a key frame at the start, and when it is asked for one."""

    async def film(light: LightPeer) -> None:
        camera, sequence = Camera(codec), 0
        for number in range(10_000):
            asked = any(data.startswith(PLI) for data in light.rtcp)
            light.rtcp.clear()
            data = packets(
                codec,
                camera.frame(key=asked),
                first=sequence,
                timestamp=6000 * number,
                payload_type=payload_type,
                ssrc=SSRC,
                size=200,
            )
            sequence += len(data)
            for packet in data:
                await light.send(packet)
            await asyncio.sleep(1 / RATE)

    return film


async def test_a_tone_that_is_published_is_heard_at_the_websocket(client, bot):
    async with publishing(client, "audio", hum) as peer:
        item = await made(client, egress(peer.id, "it", bot.url))
        await until(lambda: len(bot.got) >= 60)
        heard = sound_of(bot.got)
        assert strength(heard[SECOND // 5 : SECOND], 440) > 0.95
        assert {after.sequence - before.sequence for before, after in pairwise(bot.got)} == {1}
        closed = (await close(client, item["adapterId"])).json()["tracks"][0]
        assert closed["bytesProcessed"] >= len(heard)
        await asyncio.wait_for(bot.connections[0].wait_closed(), 30)


async def test_what_a_websocket_says_is_heard_by_a_subscriber(client, bot):
    item = await made(client, ingest("speech", bot.url))
    talking = asyncio.create_task(bot.say(20 * tone(660, 1)))
    viewer, ears = await Peer.join(client), LightPeer()
    response = await viewer.post_tracks([remote(item["sessionId"], "speech")])
    assert codes(response) == [None]
    offer = response.json()["sessionDescription"]["sdp"]
    assert (await viewer.renegotiate(ears.answer(offer))).status_code == 200
    await ears.connect(offer)
    await ears.until(lambda: len(ears.rtp) >= 60)
    decoder = OpusDecoder()
    heard = b"".join(decoder.decode(rtp.parse(data).payload) for data in ears.rtp)
    assert strength(heard[SECOND // 5 : SECOND], 660) > 0.95
    await talking
    await ears.close()


@pytest.mark.parametrize(("codec", "payload_type"), [("vp8", 96), ("vp9", 98), ("h264", 106)])
async def test_video_arrives_as_one_jpeg_a_second(client, bot, codec, payload_type):
    async with publishing(client, "video", filming(codec, payload_type)) as peer:
        await asyncio.sleep(0.5)  # so that the first key frame has passed
        await made(client, egress(peer.id, "it", bot.url, output="jpeg"))
        await until(lambda: one_a_second(bot.got_at[-3:]))
        for message in bot.got:
            (picture,) = av.CodecContext.create("mjpeg", "r").decode(av.Packet(message.payload))
            assert (picture.width, picture.height) == (WIDTH, HEIGHT)
            assert message.sequence == 0


def one_a_second(moments: list[float]) -> bool:
    """Whether three came a second apart. A machine that is busy delays some, and then brings them closer."""
    return [after - before for before, after in pairwise(moments)] == pytest.approx([1, 1], abs=0.3)


async def test_an_endpoint_is_asked_as_the_service_asks_it(client, bot):
    await made(client, ingest(endpoint=bot.url))
    (request,) = bot.requests
    assert request.path == "/bot?token=once"
    sent = {name.lower() for name, _ in request.headers.raw_items()}
    assert sent == {"host", "upgrade", "connection", "sec-websocket-key", "sec-websocket-version"}


@pytest.mark.parametrize("path", ["/forbidden", "/moved"])
async def test_an_endpoint_that_refuses_or_redirects_is_not_connected(client, bot, path):
    response = await new(client, ingest(endpoint=bot.url.replace("/bot", path)))
    assert response.status_code == 503
    assert response.json()["tracks"][0]["errorCode"] == "websocket_handshake_failed"
    assert len(bot.requests) == 1


@pytest.mark.parametrize(
    "endpoint", ["ws://127.0.0.1:1/", "ws://nowhere.invalid/", "ws://127.0.0.1/#part", "wss://{bot}/"]
)
async def test_an_endpoint_that_is_not_there_is_not_connected(client, bot, endpoint):
    response = await new(client, ingest(endpoint=endpoint.replace("{bot}", bot.url.split("/")[2])))
    assert response.status_code == 503
    assert response.json()["tracks"][0]["errorCode"] == "websocket_handshake_failed"


async def test_a_message_that_is_too_large_ends_an_ingest(client, emulator, bot):
    item = await made(client, ingest(endpoint=bot.url))
    largest = encode(Message(bytes(31_996)))
    assert len(largest) == 32_000
    await bot.connections[0].send(largest)
    await until(lambda: emulator.state()["adapters"][0]["bytes_processed"] == 32_000)
    await bot.connections[0].send(largest + b"\0")
    await asyncio.wait_for(bot.connections[0].wait_closed(), 30)
    assert bot.connections[0].close_code == 1009
    await until(lambda: emulator.state()["adapters"][0]["status"] == "closed")
    assert codes(await close(client, item["adapterId"])) == [None]


async def test_an_egress_comes_back_when_its_connection_breaks(client, emulator, bot):
    async with publishing(client, "audio", hum) as peer:
        await made(client, egress(peer.id, "it", bot.url))
        await until(lambda: len(bot.got) >= 5)
        for ending in (bot.connections[0].close(), abort(bot)):
            before = len(bot.connections)
            await ending
            await until(lambda before=before: len(bot.connections) > before)
            bot.got.clear()
            await until(lambda: len(bot.got) >= 5)
        assert {request.path for request in bot.requests} == {"/bot?token=once"}
        assert emulator.state()["adapters"][0]["status"] == "connected"


async def abort(bot: Bot) -> None:
    """The connection breaks without a word."""
    bot.connections[-1].transport.abort()


async def test_stopping_leaves_no_task(bot):
    emulator = Emulator(media=UdpMediaPlane())
    before = asyncio.all_tasks()
    headers = {"Authorization": "Bearer secret"}
    async with (
        emulator.serve() as base_url,
        httpx.AsyncClient(base_url=base_url.removesuffix("/v1"), headers=headers, timeout=60) as client,
        publishing(client, "audio", hum) as peer,
    ):
        await made(client, egress(peer.id, "it", bot.url))
        item = await made(client, ingest(endpoint=bot.url))
        await until(lambda: len(bot.connections) == 2)
        await bot.say(tone(440, 1))
        assert item["sessionId"]
    for connection in bot.connections:
        await asyncio.wait_for(connection.wait_closed(), 30)
    await until(lambda: asyncio.all_tasks() == before)
