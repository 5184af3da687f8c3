"""People come and go for half an hour of virtual time, and for a moment over real sockets: nothing stays."""

from __future__ import annotations

import asyncio
import gc
import sys
from collections import Counter
from functools import partial
from pathlib import Path
from random import Random
from types import FunctionType, ModuleType

import pytest

from cfrealtime.emulator import Emulator, ManualMediaPlane, UdpMediaPlane, world
from cfrealtime.emulator.journal import Journal
from tests.cfrealtime.emulator.peer import Peer, client_of, codes, local, remote
from tests.cfrealtime.emulator.talkers import listening, served, talking

FORGOTTEN = 700.0
"""Seconds after which an ended session is known no more."""
REMEMBERED = {"Entry", "Event", "_Happened"}
"""What the journal keeps, within bounds of its own."""
ENDED = {"Session", "Publication", "Subscription", "Locator", "_Named"}
"""What is known of sessions that ended, for ten minutes."""

ELSEWHERE = (type, ModuleType, FunctionType, asyncio.AbstractEventLoop)
"""Through these everything is found."""
JOURNAL = 20
"""So few calls are remembered, that the journal is full all the time."""
FLAT = 2000
"""Bytes: tables that have grown with a crowd do not shrink with it. A hundred ids would be more."""

NONSENSE = {"type": "offer", "sdp": "v=0"}


def kept(emulator: Emulator) -> int:
    """The bytes of all that an emulator holds, however deep.

    Not seen: what C libraries hold for it, what modules remember, and what allocators do not give back. The
    bench of comings and goings looks at these, as the memory of a process.
    """
    gc.collect()
    size, seen, found = 0, set[int](), list[object]([emulator])
    while found:
        thing = found.pop()
        if id(thing) not in seen and not isinstance(thing, ELSEWHERE):
            seen.add(id(thing))
            size += sys.getsizeof(thing)
            found += gc.get_referents(thing)
    return size


def objects() -> Counter[str]:
    """The emulator's own objects that are alive, by type."""
    gc.collect()
    kinds = Counter(map(type, gc.get_objects()))
    return Counter(
        {k.__name__: n for k, n in kinds.items() if str(k.__module__).startswith("cfrealtime.emulator")}
    )


async def visit(client, plane: ManualMediaPlane, here: list[Peer], chance: Random) -> None:
    """Join, publish, subscribe, stay for a while, and leave in one of the ways in which people do."""
    peer = await Peer.join(client)
    assert codes(await peer.publish("mic", "cam")) == [None, None]
    await asyncio.sleep(1)
    others = chance.sample(here, min(3, len(here)))
    found = [remote(other.id, "mic") for other in others]
    if found:
        response = await peer.post_tracks(found)
        if "sessionDescription" in response.json():
            await peer.answer(response.json()["sessionDescription"]["sdp"])
    here.append(peer)
    await asyncio.sleep(chance.uniform(5, 90))
    here.remove(peer)
    match chance.choice(["closes", "hangs up", "vanishes", "is forgotten"]):
        case "closes":
            await peer.force_close("0", "1")
            plane.kill(peer.id)
        case "hangs up":
            plane.kill(peer.id)
        case "vanishes":
            plane.lose(peer.id)
        case _:
            plane.silence(peer.id)
            await asyncio.sleep(40)
            plane.kill(peer.id)


async def come_and_go(client, plane: ManualMediaPlane, seconds: float, seed: int) -> int:
    """Somebody comes every few seconds; returns when the last one is forgotten."""
    chance, here = Random(seed), list[Peer]()
    until, count = asyncio.get_running_loop().time() + seconds, 0
    async with asyncio.TaskGroup() as visits:
        while asyncio.get_running_loop().time() < until:
            visits.create_task(visit(client, plane, here, chance))
            count += 1
            await asyncio.sleep(chance.uniform(4, 14))
    await asyncio.sleep(FORGOTTEN)
    return count


@pytest.mark.looptime
async def test_nothing_stays_after_half_an_hour_of_comings_and_goings(monkeypatch):
    monkeypatch.setattr(world, "Journal", partial(Journal, JOURNAL))
    plane = ManualMediaPlane()
    emulator = Emulator(media=plane)
    async with client_of(emulator) as client:
        await come_and_go(client, plane, 60, 0)  # what is made once is made before we look
        tasks, before = len(asyncio.all_tasks()), objects()
        count = await come_and_go(client, plane, 900, 1)
        middle = kept(emulator)
        count += await come_and_go(client, plane, 900, 2)
        after = objects()
        assert count > 150
        assert emulator.state()["sessions"] == []
        assert {kind: n for kind, n in (after - before).items() if kind not in REMEMBERED} == {}
        assert kept(emulator) - middle < FLAT
        assert len(asyncio.all_tasks()) == tasks
        assert plane._sessions == {}


async def test_nothing_stays_of_connections_that_were():
    def descriptors() -> int:
        return len(list(Path("/proc/self/fd").iterdir()))

    plane = UdpMediaPlane()
    async with served(Emulator(media=plane)) as client:
        async with talking(client, 1000, b"first") as (alice, _), listening(client, remote(alice.id, "mic")):
            pass
        await gone(plane)
        tasks, open_, before = len(asyncio.all_tasks()), descriptors(), objects()
        for ssrc in range(2000, 2800, 100):
            async with (
                talking(client, ssrc, b"word") as (alice, _),
                listening(client, remote(alice.id, "mic")) as (bob, _, _),
            ):
                refused = await bob.post_tracks([local("9", "none")], sessionDescription=NONSENSE)
                assert refused.status_code == 406
        await gone(plane)
        assert plane._by_peer == {}
        assert plane._responder._credentials == {}
        assert plane._forwarder._sessions == {}
        assert plane._forwarder._subscribers == {}
        assert {k: n for k, n in (objects() - before).items() if k not in REMEMBERED | ENDED} == {}
        assert (len(asyncio.all_tasks()), descriptors()) == (tasks, open_)


async def gone(plane: UdpMediaPlane) -> None:
    """Return once the plane knows nobody."""
    async with asyncio.timeout(60):
        while True:
            if not plane._links and not plane._closing:
                return
            await asyncio.sleep(0.02)
