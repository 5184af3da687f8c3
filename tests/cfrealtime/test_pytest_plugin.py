"""The fixtures in other people's test suites: with pytest alone, with pytest-asyncio, with anyio's plugin."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
HEAVY = ("aiortc", "cattrs", "cfrealtime.emulator", "httpx", "httpcore", "starlette")
SYNC = """
def test_blocking(realtime, realtime_emulator):
    realtime_emulator.faults.answer_with("new_session", 429)
    session = realtime.new_session()
    assert realtime_emulator.journal()["calls"][-1]["operation"] == "new_session"
    assert realtime_emulator.count() == 2 and session.get_state().tracks == ()

def test_each_test_has_its_own(realtime_emulator):
    assert realtime_emulator.count() == 0
"""
SERVED = """
import json
from urllib.request import Request, urlopen

def new_session(server):
    url = f"{server.base_url}/apps/{server.app_id}/sessions/new"
    secret = {"Authorization": f"Bearer {server.secret}"}
    with urlopen(Request(url, method="POST", headers=secret), timeout=60) as response:
        return json.load(response)["sessionId"]

def test_an_address(realtime_server):
    assert new_session(realtime_server)
    assert realtime_server.environment["CLOUDFLARE_REALTIME_BASE_URL"] == realtime_server.base_url

def test_each_test_has_an_address_of_its_own(realtime_server):
    assert realtime_server.count() == 0
"""
ASYNC = """
import asyncio, pytest

{mark}
async def test_async(async_realtime, realtime_emulator):
    session = await async_realtime.new_session()
    assert realtime_emulator.state()["sessions"][0]["session_id"] == session.id

{mark}
async def test_both(async_realtime, realtime, realtime_emulator):
    session = await async_realtime.new_session()
    state = await asyncio.to_thread(realtime.session(session.id).get_state)
    assert state.tracks == () and realtime_emulator.count() == 2

{mark}
async def test_the_blocking_one_first(async_realtime, realtime):
    session = await asyncio.to_thread(realtime.new_session)
    assert (await async_realtime.session(session.id).get_state()).tracks == ()

{mark}
async def test_served(realtime_server):
    await asyncio.to_thread(new_session, realtime_server)
    assert len(realtime_server.state()["sessions"]) == realtime_server.count() == 1
    realtime_server.assert_no_leaks()

{backend}
"""
# An application that is called from a blocking test, and has a loop of its own for each call.
LOOPS = """
import asyncio

def test_async_code_under_a_blocking_test(async_realtime, realtime_emulator):
    session = asyncio.run(async_realtime.new_session())
    assert asyncio.run(async_realtime.session(session.id).get_state()).tracks == ()
    assert realtime_emulator.count() == 2
"""
# Minutes in a test that takes none.
LOOPTIME = """
import asyncio, pytest
from cfrealtime import SessionGoneError

@pytest.mark.asyncio
@pytest.mark.looptime
async def test_virtual_time(async_realtime):
    session = await async_realtime.new_session()
    await asyncio.sleep(300)
    with pytest.raises(SessionGoneError):
        await session.get_state()
"""
LOOPTIME_PLUGINS = ("looptime_plugin", "looptime_timeproxies", "looptime_chronometers")
# aioice leaves loopback out of its candidates, and a machine may have nothing else.
LOOPBACK = """
from aioice import ice
ice.get_host_addresses = lambda use_ipv4, use_ipv6: ["127.0.0.1"]
"""
SCOPE = ("-o", "asyncio_default_fixture_loop_scope=function")
ANYIO = "@pytest.fixture\ndef anyio_backend():\n    return 'asyncio'"


def run(folder, tests, *plugins, options=()):
    """pytest's output on some tests in a suite of their own, and how many modules of HEAVY it imported."""
    (folder / "pytest.ini").write_text("[pytest]\nfilterwarnings = error\n")
    (folder / "test_it.py").write_text(tests)
    names = [argument for name in ("cfrealtime.pytest_plugin", *plugins) for argument in ("-p", name)]
    code = (
        "import sys, pytest; code = pytest.main(sys.argv[1:]);"
        f"print('imported', sorted(set({HEAVY!r}) & sys.modules.keys())); sys.exit(code)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, "-q", *names, *options],
        cwd=folder,
        env={**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


def test_collecting_imports_nothing_heavy(tmp_path):
    code, output = run(tmp_path, SYNC, options=["--collect-only"])
    assert (code, output.splitlines()[-1]) == (0, "imported []"), output


def test_a_suite_without_asyncio_plugins_is_collected_and_has_the_blocking_client(tmp_path):
    code, output = run(tmp_path, SYNC + LOOPS + SERVED)
    assert (code, "5 passed" in output) == (0, True), output


@pytest.mark.parametrize(
    ("plugin", "mark", "backend", "options"),
    [
        ("asyncio", "@pytest.mark.asyncio", "", SCOPE),
        ("asyncio", "", "", ["--asyncio-mode=auto", *SCOPE]),
        ("anyio", "@pytest.mark.anyio", ANYIO, []),
    ],
    ids=["pytest-asyncio strict", "pytest-asyncio auto", "anyio"],
)
def test_async_tests_live_on_the_loop_of_their_plugin(tmp_path, plugin, mark, backend, options):
    tests = ASYNC.format(mark=mark, backend=backend) + SYNC + SERVED
    code, output = run(tmp_path, tests, plugin, options=options)
    assert (code, "8 passed" in output) == (0, True), output


def test_time_can_be_virtual(tmp_path):
    code, output = run(tmp_path, LOOPTIME, "asyncio", *LOOPTIME_PLUGINS, options=SCOPE)
    assert (code, "1 passed" in output) == (0, True), output


def test_the_guide_is_a_suite_that_passes(tmp_path):
    guide = (ROOT / "docs" / "how-to" / "test-your-application.md").read_text()
    for name, code in re.findall(r"```python\n# (\w+\.py)\n(.*?)```", guide, re.DOTALL):
        (tmp_path / name).write_text(code)
    with (tmp_path / "conftest.py").open("a") as conftest:
        conftest.write(LOOPBACK)
    code, output = run(tmp_path, "", "asyncio", options=[*SCOPE, "-o", "pythonpath=."])
    assert (code, "9 passed" in output) == (0, True), output
