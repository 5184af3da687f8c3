"""Runs the suite and says what was met: `python -m tests.conformance [options of pytest]`."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.conformance.table import Table, words


def main() -> int:
    """Ask every rule; the exit code is pytest's."""
    table = Table()
    code = pytest.main([str(Path(__file__).parent), "-q", *sys.argv[1:]], plugins=[table])
    sys.stdout.write(f"\n{words(table.rules)}\n")
    return int(code)


if __name__ == "__main__":
    sys.exit(main())
