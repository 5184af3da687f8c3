"""The page of operations names every method that makes a call."""

from __future__ import annotations

import pytest

from cfrealtime import Realtime
from tests.docs.operations import NAMES, PAGE


def callers():
    """One of each kind of object that makes calls."""
    with Realtime("app", "secret") as realtime:
        return [realtime, realtime.session("s1"), realtime.adapters, realtime.turn("key", "token")]


@pytest.mark.parametrize("caller", callers(), ids=lambda caller: type(caller).__name__)
def test_the_page_names_every_call(caller):
    page = PAGE.read_text(encoding="utf-8")
    methods = vars(caller.with_raw_response)
    assert methods
    assert [name for name in methods if f"`{NAMES[type(caller)]}.{name}(" not in page] == []
