"""The emulator as a process: what it prints, how it stops, and what it says when it cannot start."""

from __future__ import annotations

import re
import signal
import socket
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager

import httpx
import pytest

COMMAND = [sys.executable, "-m", "cfrealtime.emulator"]


@contextmanager
def running(*arguments: str) -> Generator[tuple[subprocess.Popen[str], dict[str, str]]]:
    """A started emulator, and the environment it tells to copy."""
    process = subprocess.Popen([*COMMAND, *arguments], stdout=subprocess.PIPE, text=True)
    try:
        line = next(line for line in process.stdout if line.startswith("export "))
        yield process, dict(re.findall(r"(CLOUDFLARE_\w+)=(\S+)", line))
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def refused(*arguments: str) -> str:
    """What a command that cannot start says."""
    done = subprocess.run([*COMMAND, *arguments], capture_output=True, text=True, timeout=30, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    return done.stderr


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM])
def test_it_prints_what_to_copy_serves_and_stops_cleanly(ending):
    with running("--port", "0", "--app-id", "one", "--app-secret", "two") as (process, environment):
        assert environment["CLOUDFLARE_REALTIME_APP_ID"] == "one"
        assert environment["CLOUDFLARE_REALTIME_APP_SECRET"] == "two"
        response = httpx.post(
            f"{environment['CLOUDFLARE_REALTIME_BASE_URL']}/apps/one/sessions/new",
            headers={"Authorization": "Bearer two"},
        )
        assert response.status_code == 201
        process.send_signal(ending)
        assert process.wait(timeout=10) == 0


def test_a_port_that_is_taken_is_named():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert refused("--port", str(port)) == (
            f"Port {port} of 127.0.0.1 is taken: choose another with --port, or 0 for any.\n"
        )


def test_a_media_port_that_is_taken_is_named():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        assert f"UDP 127.0.0.1:{port}" in refused("--port", "0", "--udp-port", str(port))


def test_a_port_that_cannot_exist_is_refused():
    assert "--port" in refused("--port", "70000")


def test_other_machines_are_let_in_only_when_told():
    assert "--allow-remote" in refused("--host", "0.0.0.0", "--port", "0")


def test_a_missing_extra_says_what_to_install():
    code = (
        "import sys; sys.modules['uvicorn'] = None\n"
        "from cfrealtime.emulator.__main__ import main; sys.exit(main(['--port', '0']))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=30, check=False
    )
    assert done.returncode == 2
    assert done.stderr == "The emulator needs uvicorn: pip install 'cfrealtime[emulator]'\n"


def test_the_package_itself_imports_without_the_extra():
    code = (
        "import sys; sys.modules.update(starlette=None, uvicorn=None, aiortc=None)\n"
        "import cfrealtime.emulator as emulator\n"
        "import cfrealtime.emulator.rules.order\n"
        "try: emulator.Emulator\n"
        "except ModuleNotFoundError as error: print(error)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=30, check=False
    )
    assert done.stdout == "The emulator needs starlette: pip install 'cfrealtime[emulator]'\n"
    assert not done.stderr
