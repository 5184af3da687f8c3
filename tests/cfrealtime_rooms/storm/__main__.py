"""A long storm: scripts/storm --steps 1000000 --seed 7; failures are made shorter."""

from __future__ import annotations

import argparse
import json
import logging
import os
import random
import sys
import time
import traceback
from collections import Counter
from pathlib import Path

from attrs import asdict

from tests.cfrealtime_rooms.storm.episode import blow, climate_of, failure_of, run, shortest
from tests.cfrealtime_rooms.storm.moves import Step
from tests.cfrealtime_rooms.storm.world import Climate

EVERY = 10.0
"""Seconds between two lines of progress."""


def main() -> int:
    """Blow for as many steps as were asked for, or until something breaks."""
    parser = argparse.ArgumentParser(prog="scripts/storm", description=__doc__)
    parser.add_argument("--steps", type=int, default=1_000_000, help="in all (default: a million)")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    parser.add_argument("--length", type=int, default=200, help="steps of an episode (default: 200)")
    parser.add_argument("--episode", type=int, help="only this one of the seed")
    parser.add_argument("--keep-going", action="store_true", help="count failures, and go on")
    parser.add_argument("--repeat", type=Path, metavar="FILE", help="the steps that a failure has left")
    options = parser.parse_args()
    logging.getLogger("cfrealtime_rooms").addHandler(logging.NullHandler())
    if options.repeat is not None:
        saved = json.loads(options.repeat.read_text())
        return _say(failure_of(Climate(**saved["climate"]), saved["steps"]))
    print(f"seed {options.seed}", flush=True)
    first = options.episode or 0
    last = first + 1 if options.episode is not None else -(-options.steps // options.length)
    return _many(options.seed, range(first, last), options.length, keep_going=options.keep_going)


def _many(seed: int, numbers: range, length: int, *, keep_going: bool) -> int:
    total, dearest = Counter[str](), 0.0
    began = shown = time.monotonic()
    for number in numbers:
        log = list[Step]()
        try:
            done = run(blow(f"{seed}/{number}", length, log))
        except Exception:
            traceback.print_exc()
            _explain(seed, number, length, log)
            total["failed episodes"] += 1
            if not keep_going:
                return 1
        else:
            total += done
            dearest = max(dearest, done["calls"] / done["calls allowed"])
        if time.monotonic() - shown > EVERY or number + 1 == numbers.stop:
            shown = time.monotonic()
            steps = (number + 1 - numbers.start) * length
            wall, busy = steps / (shown - began), steps / time.process_time()
            print(
                f"{steps:>9} steps, {total['calls']} calls, {wall:.0f} steps/s ({busy:.0f} of CPU time)",
                flush=True,
            )
    print(json.dumps(dict(sorted(total.items()))))
    print(f"the dearest episode took {dearest:.0%} of the calls that were allowed")
    return 1 if total["failed episodes"] else 0


def _explain(seed: int, number: int, length: int, log: list[Step]) -> None:
    """The fewest steps that fail, and how to make them fail again."""
    climate = climate_of(random.Random(f"{seed}/{number}"))
    print(f"episode {number} failed after {len(log)} moves and waits; leaving out what is not needed")
    steps = shortest(climate, log)
    path = Path(f"storm-{seed}-{number}.json")
    path.write_text(json.dumps({"climate": asdict(climate), "steps": steps}))
    print(climate, *(f"{name} {json.dumps(values)}" for name, values in steps), sep="\n")
    print(f"again: scripts/storm --repeat {path}")
    print(f"whole: scripts/storm --seed {seed} --episode {number} --length {length}", flush=True)


def _say(error: BaseException | None) -> int:
    if error is None:
        print("nothing fails")
        return 0
    traceback.print_exception(error)
    return 1


if __name__ == "__main__":
    if os.environ.get("PYTHONHASHSEED") != "0":
        sys.exit("PYTHONHASHSEED must be 0, else a failure cannot be repeated: use scripts/storm")
    sys.exit(main())
