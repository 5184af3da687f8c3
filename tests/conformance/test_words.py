"""The suite's own parts that compute: whom to ask, and what is said in the end."""

from __future__ import annotations

import pytest

from tests.conformance.table import Table, verdict, words
from tests.conformance.target import targets

APP = {"CLOUDFLARE_REALTIME_APP_ID": "a", "CLOUDFLARE_REALTIME_APP_SECRET": "b"}
KEY = {"CLOUDFLARE_TURN_KEY_ID": "c", "CLOUDFLARE_TURN_API_TOKEN": "d"}
LIVE = {"CFREALTIME_CONFORMANCE": "live"}


@pytest.mark.parametrize(
    ("environment", "turn", "asked"),
    [
        ({}, False, ["emulator"]),
        (APP | KEY, False, ["emulator"]),
        (LIVE, False, ["emulator"]),
        (LIVE | APP, False, ["emulator", "service"]),
        (LIVE | APP, True, ["emulator"]),
        (LIVE | APP | KEY, True, ["emulator", "service"]),
    ],
)
def test_the_service_is_asked_by_who_wants_it_and_can(monkeypatch, environment, turn, asked):
    for name in LIVE | APP | KEY:
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert targets(turn=turn) == asked


def test_what_differs_is_said_first_and_what_is_new_is_said_to_be():
    rules = {
        "[documented] It holds.": {"emulator": ["holds"], "service": ["holds"]},
        "[unproven] Who knows.": {"emulator": ["200"], "service": [verdict(passed=False, met="418")]},
    }
    told = words(rules).splitlines()
    assert told[:4] == [
        "Where they differ:",
        "  Who knows.",
        "      emulator: 200",
        "      service: 418 (not known so far)",
    ]
    assert (
        told[-1] == "2 rules asked of emulator and service, 1 of them with different answers; 1 do not hold."
    )


def test_a_failure_on_the_way_to_a_test_counts(pytester_report):
    table = Table()
    table.pytest_runtest_logreport(pytester_report("setup", "failed"))
    table.pytest_runtest_logreport(pytester_report("teardown", "passed"))
    assert table.rules == {"[seen] It.": {"emulator": ["does not hold"]}}


@pytest.fixture
def pytester_report():
    def report(when: str, outcome: str) -> pytest.TestReport:
        properties = [("rule", "[seen] It."), ("target", "emulator")]
        return pytest.TestReport("it", ("", 0, ""), {}, outcome, None, when, user_properties=properties)

    return report
