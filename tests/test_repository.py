"""What holds for every file of the repository, whoever wrote it."""

from __future__ import annotations

import ast
import asyncio
import json
import re
import subprocess
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import attrs
import pytest
from starlette.websockets import WebSocket

from cfrealtime_rooms.core import commands, notices

ROOT = Path(__file__).parent.parent
MODULE_CAP = 500
# Written by a program: nobody reads it from top to bottom.
GENERATED = ("cfrealtime/_generated/",)

# In pieces, so that this file does not find itself.
FOREIGN = re.compile(
    "|".join(
        (
            r"/(?:work|root|tmp)/(?=[a-z.])",
            r"/(?:home|Users)/(?=[a-z])",
            r"\bpypi\b\.(?:org|python)",
            r"pythonhosted\b\.",
            r"registry\.\bnpmjs\b",
            r"\b(?:deb|security)\b\.debian",
        )
    )
)
UNFINISHED = re.compile(r"\b(?:TO" r"DO|FIX" r"ME|XX" r"X)\b")


def git(*arguments: str) -> list[str]:
    """The lines that a git command prints."""
    done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=True)
    return done.stdout.splitlines()


TRACKED = [name for name in git("ls-files") if (ROOT / name).is_file()]
OURS = [name for name in TRACKED if not name.startswith(GENERATED)]
MODULES = [name for name in OURS if name.endswith(".py")]
DOCUMENTS = [name for name in OURS if name.endswith(".md")]


def lines_matching(pattern: re.Pattern[str], names: list[str]) -> list[str]:
    """Where a pattern is found, as file:line: text."""
    return [
        f"{name}:{number}: {line.strip()}"
        for name in names
        for number, line in enumerate((ROOT / name).read_text(encoding="utf-8").splitlines(), 1)
        if pattern.search(line)
    ]


def test_no_file_names_a_machine_or_a_registry() -> None:
    assert lines_matching(FOREIGN, TRACKED) == []


def test_nothing_is_left_unfinished() -> None:
    assert lines_matching(UNFINISHED, OURS) == []


def test_every_module_says_what_it_is_for() -> None:
    trees = {name: ast.parse((ROOT / name).read_text(encoding="utf-8")) for name in MODULES}
    assert [name for name, tree in trees.items() if tree.body and not ast.get_docstring(tree)] == []


def test_no_module_outgrows_its_reader() -> None:
    lengths = {name: len((ROOT / name).read_text(encoding="utf-8").splitlines()) for name in MODULES}
    assert {name: length for name, length in lengths.items() if length > MODULE_CAP} == {}


def test_what_is_run_by_name_is_executable() -> None:
    modes = {line.split("\t")[1]: line.split()[0] for line in git("ls-files", "--stage", "scripts", ".ci")}
    assert {name for name, mode in modes.items() if mode == "100755"} == {
        ".ci/run",
        "scripts/bench",
        "scripts/check",
        "scripts/demo",
        "scripts/docs",
        "scripts/javascript",
        "scripts/storm",
        "scripts/test",
    }


def anchors(document: str) -> set[str]:
    """The fragments that a forge makes of a document's headings."""
    headings = re.findall(r"^#+ +(.+)$", (ROOT / document).read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("document", DOCUMENTS)
def test_links_lead_somewhere(document: str) -> None:
    text = (ROOT / document).read_text(encoding="utf-8")
    broken = []
    for link in re.findall(r"\]\(([^)\s]+)\)", text):
        path, _, fragment = link.partition("#")
        if "://" in path or path.startswith("mailto:"):
            continue
        target = ((ROOT / document).parent / path).resolve() if path else ROOT / document
        if not target.exists() or (fragment and fragment not in anchors(str(target.relative_to(ROOT)))):
            broken.append(link)
    assert broken == []


VALUES = {
    "an offered track": commands.OfferedTrack,
    "a participant": notices.ParticipantView,
    "a publication": notices.PublicationView,
    "a departure": notices.Departure,
    "an ICE server": notices.IceServer,
}


def documented(heading: str) -> dict[str, list[str]]:
    """The first two columns of the table under a heading of the signaling page."""
    text = (ROOT / "docs/signaling.md").read_text(encoding="utf-8")
    section = text.split(f"\n### {heading}\n")[1].split("\n#")[0]
    rows = [line.split("|")[1:3] for line in section.splitlines() if line.startswith("|")][2:]
    return {name.strip().strip("`"): re.findall(r"`([^`]+)`", fields) for name, fields in rows}


def declared(kinds: dict[str, type[attrs.AttrsInstance]], optional: str) -> dict[str, list[str]]:
    """The same, as the code has it."""
    return {
        name: [f.name + optional * (f.default is not attrs.NOTHING) for f in attrs.fields(kind)]
        for name, kind in kinds.items()
    }


def test_the_signaling_page_lists_every_message_and_field() -> None:
    asked = {name: kind for kind, name in commands.COMMAND_NAMES.items()}
    told = {name: kind for kind, name in notices.NOTICE_NAMES.items()}
    assert documented("Client to room") == declared(asked, optional="?")
    assert documented("Room to client") == declared(told, optional="")


def test_the_signaling_page_lists_the_values_inside_messages() -> None:
    expected = declared(VALUES, optional="")
    expected["an offered track"] = declared({"": commands.OfferedTrack}, optional="?")[""]
    assert documented("Values inside") == expected


def test_the_signaling_page_lists_every_error_code() -> None:
    parts = ("cfrealtime_rooms/core/", "cfrealtime_rooms/runtime/", "cfrealtime_rooms/signaling/")
    code = "".join((ROOT / name).read_text(encoding="utf-8") for name in MODULES if name.startswith(parts))
    raised = re.findall(r"\b(?:Refused|Refusal|Error|ProtocolError|refuse_offer)\([^\")]*\"(\w+)\"", code)
    assert documented("Errors").keys() == set(raised)


async def guest(_: WebSocket) -> SimpleNamespace:
    """The README leaves this to its reader."""
    return SimpleNamespace(id="ada", name="Ada")


async def test_the_host_in_the_readme_lets_people_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLOUDFLARE_REALTIME_APP_ID", "app")
    monkeypatch.setenv("CLOUDFLARE_REALTIME_APP_SECRET", "secret")
    # The second is the SDK's: tests/docs runs it.
    code, _ = re.findall(r"```python\n(.+?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    host: dict[str, Any] = {"authenticate": guest}
    exec(compile(code, "README.md", "exec", dont_inherit=True), host)
    app = host["app"]
    scope = {
        "type": "websocket",
        "path": "/rooms/hall",
        "query_string": b"",
        "headers": [],
        "subprotocols": [],
    }
    said, told = asyncio.Queue[dict[str, Any]](), asyncio.Queue[dict[str, Any]]()

    async with asyncio.timeout(60), app.router.lifespan_context(app):
        meeting = asyncio.create_task(app(scope, said.get, told.put))
        said.put_nowait({"type": "websocket.connect"})
        assert await told.get() == {"type": "websocket.accept", "subprotocol": None, "headers": []}
        assert json.loads((await told.get())["text"])["type"] == "welcome"
        said.put_nowait({"type": "websocket.receive", "text": '{"type": "join"}'})
        joined = json.loads((await told.get())["text"])
        said.put_nowait({"type": "websocket.disconnect", "code": 1001})
        await meeting

    assert joined["type"] == "joined"
    assert [participant["name"] for participant in joined["snapshot"]["participants"]] == ["Ada"]
