"""What a step of the check has found."""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum

from attrs import frozen


class Status(Enum):
    """How a step ended. Only a failure makes the check fail."""

    OK = "ok"
    FAILED = "failed"
    NOTED = "noted"
    NOT_TRIED = "not tried"


@frozen
class Finding:
    """One line of the report: what was tried and what came of it, and what to do where something is wrong."""

    step: str
    status: Status
    text: str
    advice: str | None = None


@frozen
class Trouble:
    """What is wrong, and what to do about it."""

    text: str
    advice: str

    def at(self, step: str, status: Status = Status.FAILED) -> Finding:
        """As the finding of a step."""
        return Finding(step, status, self.text, self.advice)


def passed(findings: Iterable[Finding]) -> bool:
    """Whether nothing failed."""
    return all(finding.status is not Status.FAILED for finding in findings)
