"""Where a secret would be seen: log records, reprs, errors with their tracebacks, whatever is printed."""

from __future__ import annotations

import logging
import traceback
from contextlib import contextmanager
from typing import Any

import attrs

from cfrealtime import Hooks, RealtimeError

UFRAG = "canary-ufrag"
FINGERPRINT = ":".join(["CA"] * 32)
PASSWORD = "clientpassword1234567890"  # what the descriptions of the tests' endpoint hold
_OF_A_TRANSPORT = ("a=ice-ufrag:", "a=ice-pwd:", "a=fingerprint:sha-256 ", "a=candidate:")


class Cage:
    """Takes in all that is shown, and knows what must not be."""

    def __init__(self, *canaries: str) -> None:
        self.canaries = {UFRAG, FINGERPRINT, PASSWORD, "a=ice-", "Bearer", *canaries}
        self.shown: list[str] = []
        self.errors: list[BaseException] = []
        self.hooks = Hooks(self.meet, self.meet, self.meet, self.meet)

    def keep_secret(self, sdp: str) -> None:
        """Add what a description of the service holds."""
        for line in sdp.splitlines():
            for name in _OF_A_TRANSPORT:
                if line.startswith(name):
                    self.canaries.add(line.removeprefix(name))

    def meet(self, value: Any) -> None:
        """Show a value, and all that it is made of but text and containers of text."""
        if isinstance(value, BaseException):
            self.fail(value)
        elif isinstance(value, (list, tuple, set, frozenset)):
            for each in value:
                self.meet(each)
        elif isinstance(value, dict):
            self.meet(list(value.values()))
        elif not isinstance(value, (str, bytes)):
            self.shown += [repr(value), str(value)]
            if attrs.has(type(value)):
                self.meet([getattr(value, field.name) for field in attrs.fields(type(value))])

    def fail(self, error: BaseException) -> None:
        """Show an error in every way there is, with all it came from."""
        self.errors.append(error)
        self.shown += [repr(error), str(error), repr(error.args), *traceback.format_exception(error)]
        if isinstance(error, RealtimeError):
            self.meet(
                [error.partial, *(value for name, value in vars(error).items() if name != "description")]
            )

    def found(self) -> list[str]:
        """Where a canary was seen."""
        return [
            f"{canary}: …{text[max(text.find(canary) - 100, 0) :][:300]}…"
            for canary in self.canaries
            for text in self.shown
            if canary in text
        ]

    @contextmanager
    def listening(self) -> Any:
        """Take in what every logger says, from DEBUG on."""
        handler = logging.Handler(logging.DEBUG)
        formatter = logging.Formatter("%(name)s %(message)s")

        def emit(record: logging.LogRecord) -> None:
            self.shown += [formatter.format(record), str(vars(record))]

        handler.emit = emit
        root, manager = logging.getLogger(), logging.Logger.manager
        loggers = [one for one in manager.loggerDict.values() if isinstance(one, logging.Logger)]
        before = [(one, one.level, one.disabled, one.propagate) for one in [root, *loggers]]
        for one, *_ in before:
            one.setLevel(logging.NOTSET)
            one.disabled, one.propagate = False, True
        root.setLevel(logging.DEBUG)
        root.addHandler(handler)
        try:
            yield
        finally:
            root.removeHandler(handler)
            for one, level, disabled, propagate in before:
                one.setLevel(level)
                one.disabled, one.propagate = disabled, propagate
