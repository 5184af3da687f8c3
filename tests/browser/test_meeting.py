"""People in real browsers see and hear each other, come, go, break down and come back."""

from __future__ import annotations

import asyncio
import secrets
from typing import Any

import pytest
from playwright.async_api import Playwright, expect

from cfrealtime.emulator import Emulator
from tests.browser.conftest import FLAGS, GRACE, Arrive, chromium
from tests.browser.person import Person, meet_all, until
from tests.servers import Server

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(600)]

AT_ONCE = GRACE - 1
"""Seconds: a leave is told, and nobody waits for the grace to be over."""


@pytest.fixture
def room() -> str:
    return f"room-{secrets.token_hex(4)}"


async def session_of(host: Server, room: str, name: str) -> str:
    """The SFU session a participant has now."""
    inspection: Any = await host.get(f"/rooms/{room}/inspect")
    return next(p["session_id"] for p in inspection["participants"] if p["name"] == name)


async def sessions(host: Server, room: str) -> dict[str, str]:
    inspection: Any = await host.get(f"/rooms/{room}/inspect")
    return {p["name"]: p["session_id"] for p in inspection["participants"]}


async def rest(emulator: Emulator, host: Server, room: str, *gone_sessions: str) -> None:
    """Nothing is left at the SFU of those who are gone, and nobody broke the order of calls."""

    async def left() -> list[dict[str, Any]]:
        return [
            track
            for track in emulator.active_tracks()
            if track["session_id"] in gone_sessions
            or (track["location"] == "remote" and track["source_session_id"] in gone_sessions)
        ]

    alive = set((await sessions(host, room)).values())
    mids = {s: m for s, m in (await spares(host, room)).items() if s in alive}
    await until(
        left,
        lambda tracks: all(t["mid"] in mids.get(t["session_id"], ()) for t in tracks),
        "the SFU to hold nothing of those who left",
    )
    assert emulator.journal()["breaches"] == []


async def spares(host: Server, room: str) -> dict[str, set[str]]:
    """Receiving mids without a publication, by session."""
    inspection: Any = await host.get(f"/rooms/{room}/inspect")
    return {
        p["session_id"]: {mid for mid, publication in p["actual"].items() if publication is None}
        for p in inspection.get("participants", [])
    }


async def three(arrive: Arrive, room: str) -> tuple[Person, Person, Person]:
    ana, bo, cy = await arrive("Ana"), await arrive("Bo"), await arrive("Cy")
    for person in (ana, bo, cy):
        await person.join_by_address(room)
    await meet_all([ana, bo, cy])
    return ana, bo, cy


async def test_three_who_join_one_after_the_other_and_a_late_fourth(
    arrive: Arrive, room: str, emulator: Emulator, host: Server
) -> None:
    people = [await arrive("Ana"), await arrive("Bo"), await arrive("Cy")]
    for person in people:
        await person.join(room)
    await meet_all(people)
    late = await arrive("Di")
    await late.join(room)
    await meet_all([*people, late])
    assert [person.complaints for person in [*people, late]] == [[]] * 4
    await rest(emulator, host, room)


async def test_three_who_join_at_once(arrive: Arrive, room: str, emulator: Emulator, host: Server) -> None:
    people = [await arrive("Ana"), await arrive("Bo"), await arrive("Cy")]
    async with asyncio.TaskGroup() as group:
        for person in people:
            group.create_task(person.join_by_address(room))
    await meet_all(people)
    await rest(emulator, host, room)


async def test_a_viewer_without_devices(arrive: Arrive, room: str, playwright: Playwright) -> None:
    ana = await arrive("Ana")
    await ana.join(room)
    without = await playwright.chromium.launch(executable_path=chromium(), args=FLAGS)
    try:
        viewer = await arrive("Vi", into=without)
        await viewer.join(room)
        await viewer.sees("Ana")
        await viewer.hears("Ana")
        await expect(ana.tile("Vi")).to_have_attribute("data-camera", "off")
        await expect(ana.tile("Vi")).to_have_attribute("data-muted", "")
        await viewer.write("I only watch")
        await expect(ana.log).to_contain_text("I only watch")
    finally:
        await without.close()


async def test_mute_and_messages_show_and_cost_no_call(arrive: Arrive, room: str, emulator: Emulator) -> None:
    ana, bo = await arrive("Ana"), await arrive("Bo")
    await ana.join(room)
    await bo.join(room)
    await meet_all([ana, bo])
    calls = emulator.count()
    await ana.press("Mute")
    await expect(bo.tile("Ana")).to_have_attribute("data-muted", "")
    await expect(ana.own_tile).to_have_attribute("data-muted", "")
    await ana.press("Unmute")
    await expect(bo.tile("Ana")).not_to_have_attribute("data-muted", "")
    await bo.hears("Ana")
    await ana.write("Hello, Bo <b>&</b>")
    for person in (ana, bo):
        await expect(person.log).to_contain_text("Hello, Bo <b>&</b>")
    assert emulator.count() == calls


async def test_camera_off_for_forty_seconds_and_on_again(
    arrive: Arrive, room: str, emulator: Emulator
) -> None:
    ana, bo = await arrive("Ana"), await arrive("Bo")
    await ana.join(room)
    await bo.join(room)
    await meet_all([ana, bo])
    calls, width = emulator.count(), await ana.sent_width()
    await ana.press("Camera off")
    await expect(bo.tile("Ana")).to_have_attribute("data-camera", "off")
    fast = emulator.faults.add("clock speed=4")  # the SFU collects what sends nothing for 30 s
    await asyncio.sleep(10)
    emulator.faults.remove(fast)
    await ana.press("Camera on")
    await expect(bo.tile("Ana")).not_to_have_attribute("data-camera", "off")
    await bo.sees("Ana", width=width)
    assert emulator.count() == calls


async def test_a_share_arrives_and_goes_twice(
    arrive: Arrive, room: str, emulator: Emulator, host: Server
) -> None:
    ana, bo, cy = await three(arrive, room)
    for _ in range(2):
        await ana.press("Share screen")
        for viewer in (bo, cy):
            await until(
                viewer.share_seen,
                lambda seen: seen.frames > 3 and seen.shown > 0,
                f"{viewer.name} to see the share",
            )
        assert await bo.share.get_attribute("data-share-of") == await bo.tile("Ana").get_attribute(
            "data-participant"
        )
        assert await bo.page.locator("[data-share-of][data-participant]").count() == 0
        await ana.press("Stop sharing")
        for viewer in (bo, cy):
            await viewer.share.wait_for(state="detached")
    await meet_all([ana, bo, cy])
    await rest(emulator, host, room)


async def test_one_leaves(arrive: Arrive, room: str, emulator: Emulator, host: Server) -> None:
    ana, bo, cy = await three(arrive, room)
    left = await session_of(host, room, "Cy")
    await cy.press("Leave")
    await ana.gone("Cy", within=AT_ONCE)
    await bo.gone("Cy", within=AT_ONCE)
    await expect(cy.page.get_by_role("button", name="Join")).to_be_visible()
    await meet_all([ana, bo])
    await rest(emulator, host, room, left)


async def test_one_tab_is_killed(arrive: Arrive, room: str, emulator: Emulator, host: Server) -> None:
    ana, bo, cy = await three(arrive, room)
    left = await session_of(host, room, "Cy")
    killing = asyncio.create_task(cy.kill_tab())
    await expect(ana.tile("Cy")).to_have_attribute("data-state", "reconnecting")
    await ana.gone("Cy")
    await bo.gone("Cy")
    await killing
    await meet_all([ana, bo])
    await rest(emulator, host, room, left)


async def test_a_tab_that_is_closed_has_left(arrive: Arrive, room: str) -> None:
    ana, bo = await arrive("Ana"), await arrive("Bo")
    await ana.join(room)
    await bo.join(room)
    await ana.tile("Bo").wait_for()
    await asyncio.gather(bo.context.close(), ana.gone("Bo", within=AT_ONCE))


async def test_one_media_connection_breaks_and_comes_back_with_the_others_undisturbed(
    arrive: Arrive, room: str, emulator: Emulator, host: Server
) -> None:
    ana, bo, cy = await three(arrive, room)
    before = await sessions(host, room)
    emulator.media.cut(before["Cy"])  # type: ignore[attr-defined]  # the real plane has it

    async def replaced() -> str:
        return await session_of(host, room, "Cy")

    await until(replaced, lambda now: now not in (None, before["Cy"]), "a new session for Cy")
    await meet_all([ana, bo, cy])
    after = await sessions(host, room)
    assert (after["Ana"], after["Bo"]) == (before["Ana"], before["Bo"])
    assert [await p.connections() for p in (ana, bo, cy)] == [1, 1, 2]
    await rest(emulator, host, room, before["Cy"])


async def test_a_live_mid_that_is_re_pointed_keeps_its_right_name(
    arrive: Arrive, room: str, emulator: Emulator, host: Server
) -> None:
    ana, bo, cy = await three(arrive, room)
    await cy.press("Leave")
    await ana.gone("Cy", within=AT_ONCE)
    updates = emulator.count("update_tracks")
    di = await arrive("Di")
    await di.join(room)
    await meet_all([ana, bo, di])
    assert emulator.count("update_tracks") >= updates + 2, "the spare mids were not used again"
    assert await ana.others() == ["Bo", "Di"]
    await rest(emulator, host, room)
