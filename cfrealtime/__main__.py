"""`python -m cfrealtime check`: tries settings, credentials and network step by step."""

from __future__ import annotations

import argparse
import math
import os
import sys
from collections.abc import Sequence
from typing import Final

from cfrealtime._version import __version__

OK: Final = 0
FAILED: Final = 1
MISUSED: Final = 2
INTERRUPTED: Final = 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; gives the exit code."""
    parser = _parser()
    options = parser.parse_args(arguments)
    if options.command is None:
        parser.print_help(sys.stderr)
        return MISUSED
    try:
        return _check(options)
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        # Whoever read the report has read enough. What is still to be flushed at exit must go somewhere.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m cfrealtime", description="Cloudflare Realtime for Python."
    )
    parser.add_argument("--version", action="version", version=f"cfrealtime {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="command")
    check = commands.add_parser(
        "check",
        help="try settings, credentials and network step by step",
        description=(
            "Try settings, credentials and network step by step, and say what is wrong. It reads the "
            "CLOUDFLARE_ variables of the environment, shows no secret, and makes one session, which expires "
            "by itself. Exit code: 0 if everything that was tried works, else 1."
        ),
    )
    check.add_argument("--json", action="store_true", help="write the report as JSON")
    check.add_argument(
        "--timeout",
        type=_seconds,
        default=10.0,
        help="seconds that each step may take (default: %(default)g)",
    )
    return parser


def _seconds(text: str) -> float:
    seconds = float(text)
    if not 0 < seconds < math.inf:
        raise ValueError(text)
    return seconds


def _check(options: argparse.Namespace) -> int:
    from cfrealtime._checking import report
    from cfrealtime._checking.steps import Check

    check = Check(os.environ, options.timeout)
    write = report.write_json if options.json else report.write
    return OK if write(check.run(), check.service, sys.stdout) else FAILED


if __name__ == "__main__":
    sys.exit(main())
