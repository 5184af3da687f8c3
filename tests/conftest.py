"""What all tests share."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Generator
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

# In front of a blocking test the looptime plugin asks for the thread's event loop, which makes one if none
# was ever set; the next async test drops it unclosed, and a warning is an error here. None stops that.
asyncio.set_event_loop(None)

# A busy machine is no mistake of the code's.
settings.register_profile(
    "unhurried", settings.default, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("unhurried")

PAGES = ("tests/browser/", "tests/cfrealtime_rooms/web/")
"""Where tests wait for pages of ours in a browser."""
REAL_TIME = (
    "tests/bench/",
    "tests/cfrealtime/emulator/adapters/",
    "tests/cfrealtime/emulator/fuzz/",
    "tests/cfrealtime/emulator/media/",
    "tests/cfrealtime/emulator/test_beside.py",
    "tests/cfrealtime/emulator/test_command_line.py",
    "tests/cfrealtime/emulator/test_containers.py",
    "tests/cfrealtime/emulator/test_end_to_end.py",
    "tests/cfrealtime/emulator/test_faults_of_media.py",
    "tests/cfrealtime/emulator/test_other_clients.py",
    "tests/cfrealtime/emulator/test_other_stacks.py",
    "tests/cfrealtime/emulator/test_our_offers.py",
    "tests/cfrealtime/emulator/test_page.py",
    "tests/cfrealtime/emulator/test_readme_blocks.py",
    "tests/cfrealtime/emulator/test_serving.py",
    "tests/cfrealtime/emulator/test_stopping.py",
    "tests/cfrealtime/test_engines",
    "tests/cfrealtime_rooms/testing/",
    "tests/conformance/",
    "tests/docs/",
    "tests/examples/",
    "tests/meeting/",
)
"""Where tests wait for packets, processes and sockets."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What waits begins first: it takes longest."""
    items.sort(key=lambda item: not item.nodeid.startswith(REAL_TIME + PAGES))


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_makereport() -> Generator[None, Any, Any]:
    """No garbage is collected while a failure is put into words.

    Twice such a collection seems to have broken pytest off under Python 3.11.7, with an error of its parser.
    """
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Pages one after the other in one process, all else in real time in another; then the rest by file."""
    from xdist.scheduler import LoadScopeScheduling

    class Scheduling(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            if nodeid.startswith(PAGES):
                return "pages"
            return "real time" if nodeid.startswith(REAL_TIME) else nodeid.split("::")[0]

    return Scheduling(config, log)
