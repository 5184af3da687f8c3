"""Answers with what they came in: status, headers, attempts. Given by `with_raw_response`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Generic, TypeVar

from attrs import field, frozen

__all__ = ["Answer", "RawResponse"]

T = TypeVar("T")


@frozen
class Answer:
    """One HTTP answer. Header names are in lower case; `seconds` spans all `attempts` of its call."""

    operation: str
    status: int
    headers: Mapping[str, str] = field(repr=False)
    cf_ray: str | None
    attempts: int
    seconds: float


@frozen
class RawResponse(Generic[T]):
    """The value of a call, and every answer that it was made from: one, or more where a call was split."""

    value: T
    answers: tuple[Answer, ...]

    @property
    def answer(self) -> Answer:
        """The last answer."""
        return self.answers[-1]

    @property
    def status(self) -> int:
        """The last answer's HTTP status."""
        return self.answer.status

    @property
    def headers(self) -> Mapping[str, str]:
        """The last answer's headers; names are in lower case."""
        return self.answer.headers

    @property
    def cf_ray(self) -> str | None:
        """Cloudflare's id of the last request, for its support."""
        return self.answer.cf_ray
