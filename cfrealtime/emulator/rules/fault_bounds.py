"""Values in faults and their bounds, which hold in Python as in JSON and on a command line."""

from __future__ import annotations

from typing import Any

import attrs
from attrs import frozen


class FaultError(ValueError):
    """What was asked for is no fault; the message says why."""


@frozen
class Number:
    """A number within bounds, both included."""

    low: float
    high: float
    whole: bool = False
    optional: bool = False

    def __call__(self, owner: object, attribute: attrs.Attribute[Any], value: object) -> None:
        """Refuse anything else."""
        if value is None and self.optional:
            return
        kinds = int if self.whole else (int, float)
        if isinstance(value, bool) or not isinstance(value, kinds) or not self.low <= value <= self.high:
            what = "a whole number" if self.whole else "a number"
            raise FaultError(f"{attribute.name} is not {what} from {self.low:g} to {self.high:g}.")


@frozen
class Text:
    """A text that is not empty; one of these, if there are any."""

    known: tuple[str, ...] = ()
    optional: bool = False

    def __call__(self, owner: object, attribute: attrs.Attribute[Any], value: object) -> None:
        """Refuse anything else."""
        if value is None and self.optional:
            return
        if not isinstance(value, str) or not value:
            raise FaultError(f"{attribute.name} is not a text.")
        if self.known and value not in self.known:
            raise FaultError(f"{attribute.name} is none of {', '.join(self.known)}.")


@frozen
class YesOrNo:
    """True or false."""

    def __call__(self, owner: object, attribute: attrs.Attribute[Any], value: object) -> None:
        """Refuse anything else."""
        if not isinstance(value, bool):
            raise FaultError(f"{attribute.name} is neither true nor false.")
