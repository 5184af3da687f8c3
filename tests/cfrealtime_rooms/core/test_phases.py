"""The phases of a lane, and the picture of them."""

from __future__ import annotations

import re
from itertools import product
from pathlib import Path

import pytest

from cfrealtime_rooms.core.state import (
    TRANSITIONS,
    AwaitingAnswer,
    AwaitingApplied,
    AwaitingOffer,
    Calling,
    Idle,
    IllegalTransitionError,
    Lane,
    Retired,
)

PHASES = (
    Idle(),
    Calling(1),
    AwaitingOffer(2, 10.0),
    AwaitingApplied(3, 10.0, "sdp"),
    AwaitingAnswer(4, 10.0, "sdp"),
    Retired("over"),
)
LEGAL = {(before, after) for before, ways in TRANSITIONS.items() for after in ways}


@pytest.mark.parametrize(("before", "after"), list(product(PHASES, PHASES)))
def test_a_step_that_does_not_follow_leaves_the_lane_as_it_is(before, after):
    lane = Lane(epoch=1, phase=before)
    ends = isinstance(after, Retired) and not isinstance(before, Retired)
    if ends or (type(before), type(after)) in LEGAL:
        lane.enter(after)
        assert lane.phase == after
    else:
        with pytest.raises(IllegalTransitionError, match=type(before).__name__):
            lane.enter(after)
        assert lane.phase == before


def test_no_way_leads_out_of_the_last_phase():
    assert set(TRANSITIONS) == {type(phase) for phase in PHASES}
    assert not TRANSITIONS[Retired]


def test_the_picture_in_the_architecture_page_shows_these_transitions():
    page = (Path(__file__).parents[3] / "docs/architecture.md").read_text(encoding="utf-8")
    (picture,) = re.findall(r"```mermaid\nstateDiagram-v2\n(.+?)```", page, re.DOTALL)
    drawn = set(re.findall(r"^ *(\w+) --> (\w+): (.+)$", picture, re.MULTILINE))
    known = {
        (before.__name__, after.__name__, what)
        for before, ways in TRANSITIONS.items()
        for after, what in ways.items()
    }
    assert drawn == known
