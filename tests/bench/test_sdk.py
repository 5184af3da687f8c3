"""The parts of the SDK's bench that compute: costs, limits, tables, and the reading by hand."""

from __future__ import annotations

import json

from cfrealtime import TracksResult
from cfrealtime._core.codec import structure
from tests.bench.sdk.report import Line, Table, document, text
from tests.bench.sdk.timing import Cost, by_median, by_smallest
from tests.bench.sdk.work import published, read_by_hand, subscribed

LINES = [Line("httpx", 400.0, 1.0), Line("slow", 480.0, 1.2, limit=0.9), Line("fast", 200.0, 0.5, limit=0.9)]


def test_a_ratio_is_taken_within_each_round() -> None:
    # The machine was twice as slow in the second round, for both.
    samples = {"base": [1.0, 2.0, 1.0], "other": [3.0, 6.0, 3.0]}
    assert by_median(samples, "base") == [Cost("base", 1.0, 1.0), Cost("other", 3.0, 3.0)]


def test_fresh_processes_are_compared_by_their_smallest_cost() -> None:
    samples = {"base": [4.0, 2.0, 9.0], "other": [1.0, 8.0]}
    assert by_smallest(samples, "base") == [Cost("base", 2.0, 1.0), Cost("other", 1.0, 0.5)]


def test_a_limit_is_for_the_ratio_or_where_there_is_none_for_the_figure() -> None:
    assert [line.over for line in LINES] == [False, True, False]
    assert Line("size", 201.0, limit=200.0).over
    assert not Line("size", 200.0, limit=200.0).over


def test_a_table_says_which_limits_hold_and_who_was_left_out() -> None:
    shown = text([Table("One call", "µs CPU", LINES, left_out=["peer (not installed)"])], "a machine")
    rows = shown.splitlines()
    assert rows[0] == "a machine"
    assert [row.split() for row in rows if row.startswith(("slow", "fast"))] == [
        ["slow", "480", "1.20", "≤", "0.9", "over"],
        ["fast", "200", "0.50", "≤", "0.9", "ok"],
    ]
    assert rows[-1] == "left out: peer (not installed)"


def test_the_json_holds_figures_ratios_and_verdicts() -> None:
    (table,) = json.loads(document([Table("One call", "µs CPU", LINES)], "a machine"))["tables"]
    expected = {"name": "slow", "figure": 480.0, "ratio": 1.2, "limit": 0.9, "over": True}
    assert table["lines"][1] == expected


def test_what_is_read_by_hand_equals_what_the_sdk_reads() -> None:
    for answer in (published(), subscribed()):
        assert read_by_hand(answer) == structure(answer, TracksResult)
