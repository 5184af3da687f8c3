"""Faults as values: what can be asked for, in which forms, and what is refused in words."""

from __future__ import annotations

import json

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cfrealtime.emulator import faults as public
from cfrealtime.emulator.routes import ROUTES
from cfrealtime.emulator.rules import faults
from cfrealtime.emulator.rules.fault_bounds import FaultError, Number, Text, YesOrNo
from cfrealtime.emulator.rules.fault_forms import describe, read, read_many, write
from cfrealtime.emulator.rules.fault_reach import OF_A_SESSION, OF_ITEMS, without
from cfrealtime.emulator.rules.faults import (
    EFFECTS,
    ON_CALLS,
    Delay,
    Fault,
    KillSession,
    LoseAnswer,
    Silence,
    reach_of,
)


def within(validator: object) -> st.SearchStrategy:
    """Values that a validator takes."""
    match validator:
        case Number(low, high, whole=True):
            return st.integers(int(low), int(min(high, 2**31)))
        case Number(low, high):
            return st.floats(low, high) | st.integers(int(low) + 1, int(high))
        case Text(known):
            return st.sampled_from(known) if known else st.text(min_size=1, max_size=8)
        case YesOrNo():
            return st.booleans()
    raise AssertionError(validator)


def filled(kind: type, names: tuple[str, ...]) -> st.SearchStrategy[dict]:
    """Some of these fields; all of those without which there is nothing."""
    fields = [a for a in attrs.fields(kind) if a.name in names]
    needed = {a.name: within(a.validator) for a in fields if a.default is attrs.NOTHING}
    optional = {a.name: within(a.validator) for a in fields if a.default is not attrs.NOTHING}
    return st.fixed_dictionaries(needed, optional=optional)


@st.composite
def any_fault(draw: st.DrawFn) -> Fault:
    kind = draw(st.sampled_from(list(EFFECTS.values())))
    effect = kind(**draw(filled(kind, tuple(a.name for a in attrs.fields(kind)))))
    conditions = draw(filled(Fault, effect.conditions))
    reach = set(reach_of(effect))
    for name, having in (("session", OF_A_SESSION), ("track", OF_ITEMS), ("publisher", OF_ITEMS)):
        if name in conditions and reach.isdisjoint(having):
            del conditions[name]
        elif name in conditions:
            reach &= set(having)
    if "operation" in conditions or kind is KillSession:
        conditions["operation"] = draw(st.sampled_from(sorted(reach)))
    return Fault(effect, **conditions)


@given(any_fault())
def test_every_fault_can_be_written_and_read_as_json_and_as_text(fault):
    assert read(json.loads(json.dumps(write(fault)))) == fault
    assert read(describe(fault)) == fault


def test_what_is_written_leaves_out_what_was_not_said():
    fault = Fault(LoseAnswer(), operation="new_tracks", nth=2)
    assert write(fault) == {"kind": "lose_answer", "operation": "new_tracks", "nth": 2}
    assert describe(fault) == "lose_answer operation=new_tracks nth=2"
    assert describe(read({"kind": "status", "status": 503})) == "status status=503"


def test_a_name_with_spaces_survives_a_line_of_text():
    assert read("silence track='my camera' session=#2") == Fault(Silence(), track="my camera", session="#2")


def test_several_come_as_a_list_or_under_a_name_and_may_be_lines_of_text():
    both = (Fault(Delay(1)), Fault(LoseAnswer(), nth=1))
    assert read_many([{"kind": "delay", "seconds": 1}, "lose_answer nth=1"]) == both
    assert read_many({"faults": ["delay seconds=1", "lose_answer nth=1"]}) == both
    assert read_many("delay seconds=1") == both[:1]


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        ({"kind": "flood"}, "kind is none of delay, delay_request,"),
        ({}, "kind is none of"),
        ("", "kind is none of"),
        (7, "an object with a kind, or a line of text"),
        ({"faults": 7}, "an object with a kind"),
        ({"faults": {"faults": []}}, "kind is none of"),
        ({"kind": "delay"}, "delay needs seconds."),
        ({"kind": "delay", "seconds": -1}, "seconds is not a number from 0 to 86400."),
        ({"kind": "delay", "seconds": True}, "seconds is not a number"),
        ({"kind": "delay", "seconds": float("nan")}, "seconds is not a number"),
        (
            {"kind": "delay", "seconds": 1, "secs": 2},
            "delay does not know 'secs'; it takes seconds, operation,",
        ),
        ({"kind": "refuse", "operation": "call"}, "operation is none of new_session, get_session,"),
        ({"kind": "refuse", "nth": 0}, "nth is not a whole number from 1"),
        ({"kind": "refuse", "nth": 1.5}, "nth is not a whole number"),
        ({"kind": "refuse", "probability": 2}, "probability is not a number from 0 to 1."),
        ({"kind": "refuse", "session": ""}, "session is not a text."),
        ({"kind": "status", "status": 99}, "status is not a whole number from 200 to 599."),
        ({"kind": "html", "landed": 1}, "landed is neither true nor false."),
        ({"kind": "garbage", "body": "poem"}, "body is none of binary, cut, empty, null."),
        ({"kind": "loss", "share": 0.5, "track": "mic"}, "loss does not depend on track."),
        ({"kind": "clock", "speed": 2, "session": "a", "nth": 1}, "clock does not depend on session or nth."),
        ("item_error operation=renegotiate", "item_error happens to new_tracks, update_tracks,"),
        ("no_repointing operation=new_tracks", "no_repointing happens to update_tracks only."),
        ("kill_session operation=new_session", "kill_session happens to get_session, new_tracks,"),
        (
            "omit field=sessionDescription operation=update_tracks",
            "omit happens to new_tracks, close_tracks,",
        ),
        ("omit field=iceServers track=mic", "A call of generate_ice_servers has no track."),
        ("omit field=sdp", "field is none of item, tracks, dataChannels,"),
        ("refuse operation=new_session session=#1", "A call of new_session has no session."),
        ("refuse operation=renegotiate publisher=#1", "A call of renegotiate has no publisher."),
        ({"kind": "kill_session"}, "kill_session needs the session that ends at once, or an operation"),
        ({"kind": "kill_session", "session": "a", "nth": 2}, "kill_session needs the session"),
        ("delay seconds", "'seconds' is not of the form name=value."),
        ("delay seconds=soon", "seconds is not a number"),
        ("delay seconds=" + "[" * 5000, "seconds is not a number"),
        ("delay seconds=" + "1" * 5000, "seconds is not a number"),
        ("silence track='my", "cannot be read: No closing quotation."),
    ],
)
def test_what_is_no_fault_is_refused_in_words(bad, words):
    with pytest.raises(FaultError) as error:
        read_many(bad)
    assert words in str(error.value)


def test_every_effect_says_what_it_does_and_looks_at_conditions_that_exist():
    named = {value for value in vars(faults).values() if hasattr(value, "kind")}
    assert named == set(EFFECTS.values())
    for effect in EFFECTS.values():
        assert effect.__doc__.endswith(".")
        assert set(effect.conditions) <= {a.name for a in attrs.fields(Fault)}
    assert {a.name for a in attrs.fields(Fault)} == {"effect", *ON_CALLS}


ANSWER = {"requiresImmediateRenegotiation": True, "tracks": [{"mid": "0"}, {"mid": "1"}]}


@pytest.mark.parametrize(
    ("field", "item", "left"),
    [
        ("requiresImmediateRenegotiation", 0, {"tracks": ANSWER["tracks"]}),
        ("tracks", 0, {"requiresImmediateRenegotiation": True}),
        ("item", 1, ANSWER | {"tracks": [{"mid": "0"}]}),
        ("item", 2, ANSWER),
        ("sessionDescription", 0, ANSWER),
    ],
)
def test_an_answer_lacks_what_shall_be_left_out(field, item, left):
    assert without(ANSWER, field, item) == left


def test_operations_are_those_that_are_served():
    assert next(a for a in attrs.fields(Fault) if a.name == "operation").validator.known == tuple(ROUTES)


def test_every_effect_is_at_hand_where_faults_are():
    assert {effect.__name__ for effect in EFFECTS.values()} <= set(public.__all__)
    assert all(hasattr(public, name) for name in public.__all__)
