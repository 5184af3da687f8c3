"""The page on a host without WebSockets: people meet, one loses the stream and is back, one leaves."""

from __future__ import annotations

from collections.abc import AsyncGenerator

import pytest
import pytest_asyncio
from playwright.async_api import expect

from cfrealtime.emulator import Emulator
from tests.browser.conftest import Arrive
from tests.browser.person import meet_all
from tests.servers import Server, meeting_host

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(600)]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def host(realtime: str) -> AsyncGenerator[Server]:
    """The host that `arrive` brings people to."""
    host = meeting_host("examples/03_http_events/http_events.py", realtime, grace=60.0)
    await host.start()
    yield host
    await host.stop()


async def test_two_meet_one_loses_its_stream_and_one_leaves(arrive: Arrive, emulator: Emulator) -> None:
    ana, bo = await arrive("Ana"), await arrive("Bo")
    sockets = list[str]()
    for person in (ana, bo):
        person.page.on("websocket", lambda socket: sockets.append(socket.url))
        await person.join("standup")
    await meet_all([ana, bo])

    await ana.context.set_offline(offline=True)
    await expect(ana.page.get_by_text("Connection lost. Reconnecting…")).to_be_visible()
    await expect(bo.tile("Ana")).to_have_attribute("data-state", "reconnecting")
    sessions = len(emulator.state()["sessions"])
    await ana.context.set_offline(offline=False)
    await expect(bo.tile("Ana")).to_have_attribute("data-state", "connected")
    await bo.write("still there?")
    await expect(ana.log).to_contain_text("still there?")
    await meet_all([ana, bo])
    assert len(emulator.state()["sessions"]) == sessions  # resumed, not joined anew

    await bo.press("Leave")
    await ana.gone("Bo", within=59)
    await ana.press("Leave")
    await expect(ana.page.get_by_text("You have left the meeting.")).to_be_visible()
    assert (sockets, ana.complaints, bo.complaints) == ([], [], [])


async def test_a_tab_that_is_closed_has_left(arrive: Arrive) -> None:
    ana, bo = await arrive("Ana"), await arrive("Bo")
    for person in (ana, bo):
        await person.join("closing")
    await ana.tile("Bo").wait_for()
    await bo.page.close(run_before_unload=True)
    await ana.gone("Bo", within=59)
