"""The emulator as a process of its own, started as a person starts it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Generator, Sequence
from contextlib import contextmanager

from cfrealtime.emulator.media import network

COMMAND = [sys.executable, "-m", "cfrealtime.emulator"]
ADVICE = [advice] if (advice := network.network_problem()) is not None else []
"""What else it says on a machine with loopback alone."""


@contextmanager
def running(*arguments: str, enter: Sequence[str] = ()) -> Generator[tuple[subprocess.Popen[str], str]]:
    """A started emulator, perhaps by a command that goes elsewhere before, and the line that it printed."""
    process = subprocess.Popen(
        [*enter, *COMMAND, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        yield process, process.stdout.readline()
    finally:
        process.kill()
        process.communicate()
