"""The emulator as a Python object: its life, its doors, and what it knows."""

from __future__ import annotations

import secrets
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from types import TracebackType
from typing import Any, cast

from starlette.types import ASGIApp

from . import demo
from .adapters.dialing import Dial, dial
from .adapters.registry import Adapters
from .asgi import build_app
from .faults import Faults
from .journal import Filter
from .media.manual import ManualMediaPlane
from .media.plan import Clock, MediaPlane
from .pages import pages
from .refusals import Json
from .rules import views
from .rules.leaks import Leak, leaks
from .service import Service
from .serving import serving
from .turn import TurnCredentials
from .world import World


class Emulator:
    """Cloudflare Realtime for tests and demos: `async with Emulator() as emulator`.

    `emulator.app` is the service as an ASGI application, for in-process use; `serve()` runs a server.
    Without a media plane packets are pretended (`ManualMediaPlane`), and everything runs in virtual time.
    """

    def __init__(
        self,
        apps: Mapping[str, str] | None = None,
        media: MediaPlane | None = None,
        clock: Clock | None = None,
        turn_keys: Mapping[str, str] | None = None,
        *,
        allow_localhost_adapters: bool = True,
        dial: Dial = dial,
        seed: int = 0,
    ) -> None:
        self.media: MediaPlane = media if media is not None else ManualMediaPlane(clock=clock)
        self.apps = dict(apps if apps is not None else demo.APPS)
        """App id to secret."""
        self.turn_keys = dict(turn_keys if turn_keys is not None else demo.TURN_KEYS)
        """Key id to API token."""
        self._world = World(self.media, clock, new_id=lambda: secrets.token_hex(16), seed=seed)
        self._turn = TurnCredentials(self._world)
        self._adapters = Adapters(self._world, dial, allow_localhost=allow_localhost_adapters)
        self._service = Service(self.apps, self.turn_keys, self._world, self._turn, self._adapters)
        self._users = 0
        self.app: ASGIApp = build_app(self._service, pages(self), lambda: self)

    async def __aenter__(self) -> Emulator:
        """Start media and time; more than one user may hold the emulator open."""
        if self._users == 0:
            await self._world.start()
        self._users += 1
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop with the last user; state and journal stay readable."""
        self._users -= 1
        if self._users == 0:
            await self._service.stop()
            await self._adapters.stop()
            await self._world.stop()

    @asynccontextmanager
    async def serve(
        self, host: str = "127.0.0.1", port: int = 0, *, advertise: str | None = None
    ) -> AsyncGenerator[str]:
        """Serve over HTTP; gives the API's base address, to be used in place of Cloudflare's.

        `advertise` is the name or address under which others find `host`.
        """
        async with self, serving(self.app, host, port) as (bound_host, bound_port):
            found_at = advertise or bound_host
            shown = f"[{found_at}]" if ":" in found_at else found_at
            yield f"http://{shown}:{bound_port}/v1"

    @property
    def faults(self) -> Faults:
        """What shall go wrong."""
        return self._world.faults

    def state(self, *, ended: int | None = None) -> Json:
        """All sessions, WebSocket adapters and TURN credentials, as GET /_emulator/state shows them; of the
        sessions that have ended so many, those that ended last."""
        world = self._world
        seen = views.Seen(world.undelivered, self.media.traffic, self.faults.number, self.faults.holding)
        return {
            **self._present(seen, ended),
            "at": round(world.age, 6) if world.started else 0.0,
            "clock_speed": self.faults.clock_speed,
            "journal_version": world.journal.version,
            "turn_credentials": self._turn.view(),
        }

    def _present(self, seen: views.Seen, ended: int | None) -> Json:
        if self._users:
            self._world.settle()
        return {**views.everything(self._world.sessions, seen, ended), "adapters": self._adapters.view()}

    def journal(
        self,
        *,
        operation: str | None = None,
        session_id: str | None = None,
        since: int = 0,
        newest: int | None = None,
    ) -> Json:
        """All calls, breaches of order and events, and what is still held, as GET /_emulator/journal shows
        them; of a part of it only, where that is asked for."""
        view = self._world.journal.view(Filter(operation, session_id, since, newest))
        held = [leak.view() for leak in self.leaks() if session_id in (None, leak.session_id)]
        return {**view, "held": held}

    def leaks(self) -> tuple[Leak, ...]:
        """What is active or open now: tracks, data channels, adapters, exchanges and calls."""
        journal = self._world.journal
        return leaks(self._present(views.NOTHING_SEEN, 0), journal.makers, journal.handled)

    def assert_no_leaks(self) -> None:
        """For the end of a test: an AssertionError says what is left, and which call made it."""
        left = self.leaks()
        if left:
            raise AssertionError("\n".join(("The emulator still holds:", *(f"- {leak}" for leak in left))))

    def count(self, operation: str | None = None) -> int:
        """How many calls came, of one operation (the contract's ids) or of all."""
        return self._world.journal.count(operation)

    def active_tracks(self, session_id: str | None = None) -> list[Json]:
        """The tracks that are published or received now, each with its `session_id`."""
        return [
            {"session_id": session["session_id"], **track}
            for session in cast("list[dict[str, Any]]", self.state()["sessions"])
            if session_id in (None, session["session_id"])
            for track in session["tracks"]
            if track["status"] == "active"
        ]
