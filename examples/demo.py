"""A meeting on this machine, with one command: `python -m examples.demo [--port 8000] [--bots 3]`.

Starts Cloudflare Realtime's emulator, the FastAPI host and some bots, waits until each is really ready and
prints the address to open. With CLOUDFLARE_REALTIME_APP_ID and CLOUDFLARE_REALTIME_APP_SECRET in the
environment it uses Cloudflare instead of the emulator.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import ctypes
import os
import re
import signal
import socket
import sys
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TypeVar

EXAMPLES = Path(__file__).parent
ROOM = "demo"
HOST = str(EXAMPLES / "01_fastapi" / "app.py")
KEYS = ("CLOUDFLARE_REALTIME_APP_ID", "CLOUDFLARE_REALTIME_APP_SECRET")
BASE_URL = "CLOUDFLARE_REALTIME_BASE_URL"
PATIENCE = 60.0
_DIE_WITH_PARENT = 1  # PR_SET_PDEATHSIG
_T = TypeVar("_T")


class DemoError(Exception):
    """The demo cannot go on, and this says why."""


class Child:
    """A process of the demo: what it prints is kept for when it fails."""

    def __init__(self, name: str, process: asyncio.subprocess.Process) -> None:
        self.name = name
        self._process = process
        self._lines: asyncio.Queue[str] = asyncio.Queue()
        self._tail: deque[str] = deque(maxlen=12)
        self._reading = asyncio.create_task(self._read())

    async def line(self, pattern: str) -> re.Match[str]:
        """The next line in which the pattern is found. Raises `DemoError` where the process ends first."""
        while True:
            ended = asyncio.create_task(self.ended())
            line = asyncio.create_task(self._lines.get())
            await asyncio.wait({ended, line}, return_when=asyncio.FIRST_COMPLETED)
            ended.cancel()
            if not line.done():
                line.cancel()
                raise self.failure()
            if (match := re.search(pattern, line.result())) is not None:
                return match

    async def ended(self) -> None:
        """Wait until the process has ended and all it printed has been read."""
        await self._process.wait()
        await asyncio.wait([self._reading])

    def failure(self) -> DemoError:
        """Why the demo stops, when this process has ended by itself."""
        said = "".join(f"\n    {line}" for line in self._tail)
        return DemoError(f"The {self.name} ended with code {self._process.returncode}.{said}")

    async def stop(self) -> None:
        """Ask the process to stop, and insist after a while."""
        with contextlib.suppress(ProcessLookupError):
            self._process.terminate()
        try:
            async with asyncio.timeout(5):
                await self._process.wait()
        except TimeoutError:
            self._process.kill()
        await self.ended()

    async def _read(self) -> None:
        if self._process.stdout is not None:
            async for data in self._process.stdout:
                line = data.decode(errors="replace").rstrip()
                self._tail.append(line)
                self._lines.put_nowait(line)


@asynccontextmanager
async def child(name: str, *arguments: str, env: Mapping[str, str]) -> AsyncGenerator[Child, None]:
    """Run Python with these arguments for as long as the block lasts."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *arguments,
        cwd=EXAMPLES.parent,
        env={**os.environ, "PYTHONUNBUFFERED": "1", **env},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        # Ctrl+C is ours: we stop the children, in order.
        start_new_session=True,
        preexec_fn=_end_with_parent if sys.platform == "linux" else None,
    )
    running = Child(name, process)
    try:
        yield running
    finally:
        await running.stop()


def _end_with_parent() -> None:
    """In the child: be terminated should the demo itself be killed."""
    ctypes.CDLL(None).prctl(_DIE_WITH_PARENT, signal.SIGTERM)


def uses_cloudflare(env: Mapping[str, str]) -> bool:
    """Whether the environment names an app of Cloudflare."""
    return all(env.get(key) for key in KEYS) and "cloudflare.com" in env.get(BASE_URL, "cloudflare.com")


@asynccontextmanager
async def media_service(children: list[Child]) -> AsyncGenerator[dict[str, str], None]:
    """Where media goes: yields the environment that the host needs for it."""
    if uses_cloudflare(os.environ):
        report("media", "Cloudflare Realtime, with the app of your environment")
        yield {}
        return
    async with child("emulator", "-m", "cfrealtime.emulator", "--port", "0", env={}) as emulator:
        children.append(emulator)
        line = await within("emulator", emulator.line(r"APP_ID=(\S+) \S+APP_SECRET=(\S+) \S+BASE_URL=(\S+)"))
        report("media", f"the emulator of Cloudflare Realtime, {line[3].removesuffix('/v1')}")
        yield dict(zip((*KEYS, BASE_URL), line.groups(), strict=True))


async def host_answers(port: int, host: Child) -> None:
    """Wait until the page is served."""
    ended = asyncio.create_task(host.ended())
    try:
        while not ended.done():
            with contextlib.suppress(OSError):
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.write(b"GET / HTTP/1.0\r\nHost: localhost\r\n\r\n")
                status = (await reader.readline()).decode(errors="replace").split()
                writer.close()
                if status[1:2] == ["200"]:
                    return
                raise DemoError(f"The host answers {' '.join(status[1:])} instead of its page.")
            await asyncio.wait({ended}, timeout=0.1)
        raise host.failure()
    finally:
        ended.cancel()


async def within(name: str, step: Awaitable[_T]) -> _T:
    """A step that must not take for ever."""
    try:
        async with asyncio.timeout(PATIENCE):
            return await step
    except TimeoutError as error:
        raise DemoError(f"The {name} is not ready after {PATIENCE:g} seconds.") from error


async def demo(port: int, bots: int) -> None:
    """Start everything, say so, and go on until something ends or the task is cancelled."""
    children = list[Child]()
    ws = f"ws://127.0.0.1:{port}/rooms/{ROOM}"
    async with contextlib.AsyncExitStack() as stack:
        env = await stack.enter_async_context(media_service(children))
        host = await stack.enter_async_context(child("host", HOST, "--port", str(port), env=env))
        children.append(host)
        await within("host", host_answers(port, host))
        report("host", f"FastAPI, http://127.0.0.1:{port}")
        if bots:
            arguments = ("-m", "examples.bots", "--url", ws, "--bots", str(bots))
            crowd = await stack.enter_async_context(child("bots", *arguments, env=env))
            children.append(crowd)
            names = [(await within("bots", crowd.line(r"^(.+) joined$")))[1] for _ in range(bots)]
            report("bots", f"{_listed(names)} in the room: they talk, mute and share")
        print(banner(port), flush=True)
        ends = {asyncio.create_task(one.ended()): one for one in children}
        done, waiting = await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        for task in waiting:
            task.cancel()
        raise ends[done.pop()].failure()


def _listed(names: Sequence[str]) -> str:
    if len(names) < 2:
        return f"{''.join(names)} is"
    return f"{', '.join(names[:-1])} and {names[-1]} are"


def report(what: str, state: str) -> None:
    """One step is done."""
    print(f"  {what:<6} {state}", flush=True)


def banner(port: int) -> str:
    """What to do now."""
    return (
        f"\n  Open   http://127.0.0.1:{port}/?room={ROOM}\n"
        "         in two tabs, to meet yourself as well. Ctrl+C stops everything.\n"
    )


def check_port(port: int) -> None:
    """Raise `DemoError` where the port cannot be had."""
    try:
        socket.create_server(("127.0.0.1", port)).close()
    except OSError as error:
        raise DemoError(
            f"Port {port} cannot be used ({error.strerror}). Is another demo running? Choose one with --port."
        ) from error


async def _until_stopped(port: int, bots: int) -> None:
    running = asyncio.create_task(demo(port, bots))

    def stop() -> None:
        # Once only: what is being stopped in order is not to be interrupted.
        if not running.cancelling():
            running.cancel()

    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop)
    try:
        await running
    except asyncio.CancelledError:
        print("\n  Stopped.", flush=True)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the demo until interrupted; gives the exit code."""
    parser = argparse.ArgumentParser(prog="scripts/demo", description="A meeting on this machine.")
    parser.add_argument("--port", type=int, default=8000, help="of the page (default: %(default)s)")
    parser.add_argument("--bots", type=int, default=3, help="synthetic participants (default: %(default)s)")
    options = parser.parse_args(arguments)
    try:
        check_port(options.port)
        print("\n  Starting a meeting …", flush=True)
        asyncio.run(_until_stopped(options.port, options.bots))
    except DemoError as error:
        print(f"\n  {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
