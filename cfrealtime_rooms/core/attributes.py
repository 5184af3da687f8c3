"""Attributes of participants and of rooms: bounded maps of short texts."""

from __future__ import annotations

from collections.abc import Mapping

from .notices import ClientLimits
from .turn import Refused


def merged(held: Mapping[str, str], news: Mapping[str, str], limits: ClientLimits) -> dict[str, str]:
    """Attributes after a change; an empty value removes its key."""
    longest = limits.attribute_length
    if any(len(key) > longest or len(value) > longest or not key for key, value in news.items()):
        raise Refused("bad_message", f"An attribute's key and value have at most {longest} characters.")
    result = {key: value for key, value in {**held, **news}.items() if value}
    if len(result) > limits.attributes:
        raise Refused("bad_message", f"There may be at most {limits.attributes} attributes.")
    return result
