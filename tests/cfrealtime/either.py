"""One scenario for both colours: written for the async client, and run on the blocking one as well."""

from __future__ import annotations

import inspect
from typing import Any

from cfrealtime import AsyncRealtime, Session
from tests.cfrealtime.virtual import Clock, blocking_client, run_in_virtual_time

# What gives an object without being awaited.
_OBJECTS = {"session", "negotiate", "with_options", "turn"}


class Awaited:
    """A blocking object with the methods of its async twin."""

    def __init__(self, blocking: Any) -> None:
        self._blocking = blocking

    def __repr__(self) -> str:
        return repr(self._blocking)

    async def __aenter__(self) -> Awaited:
        return Awaited(self._blocking.__enter__())

    async def __aexit__(self, *info: Any) -> None:
        self._blocking.__exit__(*info)

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._blocking, "close" if name == "aclose" else name)
        if name in _OBJECTS:
            return lambda *args, **options: Awaited(value(*args, **options))
        if name in {"with_raw_response", "adapters"}:
            return Awaited(value)
        if not callable(value):
            return value

        async def call(*args: Any, **options: Any) -> Any:
            result = value(*[_blocking(argument) for argument in args], **options)
            return Awaited(result) if isinstance(result, Session) else result

        return call


def play(colour: str, scenario: Any, **options: Any) -> Any:
    """What `scenario(client)`, a coroutine, gives."""
    if colour == "sync":
        with blocking_client(Clock(), **options) as client:
            return finish(scenario(Awaited(client)))

    async def main() -> Any:
        async with AsyncRealtime("app", "hunter2", **options) as client:
            return await scenario(client)

    return run_in_virtual_time(main())


def finish(coroutine: Any) -> Any:
    """The result of a coroutine that never waits."""
    try:
        coroutine.send(None)
    except StopIteration as stop:
        return stop.value
    coroutine.close()
    raise AssertionError("a blocking call was waited for")


def _blocking(argument: Any) -> Any:
    if not inspect.iscoroutinefunction(argument):
        return argument
    return lambda *args: finish(argument(*args))
