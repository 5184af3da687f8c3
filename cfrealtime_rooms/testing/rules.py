"""Rules that a part of a host's own is held to: checks with names, for any test framework."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

from attrs import frozen

DEADLINE = 60.0
"""Seconds until a rule that has not ended counts as broken."""

S = TypeVar("S")


class RuleBrokenError(AssertionError):
    """What was tried does not keep a rule; the sentence says what was seen instead."""


@frozen(repr=False)
class Rule(Generic[S]):
    """Something that must hold of every S, under the name that a test shows."""

    name: str
    says: str
    run: Callable[[S], Awaitable[None]]

    async def check(self, tried: S) -> None:
        """Try it. Raises `RuleBrokenError`, or lets through what the tried thing raised out of turn."""
        try:
            async with asyncio.timeout(DEADLINE):
                await self.run(tried)
        except TimeoutError as error:
            raise RuleBrokenError(f"something did not come in time. The rule: {self.says}") from error
        except Exception as error:
            error.add_note(f"The rule: {self.says}")
            raise

    def __str__(self) -> str:
        return self.name


class Rules(list[Rule[S]]):
    """Rules of one kind of thing, in the order they are written."""

    def rule(self, run: Callable[[S], Awaitable[None]]) -> Callable[[S], Awaitable[None]]:
        """Add a function; its name and its docstring are the rule's."""
        name = getattr(run, "__name__", "")
        self.append(Rule(name, " ".join((run.__doc__ or name).split()), run))
        return run


def expect(holds: object, otherwise: str) -> None:
    """Go on if something holds; else the rule is broken, and this is what was seen."""
    if not holds:
        raise RuleBrokenError(otherwise)
