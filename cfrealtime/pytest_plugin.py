"""Fixtures for tests of applications: a Cloudflare Realtime that begins anew with every test.

    def test_a_call(realtime): ...                  # blocking
    async def test_a_call(async_realtime): ...      # with pytest-asyncio or anyio's plugin
    def test_any_client(realtime_server): ...       # an address, and real media

In an async test the emulator of the first two lives on the test's event loop, and in its time; in any other
it has a loop of its own. That of the third has a thread of its own everywhere. Importing this costs nothing:
the emulator and HTTP come with the first fixture that is asked for.
"""

from __future__ import annotations

from collections.abc import Iterator
from inspect import iscoroutinefunction
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from cfrealtime.aio.client import AsyncRealtime
    from cfrealtime.blocking.client import Realtime
    from cfrealtime.testing import InProcessEmulator, ServedEmulator


@pytest.fixture
def realtime_emulator(request: pytest.FixtureRequest) -> Iterator[InProcessEmulator]:
    """Cloudflare Realtime, emulated: `faults` make it fail, `journal()` and `state()` say what happened."""
    from cfrealtime.testing import InProcessEmulator

    if iscoroutinefunction(request.function):
        # On the loop that calls first, which is the test's.
        emulator = InProcessEmulator()
        yield emulator
        emulator.close()
    else:
        with InProcessEmulator() as emulator:
            yield emulator


@pytest.fixture
def async_realtime(realtime_emulator: InProcessEmulator) -> AsyncRealtime:
    """An async client of `realtime_emulator`."""
    return realtime_emulator.async_realtime


@pytest.fixture
def realtime(realtime_emulator: InProcessEmulator) -> Realtime:
    """A blocking client of `realtime_emulator`. In an async test call it through `asyncio.to_thread`."""
    return realtime_emulator.realtime


@pytest.fixture
def realtime_server() -> Iterator[ServedEmulator]:
    """Cloudflare Realtime under an address, with real media, for clients and endpoints of any kind.

    Like the others it is new for every test, which costs two tenths of a second. For a longer life, and the
    same address for many tests, hold a `ServedEmulator` in a fixture of your own.
    """
    from cfrealtime.testing import ServedEmulator

    with ServedEmulator() as server:
        yield server
