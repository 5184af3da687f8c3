"""A camera and a viewer on the emulator, each on a link that loses packets both ways."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from random import Random

from attrs import frozen

from tests.bench.emulator.endpoint import Endpoint
from tests.bench.emulator.room import Host
from tests.cfrealtime.emulator.media.bad_links import RATE, Camera, Viewer
from tests.cfrealtime.emulator.peer import Peer, codes, local, remote
from tests.cfrealtime.emulator.sdp.endpoint import M

CAMERA = M("video", "0", ssrc=1000)


class LoopTime:
    """The event loop's time, until it is stopped."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._stopped = False

    @property
    def now(self) -> float:
        return self._loop.time()

    def at(self, moment: float, event: Callable[[], None]) -> None:
        self._loop.call_at(moment, self._run, event)

    def stop(self) -> None:
        self._stopped = True

    def _run(self, event: Callable[[], None]) -> None:
        if not self._stopped:
            event()


class Lossy(Endpoint):
    """Loses a share of all media and feedback, both ways; what comes through is decrypted and told."""

    def __init__(self, loss: float, seed: int) -> None:
        super().__init__()
        self.told: Callable[[bytes], None] = lambda _: None
        self._loss, self._chance = loss, Random(seed)

    def send(self, packet: bytes) -> None:
        if self._chance.random() >= self._loss:
            super().send(packet)

    def _take_rtp(self, data: bytes) -> None:
        if self._chance.random() >= self._loss:
            self._handshake.put_nowait(data)

    def _take_rtcp(self, data: bytes) -> None:
        self._take_rtp(data)

    async def _rtp(self, data: bytes, arrival_time_ms: int) -> None:
        self.told(data)

    async def _rtcp(self, data: bytes) -> None:
        self.told(data)


@frozen
class Watched:
    """What a viewer saw."""

    sent: int
    """Pictures of the camera since the viewer's first one."""
    shown: int
    delays: tuple[float, ...]
    """Seconds from camera to screen, sorted."""
    key_frames: int


async def broadcast(host: Host, loss: float, seconds: float) -> Watched:
    """Send pictures for so long over two lossy links."""
    alice, bob, time = Lossy(loss, 1), Lossy(loss, 2), LoopTime()
    publisher, subscriber = await Peer.join(host.client), await Peer.join(host.client)
    offer = {"type": "offer", "sdp": alice.offer(CAMERA)}
    published = await publisher.post_tracks([local("0", "cam")], sessionDescription=offer)
    assert codes(published) == [None]
    await alice.connect(published.json()["sessionDescription"]["sdp"])
    camera = Camera(time, alice.send)
    alice.told = lambda data: camera.hear(data) if 192 <= data[1] <= 223 else None
    subscribed = await subscriber.post_tracks([remote(publisher.id, "cam")])
    assert codes(subscribed) == [None], subscribed.text
    ours = subscribed.json()["sessionDescription"]["sdp"]
    group = ours.split("a=ssrc-group:FID ")[1].split("\r\n")[0].split()
    viewer = Viewer(time, bob.send, int(group[0]), int(group[1]))
    bob.told = viewer.hear
    assert (await subscriber.renegotiate(bob.answer(ours))).status_code == 200
    await bob.connect(ours)
    await asyncio.sleep(seconds)
    camera.stopped = True
    await asyncio.sleep(2)
    time.stop()
    delays = sorted(at - camera.begun - number / RATE for number, at in viewer.shown)
    first = viewer.shown[0][0] if viewer.shown else 0
    await alice.close()
    await bob.close()
    return Watched(camera.frames - first, len(viewer.shown), tuple(delays), camera.key_frames)
