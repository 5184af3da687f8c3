"""The page that says which method makes which call: `python -m tests.docs.operations [--check]`.

Nothing on it is written by hand. Every facade call is made on a transport that answers as it is told to; the
page says what was seen.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from inspect import Signature, signature
from typing import Any

import httpx
import yaml
from attrs import define, field, frozen

from cfrealtime import Hooks, OutcomeUnknownError, Realtime, RealtimeError, RetryInfo
from cfrealtime.blocking.adapters import Adapters
from cfrealtime.blocking.session import Session
from cfrealtime.blocking.turn import Turn
from tests.cfrealtime.operations import CASES, Case
from tests.docs.pages import DOCS, ROOT

PAGE = DOCS / "reference" / "operations.md"
DOCUMENT = ROOT / "openapi" / "realtime.yaml"
NAMES = {Realtime: "realtime", Session: "session", Adapters: "realtime.adapters", Turn: "turn"}
NEVER, AGAIN, AGAIN_LEAVING = "not repeated", "repeated", "repeated: what the lost one made expires"

HEAD = """\
---
hide: [toc]
---
<!-- Made by `python -m tests.docs.operations` from what the SDK does. Changes made here are lost. -->
# Operations and methods

Every operation of the API, the method that makes the call, what it gives, and what the SDK does when the
answer is lost. The names are those of both colours; in asyncio every call is awaited. A `session` comes from
`realtime.new_session()` or `realtime.session(id)`, a `turn` from `realtime.turn()`.
"""

OPERATIONS = """
| operation | method | gives | after a lost answer |
|---|---|---|---|
"""

REQUESTS = """
What is repeated ends with the error of its last attempt once `max_retries` or `timeout` is used up:
[retries](../how-to/retries.md). The types are on the page of [models](models.md).

## Requests, and what a lost answer means
The second column is the HTTP request; the third is what `OutcomeUnknownError` says.

| operation | request | if nobody knows whether it happened |
|---|---|---|
"""

RAISED = """
## What is raised
By what came back: for calls that could do something twice (publish, subscribe and the like), for those that
may be repeated (forced closes, `new_session` and the like), and for reads. **Again** says that the SDK sends
the call again before it raises. Items that failed come inside a 200 and raise nothing:
[partial failures](../how-to/partial-failures.md).

| came back | once only | repeatable | read |
|---|---|---|---|
"""


@define
class Made:
    """One facade call, as it was made."""

    owner: type = object
    method: str = ""
    signature: Signature | None = None
    names: list[str] = field(factory=list)
    retries: list[RetryInfo] = field(factory=list)
    error: RealtimeError | None = None

    @property
    def text(self) -> str:
        """How it is written."""
        return f"`{NAMES[self.owner]}.{self.method}({', '.join(self.names)})`"

    @property
    def gives(self) -> str:
        """The type of its value."""
        given = str(self.signature.return_annotation).strip("'\"") if self.signature else ""
        return "" if given == "None" else f"`{given}`".replace(" | None`", "` or None")

    @property
    def after_loss(self) -> str:
        """What the SDK does when its answer is lost."""
        if not self.retries:
            return NEVER
        return AGAIN_LEAVING if self.retries[0].leaves_something else AGAIN


@frozen
class Watched:
    """A client, or what it gave, that notes which public method was called last."""

    target: Any
    made: Made

    def __getattr__(self, name: str) -> Any:
        found = getattr(self.target, name)
        if type(found) in NAMES:
            return Watched(found, self.made)
        return partial(self._call, name, found)

    def _call(self, name: str, method: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        self.made.owner, self.made.method, self.made.signature = type(self.target), name, signature(method)
        positional = list(self.made.signature.parameters)[: len(args)]
        # Where an argument decides what is called, its value is part of the call's name.
        self.made.names = positional + [
            f"{key}={value}" if value is True else f"{key}=…" for key, value in kwargs.items()
        ]
        result = method(*args, **kwargs)
        return Watched(result, self.made) if type(result) in NAMES else result


def make(case: Case, answer: Callable[[httpx.Request], httpx.Response]) -> Made:
    """Make a case's call, once more if the SDK wants to, on a service that answers so."""
    made = Made()
    hooks = Hooks(retry=made.retries.append)
    with Realtime(
        "app", "secret", transport=httpx.MockTransport(answer), max_retries=1, hooks=hooks
    ) as client:
        try:
            case.call(Watched(client, made))
        except RealtimeError as error:
            made.error = error
    return made


def lost(request: httpx.Request) -> httpx.Response:
    """Break the connection after the request has left."""
    raise httpx.ReadError("broken", request=request)


def not_sent(request: httpx.Request) -> httpx.Response:
    """Make no connection."""
    raise httpx.ConnectError("refused", request=request)


def says(status: int, code: str | None = None, **content: Any) -> Callable[[httpx.Request], httpx.Response]:
    """Answer with a status, and with an error code or with what is given."""
    if code is not None:
        content = {"json": {"errorCode": code, "errorDescription": "…"}}
    return lambda _: httpx.Response(status, **content)


# What can come back, in the words of the page.
ANSWERS = {
    "no connection": not_sent,
    "the connection breaks, or time is up": lost,
    "200 that cannot be read": says(200, text="<html>"),
    "200 `invalid_params`": says(200, "invalid_params"),
    "400 `decoding_error`": says(400, "decoding_error"),
    "401 `unauthorized`": says(401, "unauthorized"),
    "403": says(403, text="<html>"),
    "404 `not_found`": says(404, "not_found"),
    "406 `invalid_session_description`": says(406, "invalid_session_description"),
    "410 `session_error`": says(410, "session_error"),
    "413 `payload_too_large`": says(413, "payload_too_large"),
    "425 `session_error`": says(425, "session_error"),
    "429": says(429, "retryable_transient_error"),
    "`retryable_transient_error` under another status": says(503, "retryable_transient_error"),
    "5xx with another code": says(500, "internal_error"),
    "5xx without a code, 52x of the edge": says(520, text="<html>"),
}
KINDS = ("publish", "close_by_force", "get_state")


def page() -> str:
    """The page's text."""
    calls = [make(case, lost) for case in CASES]
    document = yaml.safe_load(DOCUMENT.read_text(encoding="utf-8"))
    requests = {
        operation["operationId"]: f"{verb.upper()} {path}"
        for path, verbs in document["paths"].items()
        for verb, operation in verbs.items()
        if verb in {"get", "post", "put"}
    }
    parts = (OPERATIONS, *_operations(requests, calls), REQUESTS, *_requests(requests, calls))
    return "".join((HEAD, *parts, RAISED, *_raised()))


def _operations(requests: Iterable[str], calls: list[Made]) -> Iterator[str]:
    for operation in requests:
        made = [call for case, call in zip(CASES, calls, strict=True) if case.operation == operation]
        rows = dict.fromkeys(f"{call.text} | {call.gives} | {call.after_loss}" for call in made)
        yield from (f"| {'' if at else f'`{operation}`'} | {row} |\n" for at, row in enumerate(rows))


def _requests(requests: Mapping[str, str], calls: list[Made]) -> Iterator[str]:
    advice: dict[str, str] = {}
    for call in calls:
        assert isinstance(call.error, OutcomeUnknownError)
        advice[str(call.error.operation)] = str(call.error).partition("(ReadError). ")[2]
    yield from (f"| `{name}` | `{request}` | {advice[name]} |\n" for name, request in requests.items())


def _raised() -> Iterator[str]:
    cases = [next(case for case in CASES if case.name == kind) for kind in KINDS]
    for words, answer in ANSWERS.items():
        seen = [make(case, answer) for case in cases]
        cells = [f"`{type(made.error).__name__}`{', **again**' if made.retries else ''}" for made in seen]
        yield f"| {words} | {' | '.join(cells)} |\n"


def main() -> int:
    """Write the page, or say whether it is as it would be written."""
    parser = argparse.ArgumentParser(description="Write docs/reference/operations.md.")
    parser.add_argument("--check", action="store_true", help="only say whether it is up to date")
    text = page()
    if parser.parse_args().check:
        if PAGE.read_text(encoding="utf-8") != text:
            print(f"{PAGE.relative_to(ROOT)} is not what the SDK does: python -m tests.docs.operations")
            return 1
    else:
        PAGE.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
