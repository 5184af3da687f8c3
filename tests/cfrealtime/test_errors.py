"""Errors say what happened, to what and what to do, and give nothing away."""

from __future__ import annotations

import copy
import inspect
import pickle
import re

import pytest

from cfrealtime import errors
from cfrealtime.models import TrackResult, TracksResult

CLASSES = {name: getattr(errors, name) for name in errors.__all__}
API_ERRORS = [cls for cls in CLASSES.values() if issubclass(cls, errors.ApiError)]


def test_the_docstring_draws_the_whole_tree():
    drawn = re.findall(r"^ {4}[│ ]*[├└]── (\w+)", errors.__doc__, re.MULTILINE)
    assert {*drawn, "RealtimeError"} == CLASSES.keys()


def test_everything_has_one_root():
    assert all(issubclass(cls, errors.RealtimeError) for cls in CLASSES.values())
    assert issubclass(errors.InvalidRequestError, ValueError)


@pytest.mark.parametrize("cls", API_ERRORS)
def test_a_refusal_names_operation_session_status_code_trace_and_a_way_out(cls):
    error = cls(
        status=418,
        operation="new_tracks",
        code="some_code",
        session_id="s1",
        description="provider prose",
        cf_ray="8f00-AMS",
    )
    for part in ("new_tracks", "session s1", "418", "some_code", "8f00-AMS", cls.advice):
        assert part in str(error)
    assert "provider prose" not in repr(error) + str(error)
    assert error.description == "provider prose"


def test_every_refusal_has_its_own_advice():
    assert len({cls.advice for cls in API_ERRORS}) == len(API_ERRORS)


def test_a_code_that_is_prose_is_kept_but_not_shown():
    error = errors.ApiError(status=500, operation="get_session", code="it broke at 10.0.0.1")
    assert error.code == "it broke at 10.0.0.1"
    assert "10.0.0.1" not in str(error)


@pytest.mark.parametrize(
    ("operation", "advice"),
    [
        ("new_session", "Make another session"),
        ("new_tracks", "Do not send it again"),
        ("renegotiate", "Do not send the answer again"),
        ("update_tracks", "get_state"),
        ("close_tracks", "Repeat a forced close"),
        ("get_session", "ask again"),
    ],
)
def test_an_unknown_outcome_says_what_is_safe_for_its_operation(operation, advice):
    assert advice in str(errors.OutcomeUnknownError("no answer", operation=operation, session_id="s1"))


def test_errors_survive_copies_and_pickles_with_all_they_carry():
    error = errors.SessionGoneError(status=410, operation="new_tracks", code="session_error")
    error.partial = TracksResult((TrackResult(mid="0"),))
    for other in (copy.copy(error), pickle.loads(pickle.dumps(error))):
        assert type(other) is errors.SessionGoneError
        assert str(other) == str(error)
        assert (other.status, other.code, other.partial) == (410, "session_error", error.partial)


def test_every_public_class_is_exported():
    defined = {
        name for name, value in vars(errors).items() if inspect.isclass(value) and name.endswith("Error")
    }
    assert defined == CLASSES.keys()
