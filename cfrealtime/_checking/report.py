"""The report of a check: for people, line by line as it happens, or as JSON."""

from __future__ import annotations

import json
import os
import shutil
import textwrap
from collections.abc import Iterable, Mapping
from typing import Any, Final, TextIO

from attrs import frozen

from cfrealtime._checking.findings import Finding, Status, passed
from cfrealtime._version import __version__


@frozen
class _Signs:
    marks: Mapping[Status, str]
    arrow: str


_SIGNS: Final = _Signs(
    {Status.OK: "✓", Status.FAILED: "✗", Status.NOTED: "!", Status.NOT_TRIED: "\N{EN DASH}"}, "→ "
)
_ASCII_SIGNS: Final = _Signs(
    {Status.OK: "ok", Status.FAILED: "NO", Status.NOTED: "! ", Status.NOT_TRIED: "- "}, "-> "
)
_COLOURS: Final = {Status.OK: "32", Status.FAILED: "1;31", Status.NOTED: "33", Status.NOT_TRIED: "2"}
_STEP_WIDTH: Final = 12
_WIDEST: Final = 100


class Paper:
    """What a report is written on: its width, its marks and its colours."""

    def __init__(self, stream: TextIO, environment: Mapping[str, str]) -> None:
        terminal = stream.isatty()
        self.width = min(shutil.get_terminal_size().columns, _WIDEST) if terminal else _WIDEST
        self._coloured = terminal and not environment.get("NO_COLOR") and environment.get("TERM") != "dumb"
        shown = "".join([*_SIGNS.marks.values(), _SIGNS.arrow])
        self._signs = _SIGNS if _can_write(stream, shown) else _ASCII_SIGNS

    def mark(self, status: Status) -> str:
        """The sign for a status."""
        mark = self._signs.marks[status]
        return f"\x1b[{_COLOURS[status]}m{mark}\x1b[0m" if self._coloured else mark

    def lines(self, finding: Finding) -> str:
        """A finding, and under it what to do."""
        margin = " " * (len(self._signs.marks[finding.status]) + 1 + _STEP_WIDTH)
        lines = self._wrapped(finding.text, margin)
        if finding.advice is not None:
            lines += self._wrapped(finding.advice, margin, self._signs.arrow)
        lines[0] = f"{self.mark(finding.status)} {finding.step:{_STEP_WIDTH}}{lines[0].lstrip()}"
        return "\n".join(lines)

    def _wrapped(self, text: str, margin: str, arrow: str = "") -> list[str]:
        return textwrap.wrap(
            text,
            max(self.width, len(margin) + 30),
            initial_indent=margin + arrow,
            subsequent_indent=margin + " " * len(arrow),
            break_long_words=False,
            break_on_hyphens=False,
        )


def write(findings: Iterable[Finding], service: str, stream: TextIO) -> bool:
    """Write every finding as soon as it is there; gives whether nothing failed."""
    paper = Paper(stream, os.environ)
    stream.write(f"cfrealtime {__version__} asks {service}\n\n")
    stream.flush()
    seen: list[Finding] = []
    for finding in findings:
        seen.append(finding)
        stream.write(paper.lines(finding) + "\n")
        stream.flush()
    stream.write(f"\n{summary(seen)}\n")
    return passed(seen)


def write_json(findings: Iterable[Finding], service: str, stream: TextIO) -> bool:
    """Write one JSON document at the end; gives whether nothing failed."""
    seen = list(findings)
    document: dict[str, Any] = {
        "version": __version__,
        "service": service,
        "ok": passed(seen),
        "steps": [
            {"step": f.step, "status": f.status.value, "text": f.text, "advice": f.advice} for f in seen
        ],
    }
    stream.write(json.dumps(document, indent=2) + "\n")
    return passed(seen)


def summary(findings: Iterable[Finding]) -> str:
    """The last line."""
    failed = [finding.step for finding in findings if finding.status is Status.FAILED]
    if not failed:
        return "Everything that was tried works."
    rest = "" if len(failed) == 1 else f", then {', '.join(failed[1:])}"
    return f"To mend: {failed[0]}{rest}."


def _can_write(stream: TextIO, text: str) -> bool:
    try:
        text.encode(stream.encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True
