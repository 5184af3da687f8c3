"""Failures that a test asks for: the smallest set that lets clients meet every kind of bad answer."""

from __future__ import annotations

from collections.abc import Iterable

from attrs import define, frozen

from .refusals import ItemError


@frozen
class RefuseBefore:
    """The connection breaks before the call has any effect."""


@frozen
class LoseAnswer:
    """The call lands, and the connection breaks before its answer is sent."""


@frozen
class AnswerWith:
    """The call has no effect and is answered with a status of the test's choice."""

    status: int
    code: str
    retry_after: int | None = None


Effect = RefuseBefore | LoseAnswer | AnswerWith


@define
class _Script:
    operation: str
    effect: Effect
    nth: int | None
    session_id: str | None
    seen: int = 0

    def hits(self, operation: str, session_id: str | None) -> bool:
        if self.operation != operation or self.session_id not in (None, session_id):
            return False
        self.seen += 1
        return self.nth in (None, self.seen)


@define
class _TrackFault:
    error: ItemError
    left: int | None


class Faults:
    """What shall go wrong. `nth` counts calls of the operation from now on; None means every one of them."""

    def __init__(self) -> None:
        self.delay = 0.0
        """Seconds that every answer takes."""
        self.repointing = True
        """False: pointing a mid at another publication is answered `update_track_error`."""
        self._scripts: list[_Script] = []
        self._tracks: dict[str, _TrackFault] = {}

    def refuse(self, operation: str, *, nth: int | None = 1, session_id: str | None = None) -> None:
        """Break the connection before the call has any effect."""
        self._scripts.append(_Script(operation, RefuseBefore(), nth, session_id))

    def lose_answer(self, operation: str, *, nth: int | None = 1, session_id: str | None = None) -> None:
        """Let the call land, then break the connection instead of answering."""
        self._scripts.append(_Script(operation, LoseAnswer(), nth, session_id))

    def answer_with(
        self,
        operation: str,
        status: int,
        *,
        code: str = "internal_error",
        retry_after: int | None = None,
        nth: int | None = 1,
        session_id: str | None = None,
    ) -> None:
        """Answer with a status instead of doing anything."""
        self._scripts.append(_Script(operation, AnswerWith(status, code, retry_after), nth, session_id))

    def fail_track(self, track_name: str, code: str, *, times: int | None = None) -> None:
        """Fail every item (or `times` of them) that publishes, receives or points at this track."""
        self._tracks[track_name] = _TrackFault(ItemError(code, "A fault was asked for."), times)

    def clear(self) -> None:
        """Nothing goes wrong any more."""
        self.delay = 0.0
        self.repointing = True
        self._scripts.clear()
        self._tracks.clear()

    def take(self, operation: str, session_id: str | None) -> Effect | None:
        """What happens to this call. Every script sees every call it matches; the first that hits wins."""
        hits = [script.effect for script in self._scripts if script.hits(operation, session_id)]
        self._scripts = [script for script in self._scripts if script.nth is None or script.seen < script.nth]
        return hits[0] if hits else None

    def item_errors(self, track_names: Iterable[str]) -> dict[str, ItemError]:
        """The errors of one call's items, by track name."""
        errors = dict[str, ItemError]()
        for name in track_names:
            fault = self._tracks.get(name)
            if fault is None or name in errors or fault.left == 0:
                continue
            if fault.left is not None:
                fault.left -= 1
            errors[name] = fault.error
        return errors
