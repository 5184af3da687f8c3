"""Cloudflare Realtime on your own machine, with real media."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .asgi import ConnectionDroppedError
    from .emulator import Emulator
    from .media.manual import ManualMediaPlane

__all__ = ["ConnectionDroppedError", "Emulator", "ManualMediaPlane"]

_HOMES = {"ConnectionDroppedError": "asgi", "Emulator": "emulator", "ManualMediaPlane": "media.manual"}


def __getattr__(name: str) -> object:
    """Import what is asked for, not earlier: the doors need packages of the extra."""
    from importlib import import_module

    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            f"The emulator needs {error.name}: pip install 'cfrealtime[emulator]'", name=error.name
        ) from error
