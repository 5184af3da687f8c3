"""What may happen, the values it may happen with, and what it may cost.

One set for both storms: the long one draws from a seed, in the tests hypothesis draws, and shrinks.
"""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from typing import Any

from attrs import frozen

from tests.cfrealtime_rooms.storm.world import PLACES, World

Act = Callable[..., Awaitable[bool | None]]
Step = tuple[str, Mapping[str, Any]]
"""A move's name and the values it happens with: JSON."""

QUIET = 0, 0
CHOICE = 1, 0
TRACK = 2, 1
SESSION = 4, 1
"""Calls: for the one it happens to, and for each of the others. On average: many moves come to nothing."""


@frozen
class Move:
    """Something that may happen."""

    name: str
    act: Act
    domains: Mapping[str, Sequence[Any]]
    """The values it may happen with, by name; the simplest first."""
    weight: int
    cost: tuple[int, int]


MOVES: dict[str, Move] = {}
DRAWS = 8
WHO = tuple(range(PLACES))


def move(*, weight: int, cost: tuple[int, int] = SESSION, **domains: Sequence[Any]) -> Callable[[Act], Act]:
    """Declare a move. False as its result: there was nothing it could happen to."""

    def declare(act: Act) -> Act:
        MOVES[act.__name__] = Move(act.__name__, act, domains, weight, cost)
        return act

    return declare


async def make(world: World, step: Step) -> bool:
    """Let it happen; whether it could."""
    name, values = step
    one = MOVES[name]
    if await one.act(world, **values) is False:
        return False
    own, others = one.cost
    world.allowed += own + others * len(world.present())
    return True


def drawn(rng: random.Random) -> Iterator[Step]:
    """Any move, with other values as long as there is nothing it can happen to; then another move."""
    moves = tuple(MOVES.values())
    weights = [one.weight for one in moves]
    while True:
        (one,) = rng.choices(moves, weights)
        for _ in range(DRAWS):
            yield one.name, {name: rng.choice(values) for name, values in one.domains.items()}
