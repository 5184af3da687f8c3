"""Runs the suite and says what was met: `python -m tests.conformance [options of pytest]`."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.conformance import environment
from tests.conformance.table import Table, words

_ALONE = (
    f"Only the emulator was asked. With {environment.WANTED}=live, {environment.APP_ID} and "
    f"{environment.APP_SECRET} the service is asked, too: tests/conformance/README.md."
)


def main() -> int:
    """Ask every rule; the exit code is pytest's. What is wrong with the environment pytest says before."""
    table = Table()
    code = pytest.main([str(Path(__file__).parent), "-q", *sys.argv[1:]], plugins=[table])
    if table.rules:
        sys.stdout.write(f"\n{words(table.rules, table.left_out)}\n")
        if not environment.is_live():
            sys.stdout.write(f"{_ALONE}\n")
    return int(code)


if __name__ == "__main__":
    sys.exit(main())
