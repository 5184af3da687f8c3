"""What passes through adapters and how they end, in virtual time: real codecs, no packets, no sockets."""

from __future__ import annotations

import asyncio
from collections import deque
from itertools import pairwise

import httpx
import pytest

from cfrealtime.emulator import Emulator, ManualMediaPlane
from cfrealtime.emulator.adapters.messages import Message, encode
from tests.cfrealtime.emulator.adapters.calls import (
    URL,
    close,
    egress,
    emulator_for,
    ingest,
    made,
    passes,
    publisher,
    statuses,
)
from tests.cfrealtime.emulator.adapters.endpoint import Endpoint, Line, sound_of
from tests.cfrealtime.emulator.adapters.tone import strength, tone
from tests.cfrealtime.emulator.peer import APP, Peer, client_of, codes, remote

pytestmark = pytest.mark.looptime

SECOND = 192_000
"""Bytes of one second of sound."""


@pytest.fixture
def endpoint() -> Endpoint:
    return Endpoint()


@pytest.fixture
def emulator(endpoint) -> Emulator:
    return emulator_for(endpoint)


def now() -> float:
    return asyncio.get_running_loop().time()


def why(emulator: Emulator) -> list[str | None]:
    return [adapter["closed_because"] for adapter in emulator.state()["adapters"]]


async def looped(client: httpx.AsyncClient, endpoint: Endpoint) -> tuple[Line, Line, dict, dict]:
    """An ingest, and an egress of what it publishes: the two sockets and the two items."""
    source = await made(client, ingest())
    endpoint.lines[0].say(tone(440, 0.1))
    await asyncio.sleep(0.05)
    sink = await made(client, egress(source["sessionId"], "speech"))
    await asyncio.sleep(1)
    endpoint.lines[1].got.clear()
    return endpoint.lines[0], endpoint.lines[1], source, sink


async def test_sound_goes_in_as_pcm_and_comes_out_as_the_same_sound(endpoint, emulator):
    async with client_of(emulator) as client:
        source, sink, *_ = await looped(client, endpoint)
        sound = tone(440, 1)
        for start in range(0, len(sound), 5000):  # at once, and cut anywhere
            source.say(sound[start : start + 5000])
        await asyncio.sleep(2)
        heard = sound_of(sink.got)
        assert len(heard) == SECOND
        assert strength(heard[SECOND // 4 :], 440) > 0.95
        assert all(len(message.payload) == 3840 for message in sink.got)
        assert [m.sequence - sink.got[0].sequence for m in sink.got] == list(range(50))
        assert {after.timestamp - before.timestamp for before, after in pairwise(sink.got)} == {960}


async def test_sound_that_comes_early_is_played_in_real_time(endpoint, emulator):
    async with client_of(emulator) as client:
        source, sink, *_ = await looped(client, endpoint)
        for _ in range(20):
            source.say(tone(300, 0.1))
        await asyncio.sleep(1)
        assert len(sink.got) == pytest.approx(50, abs=2)
        await asyncio.sleep(2)
        assert len(sink.got) == 100


async def test_in_a_pause_nothing_is_sent_and_time_goes_on(endpoint, emulator):
    async with client_of(emulator) as client:
        source, sink, *_ = await looped(client, endpoint)
        source.say(tone(300, 0.1))
        await asyncio.sleep(1)
        assert len(sink.got) == 5
        await asyncio.sleep(4)
        source.say(tone(300, 0.1))
        await asyncio.sleep(1)
        assert len(sink.got) == 10
        before, after = sink.got[4:6]
        assert after.sequence == before.sequence + 1
        assert (after.timestamp - before.timestamp) / 48_000 == pytest.approx(5, abs=0.15)


async def test_the_rest_of_a_frame_is_played_when_nothing_follows(endpoint, emulator):
    async with client_of(emulator) as client:
        source, sink, *_ = await looped(client, endpoint)
        source.say(tone(300, 0.03))
        await asyncio.sleep(1)
        assert len(sink.got) == 2


async def test_what_is_no_message_is_ignored(endpoint, emulator):
    async with client_of(emulator) as client:
        source, sink, item, _ = await looped(client, endpoint)
        carried = len(encode(Message(tone(440, 0.1))))
        for raw in ("hello", b"\xff\xff", b"\x2a\xff\x7f", b""):
            source.say_raw(raw)
        source.say_raw(encode(Message(tone(440, 0.1), sequence=7, timestamp=9)))
        await asyncio.sleep(1)
        assert len(sink.got) == 5
        closed = (await close(client, item["adapterId"])).json()["tracks"][0]
        assert closed["bytesProcessed"] == 2 * carried + 4  # a sequence number and a timestamp


async def test_sound_too_far_ahead_is_left_unread_until_there_is_room(endpoint, emulator):
    async with client_of(emulator) as client:
        await made(client, ingest())
        source = endpoint.lines[0]
        for _ in range(35):
            source.say(bytes(SECOND))
        await asyncio.sleep(1)
        assert source.unread() == pytest.approx(4, abs=1)
        await asyncio.sleep(10)
        assert source.unread() == 0


async def test_a_subscriber_is_offered_the_track_of_an_ingest(endpoint, emulator):
    async with client_of(emulator) as client:
        _, _, item, _ = await looped(client, endpoint)
        endpoint.lines[0].say(tone(440, 0.1))
        await asyncio.sleep(0.1)
        viewer = await Peer.join(client)
        await viewer.subscribe(remote(item["sessionId"], "speech"))
        (track,) = emulator.active_tracks(viewer.id)
        assert (track["track_name"], track["kind"]) == ("speech", "audio")


async def test_an_ingest_that_is_closed_ends_its_session(endpoint, emulator):
    async with client_of(emulator) as client:
        item = await made(client, ingest())
        assert codes(await close(client, item["adapterId"])) == [None]
        assert (await client.get(f"{APP}/sessions/{item['sessionId']}")).status_code == 410
        assert await passes(endpoint.lines[0].closed.is_set, 1)


async def test_an_ingest_that_is_hung_up_plays_the_rest_and_never_reconnects(endpoint, emulator):
    async with client_of(emulator) as client:
        source, sink, item, _ = await looped(client, endpoint)
        source.say(tone(440, 1))
        await asyncio.sleep(0.01)
        source.hang_up()
        await asyncio.sleep(0.5)
        assert statuses(emulator) == ["connected"] * 2
        await asyncio.sleep(30)
        assert len(sink.got) == 50
        assert set(why(emulator)) == {"its WebSocket was closed", "its track has ended"}
        assert len(endpoint.dialled) == 2
        assert sink.closed.is_set()
        assert (await client.get(f"{APP}/sessions/{item['sessionId']}")).status_code == 410


async def test_an_ingest_without_sound_for_30_seconds_loses_its_track(endpoint, emulator):
    async with client_of(emulator) as client:
        await made(client, ingest())
        await asyncio.sleep(20)
        endpoint.lines[0].say(tone(440, 0.02))
        await asyncio.sleep(29)
        assert statuses(emulator) == ["connected"]
        await asyncio.sleep(2)
        assert why(emulator) == ["its track has ended"]
        assert await passes(endpoint.lines[0].closed.is_set, 1)


async def test_closing_the_track_of_an_ingest_closes_the_adapter(endpoint, emulator):
    async with client_of(emulator) as client:
        item = await made(client, ingest())
        assert codes(await Peer(client, item["sessionId"]).force_close("0")) == [None]
        assert statuses(emulator) == ["closed"]
        assert await passes(endpoint.lines[0].closed.is_set, 1)
        again = await close(client, item["adapterId"])
        assert again.json()["tracks"] == [{"adapterId": item["adapterId"]}]


@pytest.mark.parametrize("how", ["closed", "gone"])
async def test_an_egress_ends_with_its_publication(endpoint, emulator, how):
    async with client_of(emulator) as client:
        peer = await publisher(client, "mic", "other")
        await made(client, egress(peer.id, "mic"))
        await peer.force_close("1")
        assert statuses(emulator) == ["connected"]
        if how == "closed":
            await peer.force_close("0")
        else:
            emulator.media.kill(peer.id)
        assert why(emulator) == ["its track has ended"]
        assert await passes(endpoint.lines[0].closed.is_set, 1)


async def test_a_closed_egress_is_sent_no_more_packets(endpoint, emulator):
    async with client_of(emulator) as client:
        source, _, _, item = await looped(client, endpoint)
        (_, take) = emulator.media._taps[item["adapterId"]]
        await close(client, item["adapterId"])
        source.say(tone(440, 1))
        await asyncio.sleep(1)
        assert take.__self__.outbox._waiting == deque()


async def test_an_egress_comes_back_to_the_same_endpoint_with_what_it_has_kept(endpoint, emulator):
    async with client_of(emulator) as client:
        source, sink, *_ = await looped(client, endpoint)
        endpoint.refuses = True
        sink.hang_up()
        source.say(tone(440, 1))
        await asyncio.sleep(3)
        assert statuses(emulator) == ["connected", "reconnecting"]
        endpoint.refuses = False
        assert await passes(lambda: len(endpoint.lines) == 3, 3)
        await asyncio.sleep(0.1)
        assert statuses(emulator) == ["connected"] * 2
        assert {url for _, url in endpoint.dialled} == {URL}
        assert len(endpoint.lines[2].got) == 50
        assert strength(sound_of(endpoint.lines[2].got)[SECOND // 4 :], 440) > 0.95


async def test_of_too_much_sound_the_newest_is_kept(endpoint, emulator):
    async with client_of(emulator) as client:
        source, sink, *_ = await looped(client, endpoint)
        endpoint.refuses = True
        sink.hang_up()
        source.say(tone(300, 2) + tone(900, 5))
        await asyncio.sleep(8)
        endpoint.refuses = False
        assert await passes(lambda: len(endpoint.lines) == 3, 3)
        await asyncio.sleep(0.1)
        kept = sound_of(endpoint.lines[2].got)
        assert len(kept) == 5 * SECOND
        assert strength(kept, 900) > 0.95


@pytest.mark.parametrize("how", ["refuses", "hangs"])
async def test_an_egress_whose_endpoint_stays_away_is_closed_after_15_seconds(endpoint, emulator, how):
    async with client_of(emulator) as client:
        peer = await publisher(client, "mic")
        item = await made(client, egress(peer.id))
        setattr(endpoint, how, True)
        lost_at = now()
        endpoint.lines[0].hang_up()
        await asyncio.sleep(14.9)
        assert statuses(emulator) == ["reconnecting"]
        await asyncio.sleep(0.2)
        assert why(emulator) == ["its WebSocket was lost for 15 seconds"]
        assert max(at for at, _ in endpoint.dialled) < lost_at + 15
        await asyncio.sleep(60)
        assert len(endpoint.dialled) <= 12
        closed = (await close(client, item["adapterId"])).json()["tracks"]
        assert closed == [{"adapterId": item["adapterId"]}]


async def test_an_egress_that_waits_for_its_endpoint_can_be_closed(endpoint, emulator):
    async with client_of(emulator) as client:
        peer = await publisher(client, "mic")
        item = await made(client, egress(peer.id))
        endpoint.refuses = True
        endpoint.lines[0].hang_up()
        await asyncio.sleep(1)
        tries = len(endpoint.dialled)
        assert codes(await close(client, item["adapterId"])) == [None]
        await asyncio.sleep(20)
        assert len(endpoint.dialled) == tries


async def test_what_an_endpoint_says_to_an_egress_is_read_and_ignored(endpoint, emulator):
    async with client_of(emulator) as client:
        _, sink, *_ = await looped(client, endpoint)
        sink.say(tone(440, 0.1))
        sink.say_raw("hello")
        await asyncio.sleep(0.1)
        assert sink.unread() == 0
        assert statuses(emulator) == ["connected"] * 2


async def test_an_emulator_that_stops_closes_its_adapters_and_leaves_nothing():
    endpoint = Endpoint()
    emulator = emulator_for(endpoint)
    async with client_of(emulator) as client:
        source, *_ = await looped(client, endpoint)
        source.say(tone(440, 1))
    assert all(line.closed.is_set() for line in endpoint.lines)
    assert statuses(emulator) == ["closed"] * 2
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_an_adapter_closed_before_it_has_begun_still_hangs_up(endpoint):
    emulator = Emulator(media=ManualMediaPlane(), dial=endpoint.dial)
    async with client_of(emulator) as client:
        peer = await publisher(client, "mic")
        registry, started = emulator._adapters, emulator._adapters._start

        def start_and_lose(line):
            adapter = started(line)
            registry._end(line, "the test wants it so")
            return adapter

        registry._start = start_and_lose
        await made(client, egress(peer.id))
        assert await passes(endpoint.lines[0].closed.is_set, 1)
