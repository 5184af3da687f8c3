"""From a facade call's arguments to request values, one module for each part of the API.

Each is imported with its first call: with it come generated models, which a program that makes no such call
need not load.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cfrealtime._core.requests import adapters, data_channels, sessions, tracks, turn

__all__ = ["adapters", "data_channels", "sessions", "tracks", "turn"]


def __getattr__(name: str) -> object:
    if name in __all__:
        return import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
