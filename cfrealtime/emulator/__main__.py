"""The emulator from a command line: `python -m cfrealtime.emulator`."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import errno
import ipaddress
import shlex
import signal
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from .media.network import network_problem

if TYPE_CHECKING:
    from .media.udp import UdpMediaPlane

CANNOT_START = 2
"""Exit code when the emulator cannot start; the reason is one sentence on standard error."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run until interrupted; gives the exit code."""
    options = _parser().parse_args(arguments)
    try:
        asyncio.run(_serve(options))
    except ModuleNotFoundError as error:
        return _say_why(str(error))
    except _CannotStartError as error:
        return _say_why(str(error))
    except KeyboardInterrupt:  # where the loop takes no signal handlers
        pass
    return 0


class _CannotStartError(Exception):
    """The emulator cannot start, and this sentence says why."""


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m cfrealtime.emulator",
        description="Cloudflare Realtime on your own machine, with real media.",
    )
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    parser.add_argument(
        "--port", type=_port, default=8787, help="HTTP port, 0 for any (default: %(default)s)"
    )
    parser.add_argument("--udp-port", type=_port, default=0, help="UDP port for media (default: any)")
    parser.add_argument("--app-id", default="demo", help="id of the emulated app (default: %(default)s)")
    parser.add_argument("--app-secret", default="secret", help="its secret (default: %(default)s)")
    parser.add_argument(
        "--allow-remote",
        action="store_true",
        help="let other machines in: nothing here is built to resist them",
    )
    return parser


def _port(text: str) -> int:
    number = int(text)
    if not 0 <= number <= 65535:
        raise ValueError(text)
    return number


async def _serve(options: argparse.Namespace) -> None:
    if not options.allow_remote and not _is_loopback(options.host):
        raise _CannotStartError(
            f"{options.host} can be reached by other machines, and the emulator is not built to resist them. "
            "Listen on 127.0.0.1, or say --allow-remote."
        )
    # Only now: these need the packages of the extra, and take their time to import.
    from . import Emulator, MediaPlaneError, UdpMediaPlane

    media = UdpMediaPlane(options.host, options.udp_port)
    emulator = Emulator({options.app_id: options.app_secret}, media)
    stop = _stop_signal()
    try:
        async with emulator.serve(options.host, options.port) as base_url:
            _announce(options, base_url, media)
            await stop.wait()
    except MediaPlaneError as error:
        raise _CannotStartError(f"{error}.") from error
    except OSError as error:
        raise _CannotStartError(_why_not_listening(options, error)) from error


def _announce(options: argparse.Namespace, base_url: str, media: UdpMediaPlane) -> None:
    address = media.address
    _print(f"Cloudflare Realtime, emulated. Media: UDP {address.host}:{address.port}. Stop with Ctrl+C.")
    _print("For the environment of your application:")
    _print(
        f"export CLOUDFLARE_REALTIME_APP_ID={shlex.quote(options.app_id)}"
        f" CLOUDFLARE_REALTIME_APP_SECRET={shlex.quote(options.app_secret)}"
        f" CLOUDFLARE_REALTIME_BASE_URL={base_url}"
    )
    root = base_url.removesuffix("/v1")
    _print(f"What it holds: {root}/_emulator/state  What was called: {root}/_emulator/journal")
    problem = network_problem()
    if problem is not None:
        sys.stderr.write(f"{problem}\n")


def _stop_signal() -> asyncio.Event:
    """Set when the process is asked to stop."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        with contextlib.suppress(NotImplementedError):
            loop.add_signal_handler(number, stop.set)
    return stop


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _why_not_listening(options: argparse.Namespace, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"Port {options.port} of {options.host} is taken: choose another with --port, or 0 for any."
    return f"Cannot listen on {options.host}, port {options.port}: {error.strerror or error}."


def _print(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _say_why(sentence: str) -> int:
    sys.stderr.write(f"{sentence}\n")
    return CANNOT_START


if __name__ == "__main__":
    sys.exit(main())
