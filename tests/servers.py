"""Server processes as a person starts them: to be stopped, killed and started again on their port."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import httpx

ROOT = Path(__file__).resolve().parents[1]


def free_port() -> int:
    """A port that nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Server:
    """A Python process that serves HTTP on one port, through all of its lives."""

    def __init__(
        self, arguments: Sequence[str], environment: Mapping[str, str] | None = None, ready: str = "/"
    ) -> None:
        self._port = free_port()
        self._arguments = [sys.executable, *arguments, "--port", str(self._port)]
        self._environment = {**os.environ, **(environment or {})}
        self._ready = ready
        self.base = f"http://127.0.0.1:{self._port}"
        self.process: asyncio.subprocess.Process | None = None

    async def start(self, within: float = 60.0) -> None:
        """Start it and wait until it answers."""
        self.process = await asyncio.create_subprocess_exec(
            *self._arguments, cwd=ROOT, env=self._environment, stdout=asyncio.subprocess.DEVNULL
        )
        async with asyncio.timeout(within), httpx.AsyncClient(timeout=60) as client:
            while True:
                if self.process.returncode is not None:
                    raise AssertionError(f"{self._arguments[1:]} ended with {self.process.returncode}")
                with contextlib.suppress(httpx.TransportError):
                    if (await client.get(self.base + self._ready)).is_success:
                        return
                await asyncio.sleep(0.1)

    async def stop(self) -> None:
        """End it as a deployment does."""
        if self.process is not None and self.process.returncode is None:
            self.process.terminate()
            await self.process.wait()

    async def get(self, path: str) -> Any:
        """JSON of a path."""
        async with httpx.AsyncClient(timeout=60) as client:
            return (await client.get(self.base + path)).json()


def emulator_process() -> Server:
    """The emulator with real media in a process of its own."""
    return Server(["-m", "cfrealtime.emulator"], ready="/_emulator/state")


def meeting_host(script: str, realtime: str, *, grace: float = 3.0) -> Server:
    """An example's host, on an emulator."""
    return Server(
        [script],
        {
            "CLOUDFLARE_REALTIME_APP_ID": "demo",
            "CLOUDFLARE_REALTIME_APP_SECRET": "secret",
            "CLOUDFLARE_REALTIME_BASE_URL": realtime,
            "MEETING_GRACE": str(grace),
        },
    )
