"""Seats and streams: what a host over plain HTTP keeps of each participant between two requests."""

from __future__ import annotations

import asyncio
import contextlib
import hmac
import json
import secrets
import time

from aiohttp import web

from cfrealtime_rooms import Connection

BEAT = 5.0
"""Seconds between two beats of a stream. Its client answers each, so both sides know of each other."""
SILENCE = 12.0
"""Seconds after which a client that says nothing is gone, and one that reads nothing is too slow."""
MOST_SEATS = 1_000
MESSAGES_PER_SECOND, BURST = 20.0, 200.0


class RefusedError(Exception):
    """What is not granted: an HTTP status, a code for programs, a sentence for people."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status, self.code, self.message = status, code, message


class Stream:
    """One answer of server-sent events that goes on: a participant's channel from its opening to its end."""

    def __init__(self, number: int, response: web.StreamResponse) -> None:
        self.number = number
        self.connection: Connection | None = None
        self.final = False
        """The room has ended it, and its client is not to come back."""
        self._heard = time.monotonic()
        self._response = response
        self._writing = asyncio.Lock()
        self._over = asyncio.Event()

    async def open(self) -> None:
        """Say which stream this is: messages name it, so that a late one of an earlier stream is known."""
        await self._write("open", json.dumps({"stream": self.number}))

    def hear(self) -> None:
        """Its client has said something, if only that it is there."""
        self._heard = time.monotonic()

    async def send(self, text: str) -> None:
        """What the room calls. It takes as long as its client does to read; the room waits ten seconds."""
        await self._write("message", text)

    async def close(self, code: int, reason: str) -> None:
        """What the room calls last. The codes are those of a WebSocket."""
        self.final = code == 1000 or code >= 4000
        try:
            await self._write("end", json.dumps({"code": code, "reason": reason}))
        finally:
            self._over.set()

    def give_way(self) -> None:
        """A newer stream of the same participant has been opened."""
        self._over.set()

    async def last(self) -> None:
        """Go on, with beats, until it is over or its client is gone.

        Raises TimeoutError for a client that does not read, ConnectionError for one that has hung up.
        """
        while time.monotonic() - self._heard < SILENCE:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(BEAT):
                    await self._over.wait()
                return
            async with asyncio.timeout(SILENCE):
                await self._write("beat", str(self.number))

    async def _write(self, event: str, data: str) -> None:
        # JSON as the rooms write it has no line break in it, so one `data` line is enough.
        async with self._writing:
            await self._response.write(f"event: {event}\ndata: {data}\n\n".encode())


class Seat:
    """One participant as this host knows it: who it is, where, and the stream it reads."""

    def __init__(self, room: str, identity: str, name: str) -> None:
        self.id, self.secret = secrets.token_urlsafe(9), secrets.token_urlsafe(24)
        self.room, self.identity, self.name = room, identity, name
        self.stream: Stream | None = None
        self.empty_since = time.monotonic()
        self._streams = 0
        self._allowance, self._counted = BURST, time.monotonic()

    def occupy(self, response: web.StreamResponse) -> Stream:
        """A stream of its own, the only one from now on."""
        if self.stream is not None:
            self.stream.give_way()
        self._streams += 1
        self.stream = Stream(self._streams, response)
        return self.stream

    def vacate(self, stream: Stream) -> None:
        """The stream is over."""
        if self.stream is stream:
            self.stream, self.empty_since = None, time.monotonic()

    def spend(self) -> None:
        """Count a message. Raises `RefusedError` where there are more than any client has reason to send."""
        now = time.monotonic()
        refilled = self._allowance + (now - self._counted) * MESSAGES_PER_SECOND
        self._allowance, self._counted = min(BURST, refilled), now
        if self._allowance < 1:
            raise RefusedError(429, "slow_down", "Too many messages at once: wait a second.")
        self._allowance -= 1


class Seats:
    """Everyone who has joined by `/joinRoom`. An empty seat is kept for `keep` seconds."""

    def __init__(self, keep: float) -> None:
        self._keep = keep
        self._seats = dict[str, Seat]()

    def take(self, room: str, identity: str, name: str) -> Seat:
        """A new seat."""
        for seat in [seat for seat in self._seats.values() if self._expired(seat)]:
            self.give_up(seat)
        if len(self._seats) >= MOST_SEATS:
            raise RefusedError(503, "busy", "Too many people are here just now. Try again later.")
        seat = Seat(room, identity, name)
        self._seats[seat.id] = seat
        return seat

    def find(self, channel: str, secret: str) -> Seat:
        """The seat of a channel id, for those who know its secret."""
        seat = self._seats.get(channel)
        if seat is None or self._expired(seat):
            raise RefusedError(404, "unknown_channel", "This channel is not known here any more: join again.")
        # A header may hold any bytes.
        if not hmac.compare_digest(seat.secret.encode(), secret.encode(errors="surrogateescape")):
            raise RefusedError(403, "wrong_secret", "This is not the secret of this channel.")
        return seat

    def give_up(self, seat: Seat) -> None:
        """Nobody comes back to this seat."""
        self._seats.pop(seat.id, None)

    def _expired(self, seat: Seat) -> bool:
        return seat.stream is None and time.monotonic() - seat.empty_since > self._keep
