"""Models keep the generated types' fields, show no SDP, and answer the questions callers ask."""

from __future__ import annotations

import copy
import pickle

import attrs
import pytest

from cfrealtime import (
    CloseItem,
    CloseResult,
    DataChannelState,
    ItemError,
    LocalTrack,
    RemoteTrack,
    SessionDescription,
    SessionState,
    Simulcast,
    TrackResult,
    TracksResult,
    TrackState,
)
from cfrealtime.models.shared import wire_name
from tests.cfrealtime import generated

FLAT_ERROR = {"errorCode", "errorDescription"}
MIRRORED = [
    (SessionDescription, generated.SessionDescription),
    (Simulcast, generated.Simulcast),
    (TrackResult, generated.TrackResult),
    (TrackState, generated.TrackState),
    (CloseItem, generated.CloseTrackResult),
    (DataChannelState, generated.DataChannelState),
]
ANSWERS = [
    (TracksResult, generated.TracksResponse),
    (CloseResult, generated.CloseTracksResponse),
    (SessionState, generated.SessionStateResponse),
]


def wire_names(model):
    names = {wire_name(attribute) for attribute in attrs.fields(model)} - {"extra"}
    return (names - {"error"}) | FLAT_ERROR if "error" in names else names


def generated_names(model):
    """The names of a generated model, as camelCase: it declares them in snake_case."""

    def camel(name):
        head, *rest = name.rstrip("_").split("_")
        return head + "".join(part.capitalize() for part in rest)

    return {camel(attribute.name) for attribute in attrs.fields(model)} - {"additionalProperties"}


@pytest.mark.parametrize(("ours", "theirs"), MIRRORED)
def test_a_value_has_the_fields_of_its_generated_twin(ours, theirs):
    assert wire_names(ours) == generated_names(theirs)


@pytest.mark.parametrize(("ours", "theirs"), ANSWERS)
def test_an_answer_has_the_fields_of_its_generated_twin_but_the_error(ours, theirs):
    # The error of a whole answer is raised and so no part of its value.
    assert wire_names(ours) | FLAT_ERROR == generated_names(theirs)


def test_both_kinds_of_track_together_name_all_that_a_track_request_can_say():
    assert wire_names(LocalTrack) | wire_names(RemoteTrack) | {"location"} == generated_names(
        generated.TrackRequest
    )


def test_no_repr_shows_sdp_or_the_services_own_words():
    sdp = SessionDescription.offer("v=0 ice-pwd:secret")
    failed = TrackResult(mid="1", error=ItemError("backend_error", "prose of the provider"))
    shown = repr(TracksResult((failed,), sdp, extra={"note": "kept quietly"}))
    assert "backend_error" in shown
    assert not any(word in shown for word in ("secret", "prose", "quietly"))


def test_prose_in_the_place_of_a_code_is_not_shown():
    assert "went wrong" not in repr(ItemError("something went wrong at 10.0.0.1"))


def test_results_are_sorted_by_outcome_and_found_by_mid():
    good, bad = TrackResult(mid="0"), TrackResult(error=ItemError("empty_track_error"))
    result = TracksResult((good, bad))
    assert result.ok == (good,)
    assert result.failed == (bad,)
    assert result.by_mid == {"0": good}


@pytest.mark.parametrize(
    ("code", "retryable", "satisfies_close"),
    [
        ("retryable_transient_error", True, False),
        ("not_found_track_error", True, False),
        ("empty_track_error", True, False),
        ("temporarily_unavailable_error", False, False),
        ("close_track_error", False, True),
        ("adapter_not_found", False, True),
        ("a_code_of_tomorrow", False, False),
    ],
)
def test_an_item_error_says_what_it_asks_for(code, retryable, satisfies_close):
    error = ItemError(code)
    assert (error.retryable, error.satisfies_close) == (retryable, satisfies_close)


def test_what_was_closed_before_counts_as_closed():
    now, before, open_still = (
        CloseItem("0"),
        CloseItem("1", ItemError("close_track_error")),
        CloseItem("2", ItemError("internal_error")),
    )
    result = CloseResult((now, before, open_still))
    assert result.closed_mids == {"0", "1"}
    assert result.failed == (open_still,)


def test_values_can_be_hashed_copied_and_pickled():
    value = TracksResult((TrackResult(mid="0", extra={"new": 1}),), SessionDescription.answer("v=0"))
    assert copy.deepcopy(value) == value
    assert pickle.loads(pickle.dumps(value)) == value
    assert hash(value) == hash(copy.deepcopy(value))


def test_values_cannot_be_changed():
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        LocalTrack("0", "microphone").mid = "1"
