"""What all rooms of a process amount to, in numbers: a value to be read now and then."""

from __future__ import annotations

from collections.abc import Mapping

from attrs import frozen

from .core.history import End, Kind, OperationName, Result

__all__ = ["Metrics"]


@frozen
class Metrics:
    """What there is now, and what there has been since these rooms were made."""

    rooms: int
    participants: int
    sessions: int
    """Of participants. What sessions that are over may still hold is counted as debts."""
    publications: int
    subscriptions: int
    calls_under_way: int
    messages_waiting: int
    """For clients that read slowly, or just now."""
    debts: int
    """Sessions that are over and may still hold something."""
    oldest_debt: float | None
    """Its age in seconds."""
    calls: Mapping[OperationName, Mapping[Result, int]]
    """Every call that has ended."""
    retries: int
    """Calls after one of the same session that had come to nothing."""
    failed_items: Mapping[str, int]
    """Tracks and mids that the SFU refused one by one, by code; at most a hundred codes are told apart."""
    exchanges: Mapping[Kind, Mapping[End, int]]
    replacements: Mapping[str, int]
    """Sessions that were replaced, by reason."""
    leaks: int
    """Debts that were given up."""
    overflows: int
    """Clients that read too slowly, and got a snapshot instead of what they had missed."""
    untold: int
    """What hooks were not told, because they were too slow."""
