"""A camera and a viewer on links that lose packets, with a forwarder between them, in a time of their own.

Both behave as browsers do: the camera repeats what is asked for and sends a key frame when told so, the
viewer asks for what it misses and shows a picture once it is whole and the one before was shown.
"""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable
from random import Random
from typing import Protocol

from cfrealtime.emulator.media import rtcp, rtp
from cfrealtime.emulator.media.forwarder import Forwarder
from tests.cfrealtime.emulator.media.test_forwarder import CAMERA, DELTA, KEY, VIEW

RATE = 30
PACKETS = 3
"""Of each picture."""
LATENCY = 0.02
ROUND_TRIP = 0.1
"""What the viewer waits before it asks again."""
TRIES = 10
KEY_FRAME_PAUSE = 0.3
TICK = 0.05


class Clock(Protocol):
    """What a camera and a viewer need of time."""

    @property
    def now(self) -> float: ...

    def at(self, moment: float, event: Callable[[], None]) -> None: ...


class Time:
    """Events in order; nothing waits."""

    def __init__(self) -> None:
        self.now = 0.0
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._numbers = itertools.count()

    def at(self, moment: float, event: Callable[[], None]) -> None:
        heapq.heappush(self._events, (moment, next(self._numbers), event))

    def run(self, until: float) -> None:
        while self._events and self._events[0][0] <= until:
            self.now, _, event = heapq.heappop(self._events)
            event()


class Camera:
    """Sends pictures, repeats packets, makes key frames when asked."""

    def __init__(self, time: Clock, send: Callable[[bytes], None]) -> None:
        self.frames = 0
        self.key_frames = 0
        self.stopped = False
        self._time, self._send = time, send
        self._sent: dict[int, tuple[int, bytes]] = {}
        self._sequence = itertools.count(1)
        self._repeated = itertools.count(1)
        self._key_wanted, self._last_key = True, float("-inf")
        self.begun = time.now
        time.at(time.now, self._picture)

    def _picture(self) -> None:
        if self.stopped:
            return
        key = self._key_wanted and self._time.now - self._last_key > KEY_FRAME_PAUSE
        if key:
            self._key_wanted, self._last_key = False, self._time.now
            self.key_frames += 1
        for number in range(PACKETS):
            head = (KEY if key else DELTA) if number == 0 else b"\x00\x01"
            payload = head + self.frames.to_bytes(4, "big") + bytes((number, key))
            sequence = next(self._sequence)
            self._sent[sequence] = (3000 * self.frames, payload)
            self._packet(sequence, 3000 * self.frames, payload, 96, 1000)
        self.frames += 1
        self._time.at(self.begun + self.frames / RATE, self._picture)

    def _packet(self, sequence: int, timestamp: int, payload: bytes, payload_type: int, ssrc: int) -> None:
        self._send(
            rtp.write(
                marker=False,
                payload_type=payload_type,
                sequence=sequence,
                timestamp=timestamp,
                ssrc=ssrc,
                extensions=b"",
                payload=payload,
            )
        )

    def hear(self, data: bytes) -> None:
        for message in rtcp.parse(data):
            if isinstance(message, rtcp.KeyFrameRequest):
                self._key_wanted = True
            elif isinstance(message, rtcp.Nack):
                for sequence in message.sequences:
                    timestamp, payload = self._sent[sequence]
                    wrapped = rtp.wrap_rtx(sequence, payload)
                    self._packet(next(self._repeated), timestamp, wrapped, 97, 1001)


class Viewer:
    """Asks for what it misses, shows what is whole."""

    def __init__(
        self,
        time: Clock,
        send: Callable[[bytes], None],
        ssrc: int = VIEW.ssrc,
        rtx_ssrc: int | None = VIEW.rtx_ssrc,
    ) -> None:
        self.shown: list[tuple[int, float]] = []
        """Number of each picture and when it was shown."""
        self.repeated = 0
        self._time, self._send = time, send
        self._ssrc, self._rtx_ssrc = ssrc, rtx_ssrc
        self._highest: int | None = None
        self._missing: dict[int, tuple[int, float]] = {}
        """Tries so far, and when the next is due."""
        self._parts: dict[int, set[int]] = {}
        self._keys: set[int] = set()
        time.at(time.now + TICK, self._tick)

    def hear(self, data: bytes) -> None:
        if 192 <= data[1] <= 223:
            return
        packet = rtp.parse(data)
        payload, sequence = packet.payload, packet.sequence
        if packet.ssrc == self._rtx_ssrc:
            sequence, payload = int.from_bytes(payload[:2], "big"), payload[2:]
            self.repeated += 1
        self._place(sequence)
        frame, number, key = int.from_bytes(payload[2:6], "big"), payload[6], payload[7]
        self._parts.setdefault(frame, set()).add(number)
        if key:
            self._keys.add(frame)
        self._show()

    def _place(self, sequence: int) -> None:
        if self._highest is None:
            self._highest = sequence - 1
        for lost in range(self._highest + 1, sequence):
            self._missing[lost] = (0, self._time.now)
        self._missing.pop(sequence, None)
        self._highest = max(self._highest, sequence)

    def _show(self) -> None:
        while True:
            following = self.shown[-1][0] + 1 if self.shown else None
            whole = [f for f in self._parts if len(self._parts[f]) == PACKETS]
            ready = [f for f in whole if f == following or (f in self._keys and f >= (following or 0))]
            if not ready:
                return
            frame = min(ready)
            self.shown.append((frame, self._time.now))
            self._parts = {f: parts for f, parts in self._parts.items() if f > frame}

    def _tick(self) -> None:
        self._time.at(self._time.now + TICK, self._tick)
        due = [s for s, (_, at) in self._missing.items() if at <= self._time.now]
        for sequence in due:
            tries, _ = self._missing.pop(sequence)
            if tries < TRIES:
                self._missing[sequence] = (tries + 1, self._time.now + ROUND_TRIP)
            else:
                self._send(rtcp.key_frame_request(7, self._ssrc))
        if due:
            self._send(rtcp.nack(7, self._ssrc, due))


class Broadcast:
    """Alice's camera, Bob's screen, and the forwarder, on links that lose this share of everything."""

    def __init__(self, loss: float, seed: int = 1) -> None:
        self.time = Time()
        self._loss, self._chance = loss, Random(seed)
        self._forwarder = Forwarder(self._outlet)
        self.camera = Camera(self.time, lambda data: self._carry(data, self._of_alice))
        self.viewer = Viewer(self.time, lambda data: self._carry(data, self._of_bob))
        self._forwarder.apply("alice", [CAMERA], (), 0.0)
        self._forwarder.apply("bob", (), [VIEW], 0.0)
        for name in ("alice", "bob"):
            self._forwarder.ready(name, 0.0)
        self.time.at(TICK, self._tick)

    def _of_alice(self, data: bytes) -> None:
        self._forwarder.rtp("alice", data, self.time.now)

    def _of_bob(self, data: bytes) -> None:
        self._forwarder.rtcp("bob", data, self.time.now)

    def _outlet(self, session_id: str) -> Callable[[bytes], None]:
        return lambda data: self._carry(data, self.camera.hear if session_id == "alice" else self.viewer.hear)

    def _carry(self, data: bytes, arrive: Callable[[bytes], None]) -> None:
        if self._chance.random() >= self._loss:
            self.time.at(self.time.now + LATENCY, lambda: arrive(data))

    def _tick(self) -> None:
        self._forwarder.tick(self.time.now)
        self.time.at(self.time.now + TICK, self._tick)
