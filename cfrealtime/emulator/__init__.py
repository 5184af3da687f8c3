"""Cloudflare Realtime on your own machine, with real media."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .emulator import Emulator
    from .faults import Fault, FaultError
    from .media.manual import ManualMediaPlane
    from .media.udp import MediaPlaneError, UdpMediaPlane
    from .spoiling import ConnectionDroppedError

__all__ = [
    "ConnectionDroppedError",
    "Emulator",
    "Fault",
    "FaultError",
    "ManualMediaPlane",
    "MediaPlaneError",
    "UdpMediaPlane",
]

_HOMES = {
    "ConnectionDroppedError": "spoiling",
    "Emulator": "emulator",
    "Fault": "faults",
    "FaultError": "faults",
    "ManualMediaPlane": "media.manual",
    "MediaPlaneError": "media.udp",
    "UdpMediaPlane": "media.udp",
}


def __getattr__(name: str) -> object:
    """Import what is asked for, not earlier: the doors need packages of the extra."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        if package in ("", "cfrealtime"):
            raise
        raise ModuleNotFoundError(
            f"The emulator needs {package}: pip install 'cfrealtime[emulator]'", name=error.name
        ) from error
