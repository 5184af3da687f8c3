"""The page of a meeting by invitation: what those see who come in, and those who do not."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import AsyncGenerator

import pytest
import pytest_asyncio
from playwright.async_api import expect

from tests.browser.conftest import Arrive
from tests.browser.person import Person, meet_all
from tests.servers import ROOT, Server, meeting_host

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(600)]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def host(realtime: str) -> AsyncGenerator[Server]:
    """The host that `arrive` brings people to."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MEETING_ENTRY_KEY", "k" * 32)
        host = meeting_host("examples/04_entry_token/doorkeeper.py", realtime, grace=20.0)
        await host.start()
        yield host
        await host.stop()


def link(host: Server, *asked: str) -> str:
    """An invitation, as a person issues it."""
    command = [sys.executable, "examples/04_entry_token/issue.py", *asked, "--url", host.base]
    done = subprocess.run(command, cwd=ROOT, env=os.environ, capture_output=True, text=True, check=True)
    return done.stdout.strip()


async def come(person: Person, invitation: str) -> None:
    """Follow a link and enter."""
    await person.page.goto(invitation)
    await person.press("Join")
    await person.own_tile.wait_for()


async def test_the_invited_meet_and_who_may_only_watch_is_asked_for_nothing(
    arrive: Arrive, host: Server
) -> None:
    ana, bo, vi = await arrive("Ana"), await arrive("Bo"), await arrive("Vi")
    await come(ana, link(host, "standup", "Ana"))
    await come(bo, link(host, "standup", "Bo"))
    await vi.page.goto(link(host, "standup", "Vi", "--watch", "--no-chat"))
    await expect(vi.page.get_by_text("You are invited as Vi.")).to_be_visible()
    await expect(vi.page.get_by_role("textbox")).to_have_count(0)
    assert "token" not in vi.page.url
    await vi.press("Join")
    await meet_all([ana, bo])
    for name in ("Ana", "Bo"):
        await vi.sees(name)
    for name in ("Mute", "Camera off", "Share screen"):
        await expect(vi.page.get_by_role("button", name=name)).to_have_count(0)
    await expect(vi.page.get_by_role("textbox", name="Message")).to_be_disabled()
    assert [person.complaints for person in (ana, bo, vi)] == [[], [], []]


async def test_a_reload_and_a_lost_connection_need_no_new_link(arrive: Arrive, host: Server) -> None:
    ana = await arrive("Ana")
    await come(ana, link(host, "reload", "Ana"))
    await ana.page.reload()
    await ana.press("Join")
    await expect(ana.page.get_by_text("You are the only one here.")).to_be_visible()
    await host.stop()
    await expect(ana.page.get_by_text("Connection lost. Reconnecting…")).to_be_visible()
    await host.start()
    await expect(ana.page.get_by_role("status").get_by_text("Connected")).to_be_visible()


async def test_everyone_else_is_told_why_not(arrive: Arrive, host: Server) -> None:
    eve = await arrive("Eve")
    whole = link(host, "standup", "Eve")
    for address, code, words in [
        (host.base, "no_token", "by invitation"),
        (whole[:-9], "broken_token", "incomplete"),
        (whole[:-9] + "A" * 9, "forged_token", "changed"),
        (whole.replace("room=standup", "room=board"), "wrong_room", "another room"),
        (link(host, "standup", "Eve", "--hours", "0"), "expired_token", "expired"),
    ]:
        await eve.page.goto("about:blank")
        await eve.page.goto(address)
        await expect(eve.page.locator(f"[data-code={code}]")).to_contain_text(words)
        await expect(eve.page.get_by_role("heading", name="You cannot come in")).to_be_visible()
        await expect(eve.page.get_by_role("button", name="Join")).to_have_count(0)
    assert eve.complaints == []
