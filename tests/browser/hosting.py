"""A host process as a person starts it, to be stopped, killed and started again."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import sys
from pathlib import Path

import httpx

ROOT = Path(__file__).resolve().parents[2]


def free_port() -> int:
    """A port that nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Host:
    """One example's server in a process of its own, on one port for all of its lives."""

    def __init__(self, script: str, realtime: str, *, grace: float = 3.0) -> None:
        self._script, self._port = script, free_port()
        self.base = f"http://127.0.0.1:{self._port}"
        self._environment = {
            **os.environ,
            "CLOUDFLARE_REALTIME_APP_ID": "demo",
            "CLOUDFLARE_REALTIME_APP_SECRET": "secret",
            "CLOUDFLARE_REALTIME_BASE_URL": realtime,
            "MEETING_GRACE": str(grace),
        }
        self._process: asyncio.subprocess.Process | None = None

    async def start(self, within: float = 20.0) -> None:
        """Start it and wait until it answers."""
        self._process = await asyncio.create_subprocess_exec(
            sys.executable, self._script, "--port", str(self._port), cwd=ROOT, env=self._environment
        )
        async with asyncio.timeout(within), httpx.AsyncClient() as client:
            while True:
                if self._process.returncode is not None:
                    raise AssertionError(f"{self._script} ended with {self._process.returncode}")
                with contextlib.suppress(httpx.TransportError):
                    if (await client.get(self.base)).is_success:
                        return
                await asyncio.sleep(0.1)

    async def stop(self) -> None:
        """End it as a deployment does."""
        if self._process is not None and self._process.returncode is None:
            self._process.terminate()
            await self._process.wait()

    async def inspect(self, room: str) -> dict[str, object]:
        """The room's inspection."""
        async with httpx.AsyncClient() as client:
            return (await client.get(f"{self.base}/rooms/{room}/inspect")).json()
