"""Write the protocol's JSON Schema and its reference page, or --check that they are what the code says."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from .page import page
from .schema import json_schema

HERE = Path(__file__).parent


def files(root: Path) -> dict[Path, str]:
    """What is generated, below the checkout's folder."""
    return {
        root / "cfrealtime_rooms/signaling/protocol.schema.json": json.dumps(json_schema(), indent=2) + "\n",
        root / "docs/reference/signaling.md": page(),
    }


def _read(path: Path) -> str | None:
    return path.read_text(encoding="utf-8") if path.exists() else None


def main(arguments: list[str] | None = None) -> int:
    """Generate, or compare."""
    parser = argparse.ArgumentParser(prog="python -m cfrealtime_rooms.signaling", description=__doc__)
    parser.add_argument("--check", action="store_true", help="compare only; exit 1 if anything differs")
    parser.add_argument("--root", type=Path, default=HERE.parent.parent, help="the checkout to write into")
    given = parser.parse_args(arguments)
    stale = {path: text for path, text in files(given.root).items() if _read(path) != text}
    for path, text in stale.items():
        name = path.relative_to(given.root)
        if given.check:
            sys.stdout.write(f"{name} is not what the code says: run python -m cfrealtime_rooms.signaling\n")
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
            sys.stdout.write(f"{name} written\n")
    return 1 if stale and given.check else 0


if __name__ == "__main__":
    raise SystemExit(main())
