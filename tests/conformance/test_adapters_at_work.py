"""WebSocket adapters with a server that they find: what they carry, and what they do when it goes away."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager

import httpx
import pytest

from cfrealtime.emulator.adapters.codecs import OpusDecoder, OpusEncoder
from tests.cfrealtime.emulator.adapters.coding import Camera, payloads
from tests.cfrealtime.emulator.adapters.tone import strength, tone
from tests.cfrealtime.emulator.sdp.endpoint import M, blocks, payload_types
from tests.conformance.callers import Callers
from tests.conformance.stage import Person, Stage, outcome

HERTZ = 500
"""Whole periods in every frame of 20 ms, so that one frame can be said again and again."""
FRAME = 3_840
"""The bytes of 20 ms of PCM."""


async def adapters(stage: Stage, door: str, *entries: dict) -> httpx.Response:
    path = f"/apps/{stage.target.app_id}/adapters/websocket/{door}"
    return await stage.target.client.post(path, json={"tracks": list(entries)})


async def closed(stage: Stage, made: dict) -> httpx.Response:
    return await adapters(stage, "close", {"adapterId": made["adapterId"]})


def ingest(endpoint: str, **fields: object) -> dict:
    fields = {"location": "local", "trackName": "speech", "inputCodec": "pcm", **fields}
    return {**fields, "endpoint": endpoint}


def egress(person: Person, endpoint: str, output: str = "pcm", **fields: object) -> dict:
    return {**person.remote("0"), "endpoint": endpoint, "outputCodec": output, **fields}


async def made(stage: Stage, entry: dict) -> dict:
    """The item of an adapter, for which a publisher that begins is waited for."""
    async with asyncio.timeout(30 * stage.target.patience):
        while outcome(response := await adapters(stage, "new", entry)) != "200":
            assert "empty_track" in outcome(response) or "not_found_track" in outcome(response), outcome(
                response
            )
            await asyncio.sleep(0.2)
    (item,) = response.json()["tracks"]
    return item


@asynccontextmanager
async def talking(callers: Callers):
    """Speak a tone to the adapter without an end."""

    async def talk() -> None:
        while True:
            await callers.say(sound)
            await asyncio.sleep(0.1)

    sound = tone(HERTZ, 0.1)
    task = asyncio.create_task(talk())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def singer(stage: Stage) -> Person:
    """Somebody who sends a tone in real Opus."""
    person, encoder = await stage.enter(), OpusEncoder()
    assert outcome(await person.publish(M("audio", "0", ssrc=1000))) == "200"
    (*_, word) = [packet for _ in range(5) for packet in encoder.encode(tone(HERTZ, 0.02))]
    person.endpoint.speak("0", word, 1000)
    return person


def sound(callers: Callers, newest: int) -> bytes:
    return b"".join(message.payload for message in callers.got[-newest:])


async def test_sound_of_a_websocket_is_published(stage, callers):
    """[documented] PCM that a WebSocket sends is published as Opus, under a session made for it."""
    item, listener = await made(stage, ingest(callers.url)), await stage.enter()
    async with talking(callers):
        (mid,) = await listener.receive(
            {"location": "remote", "sessionId": item["sessionId"], "trackName": "speech"}
        )
        words = listener.endpoint.words
        await stage.until(lambda: mid in words and words[mid].total() >= 40)
    decoder, (*_, packet) = OpusDecoder(), words[mid]
    pcm = b"".join(decoder.decode(packet) for _ in range(20))
    assert strength(pcm[10 * FRAME :], HERTZ) > 0.8
    assert outcome(await closed(stage, item)) == "200"


async def test_sound_goes_out_to_a_websocket(stage, callers):
    """[documented] Opus goes out as PCM of 48 kHz, stereo, 16 bits, in numbered messages of 32 KB at most."""
    person = await singer(stage)
    item = await made(stage, egress(person, callers.url))
    await stage.until(lambda: sum(len(message.payload) for message in callers.got) >= 40 * FRAME)
    assert strength(sound(callers, 100)[-20 * FRAME :], HERTZ) > 0.8
    assert max(callers.sizes) <= 32_768
    numbers = [message.sequence for message in callers.got]
    assert numbers == sorted(set(numbers))
    assert outcome(await closed(stage, item)) == "200"


@pytest.mark.parametrize("codec", ["vp8", "vp9", "h264", "h265"])
async def test_pictures_go_out_to_a_websocket(stage, callers, codec):
    """[documented] Video in H.264, H.265, VP8 or VP9 goes out as JPEG."""
    person, camera = await stage.enter(), Camera(codec)
    section = M("video", "0", ssrc=1000, codecs=frozenset([codec.upper()]))
    response = await person.publish(section)
    assert outcome(response) == "200"
    number = payload_types(blocks(response.json()["sessionDescription"]["sdp"])[0])[codec.upper()]
    person.endpoint.show("0", lambda key: payloads(codec, camera.frame(key=key)), 1000, number)
    item = await made(stage, egress(person, callers.url, "jpeg"))
    await stage.until(lambda: len(callers.got) >= 1)
    picture = callers.got[0].payload
    assert picture[:2] + picture[-2:] == b"\xff\xd8\xff\xd9"
    assert outcome(await closed(stage, item)) == "200"


async def test_the_items_of_adapters(stage, callers):
    """[documented] `mode` and the session of a local entry are ignored; an egress names no session."""
    person = await singer(stage)
    incoming = await made(stage, ingest(callers.url, mode="buffer", sessionId=person.id))
    outgoing = await made(stage, egress(person, callers.url, mode="buffer"))
    assert incoming["sessionId"] not in (None, "", person.id)
    assert not outgoing.get("sessionId")
    assert incoming["adapterId"] != outgoing["adapterId"]
    for item in (incoming, outgoing):
        assert outcome(await closed(stage, item)) == "200"


async def test_what_was_carried_is_told_once(stage, callers, met):
    """[documented] A close tells `bytesProcessed`, and a second one succeeds without."""
    item = await made(stage, ingest(callers.url))
    await callers.say(tone(HERTZ, 1.0))
    await stage.pass_time(2)
    first, second = await closed(stage, item), await closed(stage, item)
    assert outcome(first) == "200"
    (told,) = first.json()["tracks"]
    assert told["bytesProcessed"] > 0
    (more,) = second.json()["tracks"]
    how = "with bytes" if "bytesProcessed" in more else "without bytes"
    known = ("200", "200 item:adapter_not_found", "503 item:adapter_not_found")
    met(f"again: {outcome(second)}, {how}", *(f"again: {one}, without bytes" for one in known))


async def test_an_adapter_that_is_closed_hangs_up(stage, callers):
    """[documented] A close ends the connection to the WebSocket."""
    item = await made(stage, ingest(callers.url))
    assert outcome(await closed(stage, item)) == "200"
    async with asyncio.timeout(30 * stage.target.patience):
        await callers.lines[0].wait_closed()


async def test_an_egress_comes_again(stage, callers):
    """[documented] Egress tries the same URL again for up to 15 s, and goes on where it is back in time."""
    person = await singer(stage)
    item = await made(stage, egress(person, callers.url))
    await stage.until(lambda: bool(callers.got))
    await callers.leave()
    await stage.pass_time(6)
    assert callers.tried > 1
    callers.away, before = False, len(callers.got)
    await stage.pass_time(4)
    await stage.until(lambda: len(callers.lines) == 2 and len(callers.got) > before)
    (told,) = (await closed(stage, item)).json()["tracks"]
    assert told["bytesProcessed"] > 0


async def test_an_egress_gives_up(stage, callers, met, measured):
    """[documented] An egress that is kept away for 15 s is closed, and must be made anew."""
    person, clock = await singer(stage), asyncio.get_running_loop().time
    item = await made(stage, egress(person, callers.url))
    await stage.until(lambda: bool(callers.got))
    await callers.leave()
    left, before, at = clock(), callers.tried, 0.0
    for _ in range(60):
        await stage.pass_time(0.5)
        if callers.tried > before:
            before, at = callers.tried, clock() - left
    measured(f"tried for {at:.0f} s")
    callers.away = False
    await stage.pass_time(5)
    assert len(callers.lines) == 1
    response = await closed(stage, item)
    (told,) = response.json()["tracks"]
    how = "with bytes" if "bytesProcessed" in told else "without bytes"
    known = ("200", "200 item:adapter_not_found", "503 item:adapter_not_found")
    tried = "15 s at most" if at <= 16 else "longer"
    met(
        f"tried {tried}, a close is {outcome(response)}, {how}",
        *(f"tried 15 s at most, a close is {one}, without bytes" for one in known),
    )


async def test_an_ingest_never_comes_again(stage, callers):
    """[documented] Ingest never reconnects: its track is over, and a new adapter has a new session."""
    item, listener = await made(stage, ingest(callers.url)), await stage.enter()
    await callers.say(tone(HERTZ, 0.1))
    await callers.lines[-1].close()
    await stage.pass_time(20)
    assert callers.tried == 1
    track = {"location": "remote", "sessionId": item["sessionId"], "trackName": "speech"}
    calling = asyncio.create_task(listener.new_tracks(track))
    while not calling.done():
        await stage.pass_time(0.5)
    assert outcome(await calling) != "200"
    other = await made(stage, ingest(callers.url))
    assert other["sessionId"] != item["sessionId"]
    assert other["adapterId"] != item["adapterId"]
    await closed(stage, other)


@pytest.mark.parametrize("size", [31_980, 32_768, 65_536])
async def test_the_size_of_a_message(stage, callers, met, size):
    """[documented] A message to an ingest has 32 KB at most; what becomes of a larger one is not told."""
    item = await made(stage, ingest(callers.url))
    await callers.say_at_once(bytes(size))
    await stage.pass_time(2)
    (told,) = (await closed(stage, item)).json()["tracks"]
    taken = told.get("bytesProcessed")
    what = "the connection ends" if taken is None else "it is taken" if taken else "it is ignored"
    small = ("it is taken",)
    met(
        f"{size} bytes: {what}",
        *(
            f"{size} bytes: {one}"
            for one in (small if size < 32_000 else (*small, "the connection ends", "it is ignored"))
        ),
    )


async def test_a_redirect_is_not_followed(stage, callers):
    """[documented] No redirects: an endpoint that sends adapters on fails its entry."""
    response = await adapters(stage, "new", ingest(callers.moved_url))
    assert outcome(response) == "503 item:websocket_handshake_failed"
    assert callers.tried == 0


async def test_one_success_is_a_success(stage, callers):
    """[documented] 200 when at least one entry succeeded; the others fail alone."""
    response = await adapters(stage, "new", ingest(callers.moved_url), ingest(callers.url, trackName="other"))
    assert outcome(response) == "200 item:websocket_handshake_failed"
    (good,) = [item for item in response.json()["tracks"] if not item.get("errorCode")]
    assert good["trackName"] == "other"
    await closed(stage, good)
