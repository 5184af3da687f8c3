"""Fields of raw JSON, with their types checked; absent and null are the same."""

from __future__ import annotations

from typing import Any, TypeVar, cast

from .refusals import decoding_error

T = TypeVar("T")


def as_object(value: object, what: str) -> dict[str, Any]:
    """A JSON object, or a refusal that says what is none."""
    if not isinstance(value, dict):
        raise decoding_error(f"{what} is not a JSON object.")
    return cast("dict[str, Any]", value)


def optional(fields: dict[str, Any], name: str, kind: type[T]) -> T | None:
    """A field of this type; None when it is absent or null."""
    value = fields.get(name)
    if value is None:
        return None
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise decoding_error(f"{name} has the wrong type.")
    return value


def required(fields: dict[str, Any], name: str, kind: type[T]) -> T:
    """A field of this type, which must be there."""
    value = optional(fields, name, kind)
    if value is None:
        raise decoding_error(f"{name} is missing.")
    return value
