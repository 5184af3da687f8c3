"""For the tests of applications: an emulator in the same process, with clients of both colours.

    with InProcessEmulator() as emulator:           async with InProcessEmulator() as emulator:
        use(emulator.realtime)                          await use(emulator.async_realtime)

And one with real media under an address, for browsers, other processes and other people's clients:

    with ServedEmulator() as server:
        use(server.base_url, server.app_id, server.secret)

With pytest there are fixtures instead: see `cfrealtime.pytest_plugin`. The extra `cfrealtime[emulator]` has
what this needs.
"""

from __future__ import annotations

import asyncio
import selectors
import threading
import time
from collections.abc import Awaitable, Callable, Coroutine
from functools import partial
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, ParamSpec, Self, TypeVar, cast

import httpx

from cfrealtime.aio.client import AsyncRealtime
from cfrealtime.blocking.client import Realtime
from cfrealtime.emulator import Emulator, ManualMediaPlane
from cfrealtime.emulator.beside import Reached, ServedEmulator

if TYPE_CHECKING:
    from cfrealtime.emulator.faults import Faults
    from cfrealtime.emulator.media.plan import MediaPlane

__all__ = ["InProcessEmulator", "ServedEmulator"]

P = ParamSpec("P")
T = TypeVar("T")

_APP: Final = ("demo", "secret")
_BASE_URL: Final = "http://emulator/v1"


class InProcessEmulator(Emulator):
    """An emulator without ports and packets, for blocking and async code, from any thread.

    It lives on the event loop that calls it first, and in that loop's time. `with` gives it a loop of its
    own, and so does a blocking call that comes first: that loop runs only while a call is made, and what it
    would wait for has come at once, so five seconds cost nothing; `pass_time` lets more go by.

    Endpoints connect as soon as they have been described, and what they publish flows. The app is "demo"
    with the secret "secret", the TURN key "demo-turn" with the token "turn-secret". `seed` decides all chance
    in faults; a fixture's is set with `faults.seed`.
    """

    def __init__(self, *, seed: int = 0) -> None:
        super().__init__(dict([_APP]), ManualMediaPlane(connect_after=0), seed=seed)
        self._home = _Home(super().__aenter__)
        self.media = cast("MediaPlane", Reached(self.media, self._home.run))
        self._faults = cast("Faults", Reached(super().faults, self._home.run))
        door = _Door(self._home, httpx.ASGITransport(self.app))
        self.realtime = Realtime(*_APP, base_url=_BASE_URL, transport=door)
        """A blocking client of this emulator. On an event loop call it through `asyncio.to_thread`."""
        self.async_realtime = AsyncRealtime(*_APP, base_url=_BASE_URL, transport=door)
        """An async client of this emulator."""

    @property
    def faults(self) -> Faults:
        """What shall go wrong."""
        return self._faults

    def pass_time(self, seconds: float) -> None:
        """Let time go by, in blocking code; it takes no time where the emulator has a loop of its own."""
        self._home.wait(partial(asyncio.sleep, seconds))

    def state(self, *, ended: int | None = None) -> dict[str, Any]:
        """All sessions, WebSocket adapters and TURN credentials, as GET /_emulator/state shows them; of the
        sessions that have ended so many, those that ended last."""
        return self._home.run(super().state, ended=ended)

    def close(self) -> None:
        """Close the blocking client, and the loop if there is one that belongs to nobody else."""
        self.realtime.close()
        self._home.close(partial(super().__aexit__, None, None, None))

    def __enter__(self) -> Self:
        self._home.settle()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        """Live on the running event loop."""
        if not await self._home.begin():
            await self._home.ask(super().__aenter__)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop with the last user; state and journal stay readable."""
        await self._home.ask(partial(super().__aexit__, kind, error, trace))
        if self._users == 0:
            self._home.leave()


class _Jumps(selectors.DefaultSelector):
    """Waits for nothing: when nothing is ready, it is later at once."""

    ahead = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            return super().select()  # nothing is planned: only another thread can end this
        ready = super().select(0)
        if not ready:
            self.ahead += timeout
        return ready


class _PrivateLoop(asyncio.SelectorEventLoop):
    """An event loop that is always on time, and ahead of others by what it has not waited for."""

    def __init__(self) -> None:
        self._jumps = _Jumps()
        super().__init__(self._jumps)

    def time(self) -> float:
        return time.monotonic() + self._jumps.ahead


class _Home:
    """The event loop that an emulator lives on, and the ways there from other loops and threads."""

    def __init__(self, start: Callable[[], Awaitable[object]]) -> None:
        self._start = start
        self._loop: asyncio.AbstractEventLoop | None = None
        self._choosing = threading.Lock()
        self._driving = threading.Lock()

    @property
    def is_here(self) -> bool:
        """Whether the emulator can be touched as it is: on its loop, and before and after its life."""
        return self._loop is None or self._loop.is_closed() or self._loop is _running()

    def run(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Call a part of the emulator where it lives: most of them set timers."""
        if self.is_here:
            return function(*args, **kwargs)

        async def call() -> T:
            return function(*args, **kwargs)

        return self.wait(call)

    def settle(self) -> asyncio.AbstractEventLoop:
        """The loop; one of its own, if nobody has called yet."""
        with self._choosing:
            if self._loop is None:
                self._loop = _PrivateLoop()
                self._loop.run_until_complete(_begin(self._start))
            return self._loop

    async def begin(self) -> bool:
        """Whether this is the first call: then the emulator lives on the running loop from now on."""
        with self._choosing:
            if self._loop is not None:
                return False
            self._loop = asyncio.get_running_loop()
        await self._start()
        return True

    def leave(self) -> None:
        """Live nowhere, until the next call."""
        if not isinstance(self._loop, _PrivateLoop):
            self._loop = None

    def wait(self, make: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Run a coroutine there, and block until it is done."""
        if _running() is not None:
            raise RuntimeError(
                "A blocking call would stop this thread's event loop: use async_realtime, or run the "
                "blocking code with asyncio.to_thread()."
            )
        home = self.settle()
        if isinstance(home, _PrivateLoop):
            with self._driving:
                return home.run_until_complete(make())
        _check_alive(home)
        return asyncio.run_coroutine_threadsafe(make(), home).result()

    async def ask(self, make: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Run a coroutine there, and await its end."""
        await self.begin()
        if self._loop is _running():
            return await make()
        home = self.settle()
        if isinstance(home, _PrivateLoop):
            return await asyncio.to_thread(self.wait, make)
        _check_alive(home)
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(make(), home))

    def close(self, stop: Callable[[], Coroutine[Any, Any, object]]) -> None:
        """End a loop of its own; others belong to those who run them."""
        if isinstance(self._loop, _PrivateLoop) and not self._loop.is_closed():
            self.wait(stop)
            self._loop.close()


class _Door(httpx.BaseTransport, httpx.AsyncBaseTransport):
    """Brings requests of both colours to the emulator's loop."""

    def __init__(self, home: _Home, app: httpx.ASGITransport) -> None:
        self._home = home
        self._app = app

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        seconds = request.extensions.get("timeout", {}).get("read")
        return self._home.wait(partial(self._answer, request, request.read(), seconds))

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        # The client's own time-out ends this from outside, in its loop's time.
        return await self._home.ask(partial(self._answer, request, await request.aread(), None))

    async def _answer(self, request: httpx.Request, body: bytes, seconds: float | None) -> httpx.Response:
        copy = httpx.Request(request.method, request.url, headers=request.headers, content=body)
        try:
            async with asyncio.timeout(seconds):
                response = await self._app.handle_async_request(copy)
                content = await response.aread()
        except TimeoutError:
            raise httpx.ReadTimeout("the emulator did not answer in time") from None
        return httpx.Response(response.status_code, headers=response.headers, content=content)


async def _begin(start: Callable[[], Awaitable[object]]) -> None:
    await start()


def _check_alive(loop: asyncio.AbstractEventLoop) -> None:
    if not loop.is_running():
        raise RuntimeError(
            "The event loop that this emulator lives on is not running. Use one emulator for each loop, or "
            "`with InProcessEmulator()`, which lives on none of yours."
        )


def _running() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None
