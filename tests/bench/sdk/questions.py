"""The questions, and how each is measured."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Mapping
from contextlib import AsyncExitStack, ExitStack
from pathlib import Path
from typing import Final

from cfrealtime import TracksResult
from cfrealtime._core.codec import structure
from tests.bench.sdk import clients
from tests.bench.sdk.report import Line, Table, lines
from tests.bench.sdk.server import running
from tests.bench.sdk.timing import by_median, by_smallest, in_flight, in_turns, repeated
from tests.bench.sdk.work import read_by_hand, subscribed

ROOT: Final = Path(__file__).parents[3]

MICROSECONDS: Final = 1e6
MILLISECONDS: Final = 1e3

# With click and rich installed, httpx imports its own command line and takes four times as long; with the
# others it imports more decoders and backends. Few environments have them, so nobody finds them here.
_HIDDEN: Final = ("click", "rich", "pygments", "trio", "h2", "socksio", "brotli", "brotlicffi", "zstandard")
# Peers take up to a second each, and nothing is held against a limit there.
_ROUNDS_OF_PEERS: Final = 3
_FRESH: Final = """
import sys
sys.modules.update(dict.fromkeys({hidden!r}))
import time
started = time.process_time()
{code}
print(time.process_time() - started)
"""


def calls_blocking(rounds: int) -> Table:
    """What a blocking call costs."""
    with running() as server, ExitStack() as stack:
        calls, left_out = clients.blocking(server, stack)
        samples = in_turns({name: repeated(call) for name, call in calls.items()}, rounds=rounds, calls=80)
    return Table(
        "One blocking call",
        "µs CPU",
        lines(by_median(samples, clients.BASE), {clients.OURS: 0.9}, MICROSECONDS),
        left_out=left_out,
    )


def calls_async(rounds: int, at_once: int) -> Table:
    """What an async call costs, with so many in flight."""
    limits = {clients.OURS: 1.0} if at_once == 1 else {clients.FAST: 0.3}
    with running() as server, asyncio.Runner() as runner:
        stack = AsyncExitStack()
        calls, left_out = runner.run(clients.concurrent(server, stack))
        blocks = {name: in_flight(runner, call, at_once) for name, call in calls.items()}
        samples = in_turns(blocks, rounds=rounds, calls=80 if at_once == 1 else 4 * at_once)
        runner.run(stack.aclose())
    return Table(
        "One async call" if at_once == 1 else f"One of {at_once} async calls in flight",
        "µs CPU",
        lines(by_median(samples, clients.BASE), limits, MICROSECONDS),
        left_out=left_out,
    )


def imports(rounds: int) -> Table:
    """What an import costs in a fresh process."""
    code = {
        "import httpx": "import httpx",
        "import cfrealtime": "import cfrealtime",
        "import cloudflare": "import cloudflare",
        "import openai": "import openai",
        "from livekit import api": "from livekit import api",
    }
    return _fresh("Import", code, {"import cfrealtime": 0.2}, rounds)


def first_clients(rounds: int) -> Table:
    """What an import and the first client cost in a fresh process."""
    limited = 'cfrealtime.Realtime("a", "b")'
    code = {
        "httpx.Client()": "import httpx; httpx.Client()",
        limited: f"import cfrealtime; {limited}",
        'cfrealtime.AsyncRealtime("a", "b")': 'import cfrealtime; cfrealtime.AsyncRealtime("a", "b")',
        "cloudflare.Cloudflare(…)": 'import cloudflare; cloudflare.Cloudflare(api_token="a")',
        "openai.OpenAI(…)": 'import openai; openai.OpenAI(api_key="a")',
    }
    return _fresh("Import and first client", code, {limited: 1.6}, rounds)


def decoding(rounds: int) -> Table:
    """What reading the answer of a 64-track subscription costs."""
    answer = json.dumps(subscribed()).encode()

    def by_hand() -> TracksResult:
        return read_by_hand(json.loads(answer))

    def ours() -> TracksResult:
        return structure(json.loads(answer), TracksResult)

    if by_hand() != ours():
        raise AssertionError("cfrealtime made another value of the same answer")
    blocks = {"json.loads and code by hand": repeated(by_hand), clients.OURS: repeated(ours)}
    samples = in_turns(blocks, rounds=2 * rounds, calls=40)
    costs = by_median(samples, "json.loads and code by hand")
    return Table("An answer with 64 tracks", "µs CPU", lines(costs, {clients.OURS: 2.0}, MICROSECONDS))


def wheel() -> Table:
    """How large the SDK's part of the wheel is."""
    with tempfile.TemporaryDirectory() as folder:
        command = (sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder, str(ROOT))
        built = subprocess.run(command, capture_output=True, text=True, check=False)
        if built.returncode:
            raise AssertionError(f"the wheel could not be built:\n{built.stdout}{built.stderr}")
        (path,) = Path(folder).glob("*.whl")
        with zipfile.ZipFile(path) as archive:
            sizes = {entry.filename: entry.compress_size for entry in archive.infolist()}
    parts = {part: sum(size for name, size in sizes.items() if _part(name) == part) for part in _PARTS}
    return Table(
        "The wheel, compressed",
        "KB",
        [Line(part, size / 1000, limit=_PARTS[part]) for part, size in parts.items()],
    )


_PARTS: Final[Mapping[str, float | None]] = {
    "cfrealtime without the emulator": 200.0,
    "cfrealtime.emulator": None,
    "cfrealtime_rooms": None,
}


def _part(name: str) -> str:
    top, _, rest = name.partition("/")
    if top != "cfrealtime":
        return top
    return "cfrealtime.emulator" if rest.startswith("emulator/") else "cfrealtime without the emulator"


def _fresh(title: str, code: Mapping[str, str], limits: Mapping[str, float], rounds: int) -> Table:
    found: dict[str, list[float]] = {}
    left_out: list[str] = []
    for name, statement in code.items():
        # The first run writes the byte code, and says whether there is anything to measure.
        if _process(statement) is None:
            left_out.append(f"{name} (not installed)")
        else:
            found[name] = []
    compared = {next(iter(code)), *limits}
    for round_ in range(rounds):
        for name in found if round_ < _ROUNDS_OF_PEERS else found.keys() & compared:
            seconds = _process(code[name])
            if seconds is None:
                raise AssertionError(f"{name} worked once and then no more")
            found[name].append(seconds)
    costs = by_smallest(found, next(iter(code)))
    note = "fresh processes that do not see click, rich and other extras of httpx"
    return Table(title, "ms CPU", lines(costs, limits, MILLISECONDS), note, left_out)


def _process(statement: str) -> float | None:
    """CPU seconds of a statement in a new process; None if it names a package that is not there."""
    done = subprocess.run(
        [sys.executable, "-c", _FRESH.format(hidden=_HIDDEN, code=statement)],
        cwd=ROOT,
        env={name: value for name, value in os.environ.items() if not name.startswith("PYTHON")},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode == 0:
        return float(done.stdout)
    if "ModuleNotFoundError" in done.stderr and "cfrealtime" not in statement:
        return None
    raise AssertionError(f"{statement} failed:\n{done.stderr}")
