"""Measures the SDK beside httpx and its peers: `scripts/bench sdk [--json] [--rounds 12]`.

CPU time, not clock time: the server is on another core, and what both wait for costs nobody. Ratios hold
within a table; absolute figures are of this machine in this minute.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable

from tests.bench.sdk import questions
from tests.bench.sdk.report import Table, answer, say
from tests.bench.sdk.timing import use_core


def main() -> int:
    """Ask every question, print every table; 1 when a limit was missed."""
    parser = argparse.ArgumentParser(prog="scripts/bench sdk", description=__doc__.splitlines()[0])
    parser.add_argument("--json", action="store_true", help="one JSON document instead of tables")
    parser.add_argument("--rounds", type=int, default=12, help="how often everyone is measured")
    options = parser.parse_args()
    rounds: int = options.rounds
    if not use_core(0):
        say("client and server share what cores there are, so the figures are rougher")
    asked: dict[str, Callable[[], list[Table]]] = {
        "blocking calls": lambda: [questions.calls_blocking(rounds)],
        "async calls, one at a time": lambda: [questions.calls_async(rounds, 1)],
        "async calls, 50 in flight": lambda: [questions.calls_async(rounds, 50)],
        "reading a large answer": lambda: [questions.decoding(rounds)],
        "imports": lambda: [questions.imports(rounds)],
        "first clients": lambda: [questions.first_clients(rounds)],
        "building the wheel": lambda: [questions.wheel()],
    }
    return answer(asked, as_json=options.json)


if __name__ == "__main__":
    sys.exit(main())
