"""What is drawn from the tables of the rooms is what they say."""

from __future__ import annotations

import re

import pytest

from tests.docs.pages import DOCS, page
from tests.docs.rooms import PAGES, picture


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_what_the_tables_of_the_code_say(name):
    assert (DOCS / name).read_text(encoding="utf-8") == PAGES[name](), "python -m tests.docs.rooms"


@pytest.mark.parametrize("name", ["architecture.md", "reference/lane.md"])
def test_the_picture_of_the_negotiation_is_drawn_from_its_table(name):
    (drawn,) = re.findall(r"```mermaid\n(stateDiagram-v2\n.+?)\n```", page(name).text, re.DOTALL)
    assert drawn == picture()
