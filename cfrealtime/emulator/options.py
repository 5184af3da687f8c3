"""What a command line says, read and checked: every refusal is a sentence."""

from __future__ import annotations

import argparse
import ipaddress
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TypeVar

from attrs import frozen

from . import demo
from .rules.fault_bounds import FaultError
from .rules.fault_forms import read, read_many
from .rules.faults import Fault

T = TypeVar("T")

EVERYWHERE = "0.0.0.0"  # noqa: S104 - only for those who ask for it


class CannotStartError(Exception):
    """The emulator cannot start, and this sentence says why."""


@frozen
class Options:
    """How an emulator shall be run."""

    host: str
    port: int
    udp_port: int
    advertise: str | None
    apps: Mapping[str, str]
    turn_keys: Mapping[str, str]
    localhost_adapters: bool
    seed: int
    faults: tuple[Fault, ...]
    json: bool


def read_options(arguments: Sequence[str] | None) -> Options:
    """The options of a command line. Ends the process, with words, where argparse finds it unusable."""
    given = _parser().parse_args(arguments)
    host = given.host or (EVERYWHERE if given.advertise else "127.0.0.1")
    if given.advertise is None and not given.allow_remote and not _is_loopback(host):
        raise CannotStartError(
            f"{host} can be reached by other machines, and the emulator is not built to resist them. "
            "Listen on 127.0.0.1, or let them in with --allow-remote or --advertise."
        )
    return Options(
        host=host,
        port=given.port,
        udp_port=given.udp_port,
        advertise=given.advertise,
        apps=_by_id("--app", given.app) if given.app else demo.APPS,
        turn_keys=_by_id("--turn-key", given.turn_key) if given.turn_key else demo.TURN_KEYS,
        localhost_adapters=not given.refuse_localhost_adapters,
        seed=given.seed,
        faults=(*(given.fault or ()), *(fault for faults in given.faults or () for fault in faults)),
        json=given.json,
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m cfrealtime.emulator",
        description="Cloudflare Realtime on your own machine, with real media. When it is ready, one line on "
        "standard output is for the environment of your application.",
    )
    add = parser.add_argument
    add("--host", metavar="ADDRESS", help="address to listen on (default: 127.0.0.1)")
    add(
        "--port",
        type=_read(_port),
        default=8787,
        metavar="PORT",
        help="HTTP port, 0 for any (default: %(default)s)",
    )
    add(
        "--udp-port",
        type=_read(_port),
        default=0,
        metavar="PORT",
        help="UDP port for all media (default: 0, which is any)",
    )
    add(
        "--advertise",
        metavar="ADDRESS",
        help="address under which others find this machine, or this one its container; listens on all "
        "addresses unless --host says otherwise",
    )
    add("--allow-remote", action="store_true", help="let other machines in: nothing resists them")
    _add_pairs(parser, "--app", "ID=SECRET", "an app", demo.APPS)
    _add_pairs(parser, "--turn-key", "ID=TOKEN", "a TURN key", demo.TURN_KEYS)
    add(
        "--refuse-localhost-adapters",
        action="store_true",
        help="refuse WebSocket adapters to localhost, as the service does",
    )
    add("--fault", type=_read(read), action="append", help="what shall go wrong: 'lose_answer nth=3'")
    add("--faults", type=_read(_file), action="append", metavar="FILE", help="the same in JSON, - for stdin")
    add("--seed", type=int, default=0, help="decides all chance in faults (default: %(default)s)")
    add("--json", action="store_true", help="print one line of JSON when ready, instead of shell")
    return parser


def _add_pairs(
    parser: argparse.ArgumentParser, option: str, form: str, what: str, demo: Mapping[str, str]
) -> None:
    pairs = ", ".join(f"{name}={secret}" for name, secret in demo.items())
    parser.add_argument(
        option,
        type=_read(partial(_pair, form)),
        action="append",
        metavar=form,
        help=f"{what} in place of the demo's; may be repeated (default: {pairs})",
    )


def _read(reader: Callable[[str], T]) -> Callable[[str], T]:
    """A reader whose words argparse passes on."""

    def read_it(text: str) -> T:
        try:
            return reader(text)
        except ValueError as error:
            raise argparse.ArgumentTypeError(str(error)) from error

    return read_it


def _port(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text) <= 65_535):
        raise ValueError(f"{text} is not a port from 0 to 65535")
    return int(text)


def _pair(form: str, text: str) -> tuple[str, str]:
    name, _, secret = text.partition("=")
    if not name or not secret:
        raise ValueError(f"it is of the form {form}, and both have to be there")
    if "/" in name:
        raise ValueError(f"{name} has a slash in it, and an id is one part of a path")
    return name, secret


def _by_id(option: str, pairs: Sequence[tuple[str, str]]) -> Mapping[str, str]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise CannotStartError(f"{option} {twice} is there twice.")
    return found


def _file(name: str) -> tuple[Fault, ...]:
    try:
        text = sys.stdin.read() if name == "-" else Path(name).read_text(encoding="utf-8")
    except OSError as error:
        raise ValueError(f"{name} cannot be read: {error.strerror}") from error
    try:
        return read_many(json.loads(text))
    except FaultError:
        raise
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{name} is not JSON: {error}") from error


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
