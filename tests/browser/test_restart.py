"""The host process goes away under a running meeting."""

from __future__ import annotations

import secrets

import pytest

from cfrealtime.emulator import Emulator
from tests.browser.conftest import Arrive
from tests.browser.person import meet_all, until
from tests.servers import Server

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(600)]


async def test_everyone_is_back_in_the_room_without_touching_anything(
    arrive: Arrive, host: Server, emulator: Emulator
) -> None:
    room = f"room-{secrets.token_hex(4)}"
    people = [await arrive("Ana"), await arrive("Bo"), await arrive("Cy")]
    for person in people:
        await person.join_by_address(room)
    await meet_all(people)
    before = {session["session_id"] for session in emulator.state()["sessions"]}
    await host.stop()
    await host.start()
    await meet_all(people)

    async def old_tracks() -> list[str]:
        return [t["mid"] for t in emulator.active_tracks() if t["session_id"] in before]

    await until(old_tracks, lambda tracks: not tracks, "the old sessions' tracks to be closed")
    assert emulator.journal()["breaches"] == []
