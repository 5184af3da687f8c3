"""The emulator from a command line: `python -m cfrealtime.emulator`."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import gc
import ipaddress
import json
import os
import shlex
import signal
import socket
import sys
from collections.abc import AsyncGenerator, Generator, Mapping, Sequence
from typing import TYPE_CHECKING, TextIO

from .environment import environment_of
from .media.network import found_under, network_problem, only_here, outgoing_address, udp_problem
from .options import CannotStartError, Options, read_options
from .rules.fault_bounds import FaultError

if TYPE_CHECKING:
    from .media.plan import Address

CANNOT_START = 2
"""Exit code when the emulator cannot start; the reason is one sentence on standard error."""
NOBODY_READS = 128 + 13
"""Exit code when the reader of standard output is gone: what a shell says of a program that SIGPIPE ended."""
BETWEEN_SEARCHES = 60.0
"""Seconds from one full search for garbage to the next."""


class _NobodyReadsError(Exception):
    """Standard output was closed by its reader."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run until interrupted; gives the exit code."""
    try:
        asyncio.run(_serve(read_options(arguments)))
    except (ModuleNotFoundError, CannotStartError) as error:
        _remark(f"{error}")
        return CANNOT_START
    except _NobodyReadsError:
        return NOBODY_READS
    except KeyboardInterrupt:  # where the loop takes no signal handlers
        pass
    return 0


async def _serve(options: Options) -> None:
    stop = _stop_signal()
    problem = udp_problem()
    if problem is not None:
        raise CannotStartError(problem)
    advertised = _advertised(options)
    # Only now: these need the packages of the extra, and take their time to import.
    from . import Emulator, UdpMediaPlane

    media = UdpMediaPlane(options.host, options.udp_port, advertise=advertised)
    emulator = Emulator(
        options.apps,
        media,
        turn_keys=options.turn_keys,
        allow_localhost_adapters=options.localhost_adapters,
        seed=options.seed,
    )
    async with contextlib.AsyncExitStack() as running:
        with _starting(options):
            base_url = await running.enter_async_context(
                emulator.serve(options.host, options.port, advertise=_found_at(options))
            )
            for fault in options.faults:
                emulator.faults.add(fault)
        _announce(options, base_url, media.address)
        async with collecting_seldom():
            await stop.wait()


@contextlib.contextmanager
def _starting(options: Options) -> Generator[None]:
    """Words for what may be in the way until everything is there."""
    from . import MediaPlaneError

    try:
        yield
    except FaultError as error:
        raise CannotStartError(f"--fault: {error}") from error
    except MediaPlaneError as error:
        cause = error.__cause__ if isinstance(error.__cause__, OSError) else OSError(str(error))
        raise CannotStartError(
            _why(cause, "UDP port", "--udp-port", options.udp_port, options.host)
        ) from error
    except OSError as error:
        raise CannotStartError(_why(error, "Port", "--port", options.port, options.host)) from error


@contextlib.asynccontextmanager
async def collecting_seldom() -> AsyncGenerator[None]:
    """Search everything for garbage once a minute, not whenever Python would, and never what was imported.

    Each holds media up for some hundredths of a second, and a busy emulator needs longer to catch up.
    """
    gc.collect()
    gc.freeze()
    before = gc.get_threshold()
    gc.set_threshold(before[0], before[1], 1_000_000)
    searching = asyncio.create_task(_search_for_garbage(), name="search for garbage")
    try:
        yield
    finally:
        searching.cancel()
        gc.set_threshold(*before)
        gc.unfreeze()


async def _search_for_garbage() -> None:
    while True:
        await asyncio.sleep(BETWEEN_SEARCHES)
        gc.collect()


def _stop_signal() -> asyncio.Event:
    """Set when the process is asked to stop."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        with contextlib.suppress(NotImplementedError):
            loop.add_signal_handler(number, stop.set)
    return stop


# What others shall use.


def _announce(options: Options, base_url: str, address: Address) -> None:
    environment = environment_of(options.apps, options.turn_keys, base_url)
    page = f"{base_url.removesuffix('/v1')}/_emulator/"
    waiting = f" Faults: {len(options.faults)}, seed {options.seed}." if options.faults else ""
    _remark(
        f"Cloudflare Realtime, emulated. What happens: {page}  Media: UDP {address.host}:{address.port}."
        f"{waiting} Stop with Ctrl+C."
    )
    advertised = options.advertise
    problem = network_problem() if advertised is None else only_here(advertised, address.host)
    if problem is not None:
        _remark(problem)
    if options.json:
        line = json.dumps(_description(options, base_url, page, address, environment))
    else:
        line = "export " + " ".join(f"{name}={shlex.quote(value)}" for name, value in environment.items())
    try:
        _write(sys.stdout, line)
    except BrokenPipeError as error:
        raise _NobodyReadsError from error
    except OSError as error:
        raise CannotStartError(f"Standard output takes nothing: {error.strerror or error}.") from error


def _remark(words: str) -> None:
    """Say something to people, where anyone listens."""
    with contextlib.suppress(OSError):
        _write(sys.stderr, words)


def _write(stream: TextIO | None, line: str) -> None:
    """Write a line at once; a stream that was closed before we began is None, and takes anything."""
    if stream is None:
        return
    try:
        stream.write(f"{line}\n")
        stream.flush()
    except OSError:
        # What is left in the buffer would be tried again at the end, and complained of.
        with contextlib.suppress(OSError), open(os.devnull, "w", encoding="utf-8") as nowhere:
            os.dup2(nowhere.fileno(), stream.fileno())
        raise


def _description(
    options: Options, base_url: str, page: str, address: Address, environment: Mapping[str, str]
) -> dict[str, object]:
    return {
        "base_url": base_url,
        "page": page,
        "udp": {"host": address.host, "port": address.port},
        "apps": [{"id": name, "secret": secret} for name, secret in options.apps.items()],
        "turn_keys": [{"id": name, "token": token} for name, token in options.turn_keys.items()],
        "environment": environment,
    }


def _found_at(options: Options) -> str | None:
    """The host of the base address, where it is not the one that is listened on."""
    if options.advertise is not None:
        return options.advertise
    with contextlib.suppress(ValueError):
        if ipaddress.ip_address(options.host).is_unspecified:
            return outgoing_address() or "127.0.0.1"
    return None


def _advertised(options: Options) -> str | None:
    """What descriptions say of an advertised name: endpoints take addresses only."""
    if options.advertise is None:
        return None
    try:
        return found_under(options.advertise)
    except ValueError as error:
        raise CannotStartError(f"--advertise: {error}.") from error


def _why(error: OSError, what: str, option: str, port: int, host: str) -> str:
    """Why a port cannot be had, and what to do."""
    if isinstance(error, socket.gaierror):
        over = "; media travel over IPv4 only" if ":" in host else ""
        return f"{host} is no address that can be listened on{over}: choose another with --host."
    if error.errno == errno.EADDRINUSE:
        return f"{what} {port} of {host} is taken: choose another with {option}, or 0 for any."
    if error.errno == errno.EADDRNOTAVAIL:
        return (
            f"{host} is not an address of this machine: choose another with --host. Where others find this "
            "machine under it, say --advertise instead."
        )
    if error.errno in (errno.EACCES, errno.EPERM):
        return f"{what} {port} of {host} is not allowed to this user: choose one above 1023 with {option}."
    return f"{what} {port} of {host} cannot be had: {error.strerror or error}."


if __name__ == "__main__":
    sys.exit(main())
