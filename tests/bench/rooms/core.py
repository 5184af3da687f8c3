"""What is asked of the core: a mesh reconciled, and one event against the size of its room."""

from __future__ import annotations

import gc
import statistics
from collections.abc import Sequence

from attrs import frozen

from cfrealtime_rooms.core.policy import Policy, Visible, everybody, everyone
from tests.bench.rooms.guests import tracks_in
from tests.bench.rooms.hall import Hall, newest, on_stage
from tests.bench.sdk.report import Line, Table

EVENTS = ("join", "publish", "mute", "leave")
MILLISECONDS = 1e3


def reconcile(size: int, rounds: int) -> list[Table]:
    """Everyone's lane, wanted against actual: with everything to do, and with nothing."""
    planned: list[float] = []
    completed: list[float] = []
    idle: list[float] = []
    for _ in range(rounds):
        hall = Hall(size, size, everyone, received=False, counted=False)
        gc.collect()
        hall.plan_all()
        planned.append(hall.spent)
        hall = Hall(size, size, everyone, received=False, counted=False)
        gc.collect()
        hall.look()
        completed.append(hall.spent)
        gc.collect()
        hall.forget()
        hall.look()
        idle.append(hall.spent)
        if hall.calls:
            raise AssertionError("a room at rest made calls")
    lines = [
        Line("everyone has just published: every lane planned", _median(planned), limit=100.0),
        Line("at rest: every lane planned, and nothing to do", _median(idle), limit=100.0),
        Line("from there to everyone receiving everyone, in all", _median(completed)),
    ]
    return [Table(f"{size} in full mesh, {tracks_in(size)} subscriptions", "ms CPU", lines, _CORE)]


def _median(seconds: Sequence[float]) -> float:
    return statistics.median(seconds) * MILLISECONDS


_CORE = "the core alone, as values; the service and the clients answer at once and are not counted"


@frozen
class Shape:
    """A kind of room."""

    name: str
    policy: Policy
    publishers: int | None = None
    """None: everyone."""
    visible: Visible = everybody
    largest: int = 1000

    def hall(self, size: int, *, counted: bool) -> Hall:
        """A room of this kind, at rest."""
        return Hall(size, min(size, self.publishers or size), self.policy, self.visible, counted=counted)


SHAPES = (
    Shape("mesh", everyone, largest=300),
    Shape("ten publish", everyone, publishers=10),
    Shape("newest nine", newest),
    Shape("an audience, not told of itself", everyone, publishers=10, visible=on_stage),
)


def events(sizes: Sequence[int], rounds: int) -> list[Table]:
    """What one event costs until the room rests again, against the room's size."""
    found: dict[str, list[Line]] = {event: [] for event in EVENTS}
    for shape in SHAPES:
        for size in (size for size in sizes if size <= shape.largest):
            for event, line in zip(EVENTS, _events(shape, size, rounds), strict=True):
                found[event].append(line)
    return [Table(f"One {event}", "ms CPU", lines, _CORE) for event, lines in found.items()]


def _events(shape: Shape, size: int, rounds: int) -> list[Line]:
    """All events, in a room of their own in each round; what is counted is counted apart."""
    hall = shape.hall(size, counted=True)
    counted: dict[str, str] = {}
    for event in EVENTS:
        hall.forget()
        getattr(hall, event)("newcomer")
        counted[event] = f"policy {hall.policies}, visible {hall.visibles}, calls {hall.calls}"
    spent: dict[str, list[float]] = {event: [] for event in EVENTS}
    for _ in range(rounds if size < 300 else 1):
        hall = shape.hall(size, counted=False)
        gc.collect()
        for event in EVENTS:
            hall.forget()
            getattr(hall, event)("newcomer")
            spent[event].append(hall.spent)
    return [Line(f"{shape.name}, {size}: {counted[event]}", _median(spent[event])) for event in EVENTS]
