"""Several functions that are told of something, as one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

Info = TypeVar("Info")
Hook = Callable[[Info], None]


def chain(hooks: Sequence[Hook[Info] | None]) -> Hook[Info] | None:
    """Tell each in turn, also after one has raised; what they raised comes out together."""
    present = [hook for hook in hooks if hook is not None]
    if len(present) < 2:
        return present[0] if present else None

    def tell(info: Info) -> None:
        failures: list[Exception] = []
        for hook in present:
            try:
                hook(info)
            except Exception as error:
                failures.append(error)
        if failures:
            raise ExceptionGroup("hooks failed", failures)

    return tell
