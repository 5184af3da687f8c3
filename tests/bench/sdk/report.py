"""Tables of figures: how they look, and their JSON."""

from __future__ import annotations

import json
import os
import platform
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from attrs import asdict, field, frozen

from tests.bench.sdk.timing import Cost

Limits = Mapping[str, float]


@frozen
class Line:
    """One row: a figure, how often it holds the table's first one, and the most that it may be."""

    name: str
    figure: float
    ratio: float | None = None
    limit: float | None = None

    @property
    def over(self) -> bool:
        """Whether it is above its limit; what is compared is the ratio, if there is one."""
        return self.limit is not None and (self.figure if self.ratio is None else self.ratio) > self.limit


@frozen
class Table:
    """The answer to one question."""

    title: str
    unit: str
    lines: Sequence[Line]
    note: str = ""
    left_out: Sequence[str] = field(factory=tuple)


def say(what: str) -> None:
    """Progress, on standard error."""
    sys.stderr.write(f"{what} …\n")


def answer(asked: Mapping[str, Callable[[], Sequence[Table]]], *, as_json: bool) -> int:
    """Ask, and print each answer as it comes, or all of them as JSON; 1 when a limit was missed."""
    where, tables = machine(), list[Table]()
    for name, ask in asked.items():
        say(name)
        answered = ask()
        tables += answered
        if not as_json:
            sys.stdout.write(text(answered, where))
            sys.stdout.flush()
    if as_json:
        sys.stdout.write(document(tables, where))
    return int(any(line.over for table in tables for line in table.lines))


def lines(costs: Iterable[Cost], limits: Limits, scale: float) -> list[Line]:
    """Rows of costs, in seconds times `scale`."""
    return [Line(cost.name, cost.seconds * scale, cost.ratio, limits.get(cost.name)) for cost in costs]


def machine() -> str:
    """What the figures are from."""
    load = f", load {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
    return f"{_processor()}, {os.cpu_count()} cores, Python {platform.python_version()}{load}"


def text(tables: Iterable[Table], where: str) -> str:
    """All tables for a terminal."""
    tables = list(tables)
    width = (
        max(len(row) for table in tables for row in (table.title, *(line.name for line in table.lines))) + 2
    )
    return "\n\n".join([where, *(_text(table, width) for table in tables)]) + "\n"


def document(tables: Iterable[Table], where: str) -> str:
    """All tables as JSON."""
    answers = [
        {**asdict(table), "lines": [{**asdict(line), "over": line.over} for line in table.lines]}
        for table in tables
    ]
    return json.dumps({"machine": where, "tables": answers}, indent=2) + "\n"


def _text(table: Table, width: int) -> str:
    ratios = any(line.ratio is not None for line in table.lines)
    head = f"{table.title:{width}}{table.unit:>10}{'ratio' if ratios else '':>8}   limit"
    rows = [head, "─" * (width + 34)]
    for line in table.lines:
        ratio = "" if line.ratio is None else f"{line.ratio:.2f}"
        verdict = "" if line.limit is None else f"≤ {line.limit:g}  {'over' if line.over else 'ok'}"
        rows.append(f"{line.name:{width}}{_figure(line.figure):>10}{ratio:>8}   {verdict}".rstrip())
    rows += [part for part in (table.note, *(f"left out: {peer}" for peer in table.left_out)) if part]
    return "\n".join(rows)


def _figure(value: float) -> str:
    return f"{value:.1f}" if value < 100 else f"{value:.0f}"


def _processor() -> str:
    try:
        described = Path("/proc/cpuinfo").read_text()
    except OSError:
        return platform.machine()
    names = [
        line.partition(":")[2].strip() for line in described.splitlines() if line.startswith("model name")
    ]
    return f"{platform.machine()}, {names[0]}" if names else platform.machine()
