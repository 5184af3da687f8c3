"""Measures the rooms: `scripts/bench rooms [--json] [--only reconcile event calls memory many joins]`.

CPU time, not clock time: ratios hold within a table, absolute figures are of this machine in this minute.
Counts are exact. All but `joins` run in this process, with a service and clients that answer at once.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Callable

from tests.bench.rooms import core, whole
from tests.bench.rooms.joins import meetings
from tests.bench.sdk.report import Table, answer
from tests.bench.sdk.timing import use_core

QUESTIONS = ("reconcile", "event", "calls", "memory", "many", "joins")


def main() -> int:
    """Ask what is wanted, print every table; 1 when a limit was missed."""
    options = _options()
    use_core(0)  # the other one is for the server of the plain calls
    asked: dict[str, Callable[[], list[Table]]] = {
        "reconcile": lambda: core.reconcile(options.mesh, options.rounds),
        "event": lambda: core.events(options.sizes, options.rounds),
        "calls": lambda: asyncio.run(whole.calls(options.rounds)),
        "memory": lambda: asyncio.run(whole.memory(options.people)),
        "many": lambda: asyncio.run(whole.many(options.rooms, 4)),
        "joins": lambda: asyncio.run(meetings(options.peers, options.seconds)),
    }
    wanted = {name: asked[name] for name in options.only or QUESTIONS}
    return answer(wanted, as_json=options.json)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/bench rooms", description=__doc__.splitlines()[0])
    parser.add_argument("--json", action="store_true", help="one JSON document instead of tables")
    parser.add_argument("--only", nargs="+", choices=QUESTIONS)
    parser.add_argument("--rounds", type=int, default=5, help="how often it is measured")
    parser.add_argument("--mesh", type=int, default=100, help="people to reconcile")
    parser.add_argument(
        "--sizes", type=int, nargs="+", default=[10, 30, 100, 300, 1000], help="of rooms with one event"
    )
    parser.add_argument("--people", type=int, default=50, help="people whose memory is counted")
    parser.add_argument("--rooms", type=int, default=500, help="many rooms")
    parser.add_argument("--peers", type=int, nargs="+", default=[3, 6, 10], help="light peers with media")
    parser.add_argument("--seconds", type=float, default=5.0, help="how long those are watched")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
