"""Write the blocking colour from the async one: `python scripts/colours.py [--check]`.

`cfrealtime/aio` is written by hand; `cfrealtime/blocking` is the same text with the words below replaced, so
that both have the same names, signatures and documentation. A line that ends with `# async only` is left out.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent
SOURCE: Final = ROOT / "cfrealtime" / "aio"
TARGET: Final = ROOT / "cfrealtime" / "blocking"
BANNER: Final = "# Made by scripts/colours.py from cfrealtime/aio. Changes made here are lost.\n"

BY_HAND: Final = {"caller.py", "direct.py", "fast.py", "pool.py", "queue.py"}
"""What touches clocks, threads and sockets is written for each colour."""

REPLACEMENTS: Final = [
    (r".*# async only\n(\n(?=.*# async only\n))?", ""),
    (r"\n    `engine` is (.+\n)+", ""),
    (r"`async with`", "`with`"),
    (r"\basync (def|with|for)\b", r"\1"),
    (r"\bawait ", ""),
    (r"Awaitable\[(str \| SessionDescription)\]", r"\1"),
    (r"\bAwaitable, ", ""),
    (r"__a(enter|exit)__", r"__\1__"),
    (r"\baclose\b", "close"),
    (r"cfrealtime\.aio\b", "cfrealtime.blocking"),
    (r"Async(Caller|Queue|Transport|HttpClient|ClientEngine|DirectEngine|Engine)\b", r"Sync\1"),
    (r"RawAsync", "Raw"),
    (r"\bAsync(?=[A-Z])", ""),
    (r"record_async", "record_sync"),
    (r"no running loop is needed to make it", "threads may share it"),
    (r"for asyncio\b", "for code that blocks"),
    (r"the connections of the running event loop", "the connections"),
    (r"The async clients and their handles\..*", 'The blocking clients and their handles."""'),
]


def blocking(text: str) -> str:
    """A module of the async colour as the blocking one says it."""
    for pattern, replacement in REPLACEMENTS:
        text = re.sub(pattern, replacement, text)
    return BANNER + text


def formatted(text: str) -> str:
    """The text as the project's formatter and import order want it."""
    for command in (["check", "--select", "I,F401", "--fix-only"], ["format"]):
        done = subprocess.run(
            [
                sys.executable,
                "-m",
                "ruff",
                *command,
                "--quiet",
                "--stdin-filename",
                str(TARGET / "x.py"),
                "-",
            ],
            input=text,
            capture_output=True,
            text=True,
            check=True,
            cwd=ROOT,
        )
        text = done.stdout
    return text


def modules(folder: Path) -> list[Path]:
    """The modules of a colour that are the same in both."""
    return [path for path in folder.glob("*.py") if path.name not in BY_HAND]


def main() -> int:
    """Write, or compare."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--check", action="store_true", help="compare only; exit 1 if anything differs")
    check = parser.parse_args().check
    made = {path.name: formatted(blocking(path.read_text(encoding="utf-8"))) for path in modules(SOURCE)}
    held = {path.name: path.read_text(encoding="utf-8") for path in modules(TARGET)}
    different = sorted(name for name in made.keys() | held.keys() if made.get(name) != held.get(name))
    if check:
        for name in different:
            print(
                f"cfrealtime/blocking/{name} is not what cfrealtime/aio makes: run python scripts/colours.py"
            )
        return 1 if different else 0
    TARGET.mkdir(exist_ok=True)
    for name in different:
        if name in made:
            (TARGET / name).write_text(made[name], encoding="utf-8")
        else:
            (TARGET / name).unlink()
    print(f"{len(different)} of {len(made)} files of cfrealtime/blocking written")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
