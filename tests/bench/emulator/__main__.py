"""Measures the emulator: `scripts/bench emulator [--json] [--only mesh page viewers ready loss churn]`.

The emulator has a core, what drives it another one. Counts are exact; times and shares are of this machine in
this minute. `--only churn --churn 1800` is thirty minutes of joins and leaves, with a rest of a minute before
each look at what is left.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Callable

from tests.bench.emulator import questions
from tests.bench.sdk.report import Table, answer, say
from tests.bench.sdk.timing import use_core


def main() -> int:
    """Ask what is wanted, print every table; 1 when a limit was missed."""
    parser = argparse.ArgumentParser(prog="scripts/bench emulator", description=__doc__.splitlines()[0])
    parser.add_argument("--json", action="store_true", help="one JSON document instead of tables")
    parser.add_argument("--only", nargs="+", choices=["ready", "mesh", "page", "viewers", "loss", "churn"])
    parser.add_argument("--size", type=int, default=14, help="people in full mesh")
    parser.add_argument("--viewers", type=int, default=200, help="people in a room of publishers and viewers")
    parser.add_argument("--publishers", type=int, default=2, help="how many of them publish")
    parser.add_argument("--seconds", type=float, default=10.0, help="how long media is watched")
    parser.add_argument(
        "--churn",
        type=float,
        default=120.0,
        help="seconds for which people come and go: 1800 for thirty minutes",
    )
    options = parser.parse_args()
    if not use_core(1):
        say("emulator and endpoints share what cores there are, so delays are longer")
    asked: dict[str, Callable[[], list[Table]]] = {
        "ready": lambda: asyncio.run(questions.ready(5)),
        "mesh": lambda: asyncio.run(questions.mesh(options.size, options.seconds)),
        "page": lambda: asyncio.run(questions.mesh(options.size, options.seconds, page=True)),
        "viewers": lambda: asyncio.run(
            questions.viewers(options.viewers, options.publishers, options.seconds)
        ),
        "loss": lambda: asyncio.run(questions.losses([0.0, 0.05, 0.15], options.seconds)),
        "churn": lambda: asyncio.run(questions.comings_and_goings(options.churn)),
    }
    wanted = {name: asked[name] for name in options.only or asked}
    return answer(wanted, as_json=options.json)


if __name__ == "__main__":
    sys.exit(main())
