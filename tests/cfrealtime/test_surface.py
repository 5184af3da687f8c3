"""What the SDK offers changes only on purpose."""

from __future__ import annotations

import difflib
from pathlib import Path

import pytest

import cfrealtime
from cfrealtime import errors, hooks, models, raw
from tests.cfrealtime.surface import surface

RECORD = Path(__file__).with_name("public_surface.txt")
CLIENTS = {
    prefix + name
    for prefix in ("", "Async")
    for name in ("Realtime", "Session", "Negotiation", "Adapters", "Turn")
}


def test_the_public_surface_is_what_is_written_down():
    written = RECORD.read_text(encoding="utf-8").splitlines()
    changes = list(difflib.unified_diff(written, list(surface()), "written down", "now", lineterm="", n=2))
    assert not changes, "\n".join(
        [
            "The public surface has changed. If that is meant, and CHANGELOG.md says so, write it down:",
            "    python -m tests.cfrealtime.surface > tests/cfrealtime/public_surface.txt",
            *changes,
        ]
    )


def test_the_package_offers_what_its_modules_offer_and_the_clients():
    values = [*errors.__all__, *models.__all__, *hooks.__all__, *raw.__all__]
    assert sorted(cfrealtime.__all__) == sorted([*values, *CLIENTS, "__version__"])
    assert set(cfrealtime.__all__) <= set(dir(cfrealtime))


def test_a_name_that_is_not_offered_is_an_attribute_error():
    with pytest.raises(AttributeError, match="Calls"):
        _ = cfrealtime.Calls
