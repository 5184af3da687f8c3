"""The demo as a newcomer runs it: one command, a meeting, and nothing left behind."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from examples.demo import main, uses_cloudflare

ROOT = Path(__file__).resolve().parents[2]
KEYS = {"CLOUDFLARE_REALTIME_APP_ID": "app", "CLOUDFLARE_REALTIME_APP_SECRET": "secret"}


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


def children(pid: int) -> list[int]:
    rows = subprocess.run(["ps", "-A", "-o", "pid=,ppid="], capture_output=True, text=True, check=True)
    pairs = (row.split() for row in rows.stdout.splitlines())
    return [int(child) for child, parent in pairs if int(parent) == pid]


def alive(pids: list[int]) -> list[int]:
    """Those that run; what has ended and waits to be collected does not count."""
    rows = subprocess.run(["ps", "-A", "-o", "pid=,stat="], capture_output=True, text=True, check=True)
    states = dict(row.split() for row in rows.stdout.splitlines())
    return [pid for pid in pids if states.get(str(pid), "Z")[0] != "Z"]


async def gone(pids: list[int]) -> None:
    for _ in range(600):
        if alive(pids):
            await asyncio.sleep(0.1)
    assert not alive(pids)


@asynccontextmanager
async def demo(port: int, bots: int) -> AsyncIterator[asyncio.subprocess.Process]:
    """The demo, once it has said where to go."""
    env = {key: value for key, value in os.environ.items() if key not in KEYS}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "examples.demo", "--port", str(port), "--bots", str(bots)),
        cwd=ROOT,
        env=env,
        stdout=asyncio.subprocess.PIPE,
    )
    pids = list[int]()
    try:
        async with asyncio.timeout(90):
            said = (await process.stdout.readuntil(f"http://127.0.0.1:{port}/?room=demo".encode())).decode()
        assert "the emulator of Cloudflare Realtime" in said
        pids = children(process.pid)
        yield process
    finally:
        for pid in alive([process.pid, *pids]):
            os.kill(pid, signal.SIGKILL)
        await process.communicate()


async def test_a_meeting_runs_and_nothing_is_left_of_it():
    port = free_port()
    async with (
        demo(port, bots=2) as running,
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=60) as page,
    ):
        assert "Your name" in (await page.get("/?room=demo")).text
        room = (await page.get("/rooms/demo/inspect")).json()
        assert {one["name"] for one in room["participants"]} == {"Ada", "Bruno"}
        pids = children(running.pid)
        assert len(pids) == 3
        running.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(running.wait(), 60) == 0
        assert not alive(pids)


async def test_children_end_with_a_demo_that_is_killed():
    async with demo(free_port(), bots=0) as running:
        pids = children(running.pid)
        assert len(pids) == 2
        running.kill()
        await running.wait()
        await gone(pids)


async def test_a_part_that_dies_ends_the_demo_with_its_name():
    async with demo(free_port(), bots=0) as running:
        pids = children(running.pid)
        os.kill(pids[0], signal.SIGKILL)
        assert await asyncio.wait_for(running.wait(), 60) == 1
        assert not alive(pids)


def test_a_port_that_is_taken_is_said_so(capsys: pytest.CaptureFixture[str]):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert main(["--port", str(port)]) == 1
    assert f"Port {port} cannot be used" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("env", "cloudflare"),
    [
        ({}, False),
        ({"CLOUDFLARE_REALTIME_APP_ID": "app"}, False),
        (KEYS, True),
        ({**KEYS, "CLOUDFLARE_REALTIME_BASE_URL": "https://rtc.live.cloudflare.com/v1"}, True),
        ({**KEYS, "CLOUDFLARE_REALTIME_BASE_URL": "http://127.0.0.1:8787/v1"}, False),
    ],
)
def test_cloudflare_is_used_where_the_environment_names_an_app_of_it(env: dict[str, str], cloudflare: bool):
    assert uses_cloudflare(env) is cloudflare
