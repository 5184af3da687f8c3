"""The examples as hosts: one page for all; one protocol over WebSockets, in two frameworks."""

import asyncio
import re

from aiohttp import ClientSession
from aiohttp.test_utils import TestServer


def meet(host, name: str):
    return host.ws_connect(f"/rooms/standup?identity={name}&name={name}")


async def receive(ws, kind: str):
    """The next message of this type."""
    while (message := await ws.receive_json())["type"] != kind:
        pass
    return message


async def test_every_file_the_page_asks_for_is_served(page_host):
    page = await (await page_host.get("/")).text()
    wanted = re.findall(r'(?:src|href)="(/[^"]+)"', page)
    assert "/page/style.css" in wanted
    checked = set()
    while wanted:
        path = wanted.pop()
        response = await page_host.get(path)
        text = await response.text()
        assert response.status == 200, path
        checked.add(path)
        if not path.endswith(".js"):
            continue
        assert "javascript" in response.content_type
        for name in re.findall(r'^import .* from "([^"]+)";', text, re.MULTILINE):
            target = name if name.startswith("/") else f"{path.rpartition('/')[0]}/{name[2:]}"
            wanted += [target] if target not in checked else []
    assert {"/page/app.js", "/page/host.js", "/cfrealtime/rooms.js", "/cfrealtime/session.js"} <= checked


async def test_two_people_meet_and_talk(host):
    async with meet(host, "Ana") as ana, meet(host, "Ben") as ben:
        await ana.send_json({"type": "join"})
        await receive(ana, "joined")
        await ben.send_json({"type": "join"})
        joined = await receive(ben, "joined")
        names = {view["name"] for view in joined["snapshot"]["participants"]}
        assert "Ben" in names
        await receive(ben, "delta")
        await ben.send_json({"type": "message", "text": "hello"})
        said = await receive(ana, "message")
        assert (said["sender"], said["text"]) == (joined["participant"], "hello")


async def test_a_bad_message_is_answered_and_the_channel_stays(host):
    async with meet(host, "Ana") as ana:
        await ana.send_str("{")
        assert (await receive(ana, "error"))["code"] == "bad_message"
        await ana.send_json({"type": "join"})
        await receive(ana, "joined")


async def test_a_channel_ends_when_its_participant_leaves(host):
    async with meet(host, "Ana") as ana:
        await ana.send_json({"type": "join"})
        await ana.send_json({"type": "leave"})
        messages = [message.json() async for message in ana]
    assert messages[-1] == {"type": "closed", "reason": "left"}
    assert ana.close_code == 1000


async def test_inspection_shows_the_room_to_this_machine(fastapi_host):
    async with meet(fastapi_host, "Ana") as ana:
        await ana.send_json({"type": "join"})
        await receive(ana, "joined")
        response = await fastapi_host.get("/rooms/standup/inspect")
        assert "Ana" in await response.text()


async def test_inspection_is_refused_to_others_unless_opened(fastapi_host, monkeypatch):
    async def look() -> int:
        elsewhere = {"X-Forwarded-For": "203.0.113.9"}
        async with fastapi_host.get("/rooms/standup/inspect", headers=elsewhere) as response:
            return response.status

    assert await look() == 403
    monkeypatch.setenv("MEETING_INSPECT", "1")
    assert await look() == 200


async def test_a_host_that_stops_has_its_people_come_back_and_waits_for_nobody(load):
    server = TestServer(load("02_aiohttp/server.py").create_app())
    await server.start_server()
    async with ClientSession(server.make_url("")) as client, meet(client, "Ana") as ana:
        await ana.send_json({"type": "join"})
        await receive(ana, "joined")
        async with asyncio.timeout(30):
            stopping = asyncio.create_task(server.close())
            async for _ in ana:
                pass
            await stopping
        assert ana.close_code == 1012
