"""Tables of the documentation that repeat what the code knows."""

from __future__ import annotations

import re

from cfrealtime import errors
from cfrealtime._core import decode, settings
from cfrealtime.models import ItemError
from tests.docs.pages import ROOT, page


def rows(name: str, heading: str) -> list[list[str]]:
    """The cells of the first table under a heading."""
    section = re.split(rf"^#+ {heading}\n", page(name).text, flags=re.MULTILINE)[1]
    table = re.search(r"(?:^\|.*\n)+", section, re.MULTILINE)
    return [[cell.strip() for cell in line.split("|")[1:-1]] for line in table[0].splitlines()[2:]]


CODES = {
    code.strip("`"): (where, advice) for code, where, _, advice in rows("reference/errors.md", "Error codes")
}


def test_the_table_of_codes_says_what_is_retryable():
    for code, (_, advice) in CODES.items():
        error = ItemError(code)
        assert {"yes": (True, False), "closed": (False, True), "": (False, False)}[advice] == (
            error.retryable,
            error.satisfies_close,
        ), code


def test_the_table_of_codes_has_every_code_that_decides_something():
    assert decode._BY_CODE.keys() - CODES.keys() == set()


def test_the_table_of_codes_has_every_code_of_the_emulator():
    code = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "cfrealtime/emulator").rglob("*.py"))
    used = re.findall(r"(?:ItemError|RefusalError)\((?:\d+, )?\"(\w+)\"", code)
    assert set(used) - CODES.keys() == set()
    assert len(used) > 10


def test_the_page_of_outcomes_has_every_branch_of_the_tree():
    named = {
        name
        for cells in rows("explanation/outcomes.md", r"Did it happen\?")
        for name in re.findall(r"`(\w+Error)`", cells[0])
    }
    branches = {name for name in errors.__all__ if getattr(errors, name).__base__ is errors.RealtimeError}
    assert branches == named


def test_the_page_of_the_environment_has_every_variable():
    named = {
        name
        for cells in rows("how-to/environment.md", "Configure by environment")
        for name in re.findall(r"`(\w+)`", cells[0])
    }
    own = {
        settings.APP_ID,
        settings.APP_SECRET,
        settings.BASE_URL,
        settings.TURN_KEY_ID,
        settings.TURN_API_TOKEN,
    }
    assert own - named == set()
