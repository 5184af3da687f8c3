"""The README's blocks of Python, shell and CI do what they say."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import ModuleType

import httpx
import pytest
import yaml

import cfrealtime.emulator
from cfrealtime.emulator import Emulator, UdpMediaPlane
from cfrealtime.emulator.options import read_options
from cfrealtime.testing import ServedEmulator
from tests.cfrealtime.emulator.peer import Peer, client_of
from tests.cfrealtime.emulator.test_other_clients import PUBLISH
from tests.docs.pages import ROOT, Page, page, run

README = Page(
    "README.md", Path(cfrealtime.emulator.__file__).with_name("README.md").read_text(encoding="utf-8")
)
PYTHON = [block for block in README.blocks if block.language == "python"]
SHELL = [block.code for block in README.blocks if block.language == "sh"]
GUIDE, FAULTS = SHELL[:3], SHELL[3]
# A machine may lack curl.
CURL = """\
import sys, urllib.request
options, rest = {"-X": None, "-H": None, "-d": None}, iter(sys.argv[1:])
for argument in rest:
    if argument in options: options[argument] = next(rest)
    elif not argument.startswith("-"): url = argument
headers = dict([options["-H"].split(": ")] if options["-H"] else [])
data = options["-d"] and options["-d"].encode()
with urllib.request.urlopen(urllib.request.Request(url, data, headers, method=options["-X"])) as answer:
    sys.stdout.write(answer.read().decode())
"""
# Publishes and does not learn what became of it, because the guide's fault loses the answer.
APPLICATION = f"""
secret='Authorization: Bearer secret'
sessions=$base/apps/demo/sessions
session=$(curl -s -X POST -H "$secret" $sessions/new | sed 's/.*"sessionId":"\\([^"]*\\)".*/\\1/')
curl -s -H "$secret" -d {shlex.quote(json.dumps(PUBLISH))} $sessions/$session/tracks/new || echo lost
"""
# What runs as "npm test".
TESTS = """
secret="Authorization: Bearer $CLOUDFLARE_REALTIME_APP_SECRET"
curl -s -X POST -H "$secret" "$CLOUDFLARE_REALTIME_BASE_URL/apps/$CLOUDFLARE_REALTIME_APP_ID/sessions/new"
"""


@pytest.fixture
def commands(tmp_path):
    """A folder of commands that come before the machine's."""
    folder = tmp_path / "commands"
    folder.mkdir()
    command(folder, "python", f'exec {shlex.quote(sys.executable)} "$@"')
    if shutil.which("curl") is None:
        command(folder, "curl", f'exec python -c {shlex.quote(CURL)} "$@"')
    return folder


def command(folder: Path, name: str, script: str) -> None:
    file = folder / name
    file.write_text(f"#!/bin/sh\n{script}\n")
    file.chmod(0o755)


def done(script: str, commands: Path, *shell: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """A script that has been run beside the folder of commands."""
    path = {"PATH": f"{commands}:{os.environ['PATH']}", "PYTHONPATH": str(ROOT)}
    arguments = [*(shell or ("sh", "-eu")), "-c", script]
    with subprocess.Popen(
        arguments,
        cwd=commands.parent,
        env={**os.environ, **path, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            out, error = process.communicate(timeout=90)
        except BaseException:
            os.killpg(process.pid, signal.SIGKILL)  # what it has started, too
            raise
    return subprocess.CompletedProcess(arguments, process.returncode, out, error)


def test_what_is_not_run_here_is_noticed():
    assert (len(PYTHON), len(SHELL)) == (3, 4)


def test_the_test_of_an_application(realtime, realtime_emulator, monkeypatch):
    application = ModuleType("app")
    monkeypatch.setitem(sys.modules, "app", application)
    exec(page("how-to/test-your-application.md").blocks[0].compiled("app.py"), vars(application))
    names = {}
    exec(PYTHON[0].compiled(README.name), names)
    (test,) = (names[name] for name in names if name.startswith("test_"))
    test(realtime, realtime_emulator)
    assert realtime_emulator.count("new_session") == 2


async def test_both_kinds_of_packets():
    names = {}
    await run(PYTHON[1], README.name, names)
    assert names["realtime"].base_url == "http://emulator/v1"
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+/v1", names["base_url"])


async def test_faults_of_a_program():
    emulator = Emulator(media=UdpMediaPlane())
    async with client_of(emulator) as client:
        peer = await Peer.join(client)
        await run(PYTHON[2], README.name, {"emulator": emulator, "session_id": peer.id})
        kinds = [fault["kind"] for fault in emulator.faults.view()["faults"]]
        assert kinds == ["lose_answer", "silence", "loss", "lose_answer"]


def test_faults_of_a_shell(commands):
    """curl itself takes a refusal for an answer."""
    with ServedEmulator() as server:
        script = FAULTS.replace("http://127.0.0.1:8787", server.base_url.removesuffix("/v1"))
        ended = done(script.replace("curl ", "curl --fail "), commands)
        assert ended.returncode == 0, ended.stderr
        assert set(re.findall(r'"kind": ?"(\w+)"', ended.stdout)) == {"lose_answer", "refuse", "delay"}
        assert server.faults.view()["faults"] == []


def test_the_guide_for_other_languages_ends_well(commands):
    (commands.parent / "emulator.json").write_text('{"base_url": "http://127.0.0.1:1/v1"}')
    ended = done("".join(GUIDE), commands)
    assert ended.returncode == 0, ended.stderr
    assert '"sessionId"' in ended.stdout
    assert '"operation":"new_session"' in ended.stdout.replace(" ", "")
    assert is_gone(json.loads((commands.parent / "emulator.json").read_text())["base_url"])


def test_the_guide_for_other_languages_finds_what_was_left(commands):
    ended = done("".join([*GUIDE[:2], APPLICATION, GUIDE[2]]), commands)
    assert "lost\nThe emulator still held:\n{" in ended.stdout, ended.stderr
    assert ended.returncode == 1


@pytest.mark.parametrize("shell", ["sh", "bash"])
def test_the_guide_for_other_languages_ends_where_the_emulator_cannot_start(commands, shell):
    ended = done(GUIDE[0].replace("--port 0", "--port 0 --advertise 0.0.0.0"), commands, shell)
    assert ended.returncode == 2
    assert ended.stderr.startswith("--advertise: 0.0.0.0 is no machine's address")
    assert ended.stderr.count("\n") == 1


def is_gone(base_url: str) -> bool:
    """Whether nobody answers there any more, or soon will not."""
    with httpx.Client(timeout=60) as client:
        while True:
            try:
                client.get(base_url)
            except httpx.TransportError:
                return True
            time.sleep(0.05)


def test_the_steps_of_a_ci_job(commands):
    """As GitHub runs them: each in a shell of its own, with the environment that others wrote before."""
    (text,) = re.findall(r"^```yaml\n(.+?)^```", README.text, re.MULTILINE | re.DOTALL)
    steps = [step["run"] for step in yaml.safe_load(text)["steps"] if "run" in step]
    command(commands, "pip", 'echo "$@"')
    command(commands, "npm", TESTS)
    file, printed, environment = commands.parent / "environment", [], {}
    try:
        for step in steps:
            ended = done(step, commands, "bash", "-e", GITHUB_ENV=str(file), **environment)
            assert ended.returncode == 0, ended.stderr
            printed.append(ended.stdout)
            written = file.read_text().splitlines() if file.exists() else []
            environment = dict(line.split("=", 1) for line in written)
    except BaseException:
        if "EMULATOR" in environment:
            os.kill(int(environment["EMULATOR"]), signal.SIGKILL)
        raise
    assert '"sessionId"' in printed.pop(2)
    assert printed == ["install cfrealtime[emulator]\n", "", ""]
    assert is_gone(environment["CLOUDFLARE_REALTIME_BASE_URL"])


def test_its_other_command_lines_are_understood():
    lines = re.findall(r"^    python -m cfrealtime\.emulator(.*)$", README.text, re.MULTILINE)
    assert len([read_options(shlex.split(line)) for line in lines]) == 3
