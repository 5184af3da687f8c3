"""The tutorial and every how-to page do what they say."""

from __future__ import annotations

import pytest

from tests.docs.pages import DOCS, Page, in_process, matches, over_http, page, people, run

# Has tests of its own, with pytest inside: tests/cfrealtime/test_pytest_plugin.py.
ELSEWHERE = "how-to/test-your-application.md"
# Pages that are programs, block after block.
PAGES = [page("index.md")] + [
    page(path.relative_to(DOCS).as_posix())
    for path in sorted(DOCS.glob("how-to/*.md"))
    if path.relative_to(DOCS).as_posix() != ELSEWHERE and "```python" in path.read_text(encoding="utf-8")
]


def pages(surroundings: str):
    """The pages that ask for these surroundings."""
    chosen = [each for each in PAGES if each.surroundings == surroundings]
    return pytest.mark.parametrize("page", chosen, ids=[each.name for each in chosen])


async def run_all(page: Page, names: dict[str, object], printed: pytest.CaptureFixture[str]) -> None:
    """Run the blocks of a page, and hold what they print against what it says."""
    for block in page.blocks:
        printed.readouterr()
        await run(block, page.name, names)
        if block.prints is not None:
            out = printed.readouterr().out
            assert matches(out, block.prints), f"{page.name}:{block.line} prints\n{out}"


def test_every_page_says_where_it_runs():
    assert {each.name: each.surroundings for each in PAGES if each.surroundings not in SURROUNDINGS} == {}


SURROUNDINGS = ("in process", "over HTTP")


@pytest.mark.looptime
@pages("in process")
async def test_a_page_runs_in_process(page, capsys):
    async with in_process() as names:
        await run_all(page, names, capsys)
        assert names["emulator"].journal()["breaches"] == []


@pages("over HTTP")
async def test_a_page_runs_over_http(page, capsys, monkeypatch):
    with over_http() as environment:
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        await run_all(page, people(), capsys)
