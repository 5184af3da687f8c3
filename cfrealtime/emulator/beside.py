"""The emulator as a server in a thread of its own, beside a program of any kind."""

from __future__ import annotations

import asyncio
import threading
import warnings
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from functools import partial
from types import TracebackType
from typing import Any, ParamSpec, Self, TypeVar, cast

from .emulator import Emulator
from .environment import environment_of
from .faults import Faults
from .refusals import Json
from .rules.leaks import Leak

P = ParamSpec("P")
T = TypeVar("T")


class ServedEmulator:
    """Cloudflare Realtime under an address, with real media: `with ServedEmulator() as server`.

    It has a thread and an event loop of its own. So any HTTP client, browser or process may call it, a test
    may block or be a coroutine of any library, and all of this may be used from every thread. Time is that
    of clocks: the fault `clock` makes it faster.

    Another emulator than the demo's can be given, with other apps or without real media; it is run here only.
    """

    def __init__(self, emulator: Emulator | None = None) -> None:
        self._emulator = emulator or _with_real_media()
        self._thread = threading.Thread(target=self._live, name="cfrealtime.emulator", daemon=True)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._over = asyncio.Event()
        self._address = Future[str]()
        self._unhandled = list[str]()

    def __enter__(self) -> Self:
        self._thread.start()
        self._address.result()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop; what happened stays readable."""
        loop, self._loop = self._loop, None
        if loop is not None:
            loop.call_soon_threadsafe(self._over.set)
        self._thread.join()
        for what in self._unhandled:
            warnings.warn(f"The emulator met an error that nobody handled: {what}", stacklevel=2)

    # For those who call it.

    @property
    def base_url(self) -> str:
        """The API's address, to be used in place of Cloudflare's."""
        if not self._address.done():
            raise RuntimeError("The emulator is not running: use it in `with`.")
        return self._address.result()

    @property
    def page(self) -> str:
        """The address of the page that shows what happens: it goes on while a debugger holds the test."""
        return f"{self.base_url.removesuffix('/v1')}/_emulator/"

    @property
    def app_id(self) -> str:
        """The app."""
        return next(iter(self._emulator.apps))

    @property
    def secret(self) -> str:
        """The app's secret."""
        return self._emulator.apps[self.app_id]

    @property
    def environment(self) -> Mapping[str, str]:
        """Environment variables for the application, with address, app and TURN key."""
        return environment_of(self._emulator.apps, self._emulator.turn_keys, self.base_url)

    # For those who look.

    @property
    def faults(self) -> Faults:
        """What shall go wrong."""
        return cast("Faults", Reached(self._emulator.faults, self._run))

    def state(self, *, ended: int | None = None) -> Json:
        """All sessions, WebSocket adapters and TURN credentials, as GET /_emulator/state shows them; of the
        sessions that have ended so many, those that ended last."""
        return self._run(self._emulator.state, ended=ended)

    def journal(
        self,
        *,
        operation: str | None = None,
        session_id: str | None = None,
        since: int = 0,
        newest: int | None = None,
    ) -> Json:
        """What was called and what came of it, or a part of that, as GET /_emulator/journal shows it."""
        ask = partial(self._emulator.journal, operation=operation, session_id=session_id)
        return self._run(ask, since=since, newest=newest)

    def leaks(self) -> tuple[Leak, ...]:
        """What is active or open now: tracks, data channels, adapters, exchanges and calls."""
        return self._run(self._emulator.leaks)

    def assert_no_leaks(self) -> None:
        """For the end of a test: an AssertionError says what is left, and which call made it."""
        self._run(self._emulator.assert_no_leaks)

    def count(self, operation: str | None = None) -> int:
        """How many calls came, of one operation (the contract's ids) or of all."""
        return self._run(self._emulator.count, operation)

    def active_tracks(self, session_id: str | None = None) -> list[Json]:
        """The tracks that are published or received now, each with its `session_id`."""
        return self._run(self._emulator.active_tracks, session_id)

    # The thread.

    def _live(self) -> None:
        try:
            asyncio.run(self._serve())
        except BaseException as error:
            if self._address.done():
                raise
            self._address.set_exception(error)

    async def _serve(self) -> None:
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(self._note)
        async with self._emulator.serve() as base_url:
            self._loop = loop
            self._address.set_result(base_url)
            await self._over.wait()

    def _note(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        self._unhandled.append(f"{context['message']}: {type(context.get('exception')).__name__}")
        loop.default_exception_handler(context)

    def _run(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Call a part of the emulator on its loop. Before and after its life anyone may touch it."""
        loop = self._loop
        if loop is None or threading.current_thread() is self._thread:
            return function(*args, **kwargs)

        async def call() -> T:
            return function(*args, **kwargs)

        return asyncio.run_coroutine_threadsafe(call(), loop).result()


def _with_real_media() -> Emulator:
    # Those who pretend packets need not wait for what this imports.
    from .media.udp import UdpMediaPlane

    return Emulator(media=UdpMediaPlane())


class Reached:
    """A part of an emulator that may be touched from everywhere: calls of its methods go through `run`."""

    _part: object
    _run: Callable[..., Any]

    def __init__(self, part: object, run: Callable[..., Any]) -> None:
        vars(self).update(_part=part, _run=run)

    def __getattr__(self, name: str) -> object:
        value = getattr(self._part, name)
        return partial(self._run, value) if callable(value) else value

    def __setattr__(self, name: str, value: object) -> None:
        self._run(setattr, self._part, name, value)
