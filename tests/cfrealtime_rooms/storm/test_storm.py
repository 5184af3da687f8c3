"""The property that holds the lines together: random moves and faults, then rest."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack
from typing import Any

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from tests.cfrealtime_rooms.storm.clock import VirtualLoop
from tests.cfrealtime_rooms.storm.episode import WAITS, end, step
from tests.cfrealtime_rooms.storm.moves import MOVES, Move
from tests.cfrealtime_rooms.storm.world import DOMAINS, Climate, World, world

PROFILE = settings(
    derandomize=True,
    database=None,
    deadline=None,
    max_examples=40,
    stateful_step_count=40,
    phases=(Phase.generate, Phase.shrink),
    suppress_health_check=list(HealthCheck),
)


class Storm(RuleBasedStateMachine):
    """The moves of `scripts/storm` as rules; at its end everybody rests, and everything must hold.

    What each session receives equals what policy and permission allow, the ledger is empty, no lane is stuck,
    no track is left on the SFU after its participant left, and the number of calls is within its bound.
    """

    there: World

    def __init__(self) -> None:
        super().__init__()
        self._runner = asyncio.Runner(loop_factory=VirtualLoop)
        self._stack = AsyncExitStack()

    def _run(self, what: Any) -> Any:
        return self._runner.run(what)

    @initialize(**{name: st.sampled_from(values) for name, values in DOMAINS.items()})
    def begin(self, **climate: Any) -> None:
        """The climate of this one."""
        self.there = self._run(self._stack.enter_async_context(world(Climate(**climate))))

    @rule(seconds=st.sampled_from(WAITS))
    def wait(self, seconds: float) -> None:
        """Time passes."""
        self._run(step(self.there, ("wait", {"seconds": seconds})))

    def teardown(self) -> None:
        """Rest, look, and end."""
        try:
            self._run(end(self.there))
        finally:
            self._run(self._stack.aclose())
            self._runner.close()


def _rule(one: Move) -> Callable[..., None]:
    def act(self: Storm, **values: Any) -> None:
        self._run(step(self.there, (one.name, values)))

    act.__name__, act.__doc__ = one.name, one.act.__doc__
    return rule(**{name: st.sampled_from(values) for name, values in one.domains.items()})(act)


for _one in MOVES.values():
    setattr(Storm, _one.name, _rule(_one))


def test_after_any_storm_everybody_has_everything_and_nothing_is_left_over():
    run_state_machine_as_test(Storm, settings=PROFILE)
