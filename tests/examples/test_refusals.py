"""What keeps an example from starting is one sentence on standard error."""

import contextlib
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


def run(*command: str, **environment: str) -> tuple[int, str]:
    """Its exit code and what it says; whatever it leaves running is ended."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("CLOUDFLARE_")}
    process = subprocess.Popen(
        [sys.executable, *command],
        env=inherited | environment,
        cwd=EXAMPLES / "01_fastapi",
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        _, said = process.communicate(timeout=90)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    return process.returncode, said


@pytest.mark.parametrize(
    "example",
    [
        "01_fastapi/app.py",
        "02_aiohttp/server.py",
        "03_http_events/http_events.py",
        "04_entry_token/doorkeeper.py",
    ],
)
def test_missing_credentials_are_named(example):
    code, said = run(str(EXAMPLES / example), "--port", "0")
    assert code != 0
    assert "set CLOUDFLARE_REALTIME_APP_ID and CLOUDFLARE_REALTIME_APP_SECRET" in said
    assert said.count("\n") == 1


def test_several_workers_are_refused():
    code, said = run(
        *("-m", "uvicorn", "app:app", "--port", "0", "--workers", "2"),
        CLOUDFLARE_REALTIME_APP_ID="demo",
        CLOUDFLARE_REALTIME_APP_SECRET="secret",
    )
    assert "Start this meeting with one worker: a room lives in one process" in said
    assert "Stopping parent process" in said
    assert code == 0  # uvicorn's own, once it has stopped the others
