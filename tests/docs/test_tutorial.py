"""The tutorial, done as a reader does it: its commands, its programs, three terminals."""

from __future__ import annotations

import asyncio
import os
import re
import sys
from contextlib import asynccontextmanager

import pytest

from tests.docs.pages import ROOT, matches, page

TUTORIAL = page("tutorial.md")
PUBLISH, RECEIVE = TUTORIAL.blocks


@asynccontextmanager
async def terminal(*arguments: str, **environment: str):
    """A running Python program, ended as Ctrl+C ends it; gives what it prints."""
    program = await asyncio.create_subprocess_exec(
        sys.executable,
        *arguments,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        yield program.stdout
    finally:
        if program.returncode is None:
            program.terminate()
        await program.wait()


@pytest.fixture
def programs(tmp_path):
    """The programs under the names that the tutorial gives them."""
    assert "Save this as `publish.py`" in TUTORIAL.text
    assert "save this as `receive.py`" in TUTORIAL.text
    for name, block in {"publish.py": PUBLISH, "receive.py": RECEIVE}.items():
        (tmp_path / name).write_text(block.code, encoding="utf-8")
    return tmp_path


async def test_a_track_is_published_and_received(programs):
    assert "```bash\npython -m cfrealtime.emulator\n```" in TUTORIAL.text
    async with asyncio.timeout(100), terminal("-m", "cfrealtime.emulator", "--port", "0") as service:
        line = ""
        while not line.startswith("export "):
            line = (await service.readline()).decode()
        assert re.sub(r"http://.+?/v1", "http://127.0.0.1:8787/v1", line) in TUTORIAL.text
        environment = dict(pair.split("=", 1) for pair in line.split()[1:])

        async with terminal(str(programs / "publish.py"), **environment) as publisher:
            printed = (await publisher.readline()).decode()
            assert matches(printed, PUBLISH.prints)
            session_id = printed.split()[-1]
            async with terminal(str(programs / "receive.py"), session_id, **environment) as receiver:
                assert matches((await receiver.read()).decode(), RECEIVE.prints)
