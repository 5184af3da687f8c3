"""Turning a method that gives a value into one that gives a `RawResponse`."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from functools import wraps
from types import MethodType
from typing import Any, Concatenate, ParamSpec, TypeAlias, TypeVar

from cfrealtime.raw import Answer, RawResponse

P = ParamSpec("P")
S = TypeVar("S")
T = TypeVar("T")

Twin: TypeAlias = Callable[[list[Answer]], S]
"""Makes a twin of an object that notes every answer on a tape."""


def record_sync(twin: Twin[S], method: Callable[Concatenate[S, P], T]) -> Callable[P, RawResponse[T]]:
    """A method of the twin's class, run on a twin made for it; its answers are kept."""

    @wraps(MethodType(method, twin))
    def recorded(*args: P.args, **kwargs: P.kwargs) -> RawResponse[T]:
        tape: list[Answer] = []
        value = method(twin(tape), *args, **kwargs)
        return RawResponse(value, tuple(tape))

    return recorded


def record_async(
    twin: Twin[S], method: Callable[Concatenate[S, P], Coroutine[Any, Any, T]]
) -> Callable[P, Coroutine[Any, Any, RawResponse[T]]]:
    """A method of the twin's class, run on a twin made for it; its answers are kept."""

    @wraps(MethodType(method, twin))
    async def recorded(*args: P.args, **kwargs: P.kwargs) -> RawResponse[T]:
        tape: list[Answer] = []
        value = await method(twin(tape), *args, **kwargs)
        return RawResponse(value, tuple(tape))

    return recorded
