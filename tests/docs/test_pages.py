"""Every page with Python on it does what it says."""

from __future__ import annotations

import logging

import pytest

from tests.docs.endpoint import Endpoint
from tests.docs.pages import DOCS, ROOT, Page, in_process, matches, over_http, page, people, run

SURROUNDINGS = ("in process", "over HTTP")
# What these say is run elsewhere: by tests/docs/test_tutorial.py and tests/cfrealtime/test_pytest_plugin.py.
ELSEWHERE = {"tutorial.md", "how-to/test-your-application.md"}
PAGES = [
    each
    for each in (page(path.relative_to(DOCS).as_posix()) for path in sorted(DOCS.rglob("*.md")))
    if each.blocks and each.name not in ELSEWHERE
]


def pages(surroundings: str):
    """The pages that ask for these surroundings."""
    chosen = [each for each in PAGES if each.surroundings == surroundings]
    return pytest.mark.parametrize("page", chosen, ids=[each.name for each in chosen])


@pytest.fixture(autouse=True)
def _level_of_the_log():
    """A page may have asked for more."""
    logger = logging.getLogger("cfrealtime")
    level = logger.level
    yield
    logger.setLevel(level)


async def run_all(page: Page, names: dict[str, object], printed: pytest.CaptureFixture[str]) -> None:
    """Run the blocks of a page, and hold what they print against what it says."""
    for block in page.blocks:
        printed.readouterr()
        await run(block, page.name, names)
        out = printed.readouterr().out
        assert block.prints is None or matches(out, block.prints), f"{page.name}:{block.line} prints\n{out}"


def test_every_page_with_python_says_where_it_runs():
    assert [each.name for each in PAGES if each.surroundings not in SURROUNDINGS] == []


@pytest.mark.looptime
@pages("in process")
async def test_a_page_runs_in_process(page, capsys):
    async with in_process(page) as names:
        await run_all(page, names, capsys)
        assert names["emulator"].journal()["breaches"] == []


@pages("over HTTP")
async def test_a_page_runs_over_http(page, capsys, monkeypatch):
    with over_http() as environment:
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        await run_all(page, people(), capsys)


async def test_the_sdk_in_the_readme_runs(monkeypatch):
    readme = Page("README.md", (ROOT / "README.md").read_text(encoding="utf-8"))
    with over_http() as environment:
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        names = {"offer": await Endpoint().offer("audio")}
        await run(readme.blocks[-1], readme.name, names)
        assert names["answer"].type == "answer"


def test_what_is_printed_is_compared_with_the_page():
    assert matches("session 1f runs\n", "session … runs\n")
    assert not matches("session 1f stands\n", "session … runs\n")
    assert not matches("session 1f\nruns\n", "session … runs\n")
