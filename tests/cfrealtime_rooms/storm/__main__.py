"""A long storm: scripts/storm --steps 1000000 --seed 7; a failure names the command that repeats it."""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import random
import sys
import time
import traceback
from collections import Counter

import looptime

from tests.cfrealtime_rooms.storm.storm import episode


def blow(seed: str, steps: int) -> Counter[str]:
    """One episode in virtual time."""
    with asyncio.Runner(loop_factory=looptime.new_event_loop) as runner:
        return runner.run(episode(seed, steps))


def fails(seed: str, steps: int) -> bool:
    """Whether an episode fails."""
    try:
        blow(seed, steps)
    except Exception:
        return True
    return False


def shrunk(seed: str, steps: int) -> int:
    """The fewest steps found with which an episode still fails: by halving, then one by one."""
    cut = steps // 2
    while cut:
        while steps > cut and fails(seed, steps - cut):
            steps -= cut
        cut //= 2
    return steps


def main() -> int:
    """Blow for as many steps as were asked for, or until something breaks."""
    parser = argparse.ArgumentParser(prog="scripts/storm", description=__doc__)
    parser.add_argument("--steps", type=int, default=1_000_000, help="in all (default: a million)")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    parser.add_argument("--episode", type=int, help="only this one, of --steps steps")
    parser.add_argument("--length", type=int, default=200, help="steps of an episode")
    options = parser.parse_args()
    logging.getLogger("cfrealtime_rooms").addHandler(logging.NullHandler())
    print(f"seed {options.seed}", flush=True)
    if options.episode is not None:
        print(dict(blow(f"{options.seed}/{options.episode}", options.steps)))
        return 0
    total, began, shown, number = Counter[str](), time.monotonic(), time.monotonic(), 0
    while (done := number * options.length) < options.steps:
        seed, length = f"{options.seed}/{number}", min(options.length, options.steps - done)
        try:
            total += blow(seed, length)
        except Exception:
            traceback.print_exc()
            print(f"episode {number} failed; looking for a shorter one", flush=True)
            fewest = shrunk(seed, length)
            print(f"again: scripts/storm --seed {options.seed} --episode {number} --steps {fewest}")
            return 1
        number += 1
        if time.monotonic() - shown > 10 or done + length >= options.steps:
            shown = time.monotonic()
            rate = (done + length) / (shown - began)
            print(f"{done + length:>9} steps, {total['calls']} calls, {rate:.0f} steps/s", flush=True)
    print(dict(sorted(total.items())))
    return 0


if __name__ == "__main__":
    if os.environ.get("PYTHONHASHSEED") != "0":
        sys.exit("PYTHONHASHSEED must be 0, else a failure cannot be repeated: use scripts/storm")
    sys.exit(main())
