"""Run the SDK's tests on the built wheel: every Python that is here, newest and lowest dependencies.

`python scripts/compatibility.py` prints a line for each combination. Emulator and rooms are left out: their
tests run on the newest of everything in scripts/test.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final, cast

ROOT: Final = Path(__file__).resolve().parent.parent
MINORS: Final = (11, 12, 13, 14)
TOOLS: Final = ("pytest", "pytest-asyncio", "pytest-timeout", "respx", "looptime", "hypothesis")
TESTS: Final = (
    "_core",
    "test_client.py",
    "test_errors.py",
    "test_http.py",
    "test_models.py",
    "test_models_adapters.py",
    "test_models_data_channels.py",
    "test_negotiation.py",
    "test_packets.py",
    "test_retries.py",
)


def pythons() -> Iterator[tuple[int, str]]:
    """Every supported Python of this machine, the running one for its own version."""
    places = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    for minor in MINORS:
        if minor == sys.version_info.minor:
            yield minor, sys.executable
            continue
        named = [shutil.which(f"python3.{minor}"), *sorted(places.glob(f"3.{minor}.*/bin/python3"))]
        code = f"import sys, ensurepip; sys.exit(sys.version_info[:2] != (3, {minor}))"
        for candidate in (str(name) for name in named if name):
            if subprocess.run([candidate, "-c", code], capture_output=True, check=False).returncode == 0:
                yield minor, candidate
                break


def requirements(project: dict[str, Any], *, lowest: bool) -> list[str]:
    """The SDK's dependencies and its `fast` extra: as they are declared, or each at its lower bound."""
    declared = cast("list[str]", [*project["dependencies"], *project["optional-dependencies"]["fast"]])
    if not lowest:
        return declared
    bounds = (re.match(r"([\w-]+)>=([\d.]+)", line) for line in declared)
    return [f"{bound[1]}=={bound[2]}" for bound in bounds if bound is not None]


def run(*command: str | Path, cwd: Path = ROOT) -> None:
    """Run a command quietly, or fail with what it said."""
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(
            f"{' '.join(map(str, command[:6]))} … failed:\n{done.stdout[-6000:]}{done.stderr[-2000:]}"
        )


def check(python: str, wheel: Path, needed: list[str], tools: list[str], folder: Path) -> None:
    """Install the wheel into an environment of its own and run the tests on it, away from the sources."""
    run(python, "-m", "venv", folder / "venv")
    inside = folder / "venv" / "bin" / "python"
    run(inside, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", wheel, *needed, *tools)
    shutil.copytree(ROOT / "tests", folder / "tests", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", folder)
    paths = [f"tests/cfrealtime/{name}" for name in TESTS]
    run(inside, "-m", "pytest", "-q", "--no-header", "-p", "no:cacheprovider", *paths, cwd=folder)


def main() -> int:
    """Build once, check everywhere."""
    pyproject = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    dev = [line for line in pyproject["dependency-groups"]["dev"] if isinstance(line, str)]
    tools = [line for line in dev if re.split(r"[=<>\[]", line)[0] in TOOLS]
    with tempfile.TemporaryDirectory() as scratch:
        run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", scratch, ROOT)
        (wheel,) = Path(scratch).glob("*.whl")
        # Old releases of dependencies need not know new Pythons.
        combinations = [
            (minor, python, lowest)
            for minor, python in pythons()
            for lowest in (False, True)
            if not lowest or minor == MINORS[0]
        ]

        def passes(combination: tuple[int, str, bool]) -> None:
            minor, python, lowest = combination
            started = time.monotonic()
            needed = requirements(pyproject["project"], lowest=lowest)
            check(python, wheel, needed, tools, Path(tempfile.mkdtemp(dir=scratch)))
            which = "lowest" if lowest else "newest"
            seconds = time.monotonic() - started
            print(f"Python 3.{minor}, {which} dependencies: passed in {seconds:.0f} s", flush=True)

        print(f"testing the wheel in {len(combinations)} environments", flush=True)
        with ThreadPoolExecutor(max_workers=2) as pool:
            list(pool.map(passes, combinations))
    return 0


if __name__ == "__main__":
    try:
        raise SystemExit(main())
    except RuntimeError as failure:
        raise SystemExit(str(failure)) from None
