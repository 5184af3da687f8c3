"""Data channel values keep the generated types' fields, show no SDP, and answer the questions callers ask."""

from __future__ import annotations

import copy
import pickle

import attrs
import pytest

from cfrealtime.errors import ItemsFailedError
from cfrealtime.models import (
    CloseDataChannelItem,
    CloseDataChannelsResult,
    DataChannelResult,
    DataChannelsResult,
    EstablishResult,
    ItemError,
    LocalDataChannel,
    MaxLifetime,
    MaxRetransmits,
    Reliable,
    RemoteDataChannel,
    SessionDescription,
)
from tests.cfrealtime import generated
from tests.cfrealtime.twins import FLAT_ERROR, generated_names, wire_names


def test_a_result_has_the_fields_of_its_generated_twin():
    assert wire_names(DataChannelResult) == generated_names(generated.DataChannelResult)
    assert wire_names(DataChannelResult) == generated_names(generated.EstablishedDataChannel) | FLAT_ERROR
    assert wire_names(CloseDataChannelItem) <= generated_names(generated.DataChannelResult)


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (DataChannelsResult, generated.DataChannelsResponse),
        (CloseDataChannelsResult, generated.DataChannelsResponse),
        (EstablishResult, generated.EstablishDataChannelsResponse),
    ],
)
def test_an_answer_has_the_fields_of_its_generated_twin_but_the_error(ours, theirs):
    # The error of a whole answer is raised and so no part of its value.
    assert wire_names(ours) | FLAT_ERROR == generated_names(theirs)


def test_channels_and_deliveries_together_name_all_that_a_request_can_say():
    ours = [LocalDataChannel, RemoteDataChannel, Reliable, MaxRetransmits, MaxLifetime]
    said = set().union(*map(wire_names, ours)) - {"delivery"}
    # The id is for closes, which take it bare.
    assert said | {"location", "id"} == generated_names(generated.DataChannelRequest)


def test_a_delivery_has_at_most_one_bound():
    bounds = {"maxRetransmits", "maxPacketLifeTime"}
    assert [wire_names(kind) & bounds for kind in (Reliable, MaxRetransmits, MaxLifetime)] == [
        set(),
        {"maxRetransmits"},
        {"maxPacketLifeTime"},
    ]


def test_channels_are_reliable_and_ordered_unless_said_otherwise():
    assert LocalDataChannel("chat").delivery == Reliable(ordered=True)
    assert RemoteDataChannel("p", "chat") == RemoteDataChannel("p", "chat", Reliable(), can_reply=None)


def test_what_only_a_subscriber_may_ask_for_cannot_be_written_on_a_local_channel():
    assert {attribute.name for attribute in attrs.fields(LocalDataChannel)} == {"name", "delivery"}


def test_results_are_sorted_by_outcome_and_found_by_name():
    good = DataChannelResult(name="chat", id=1)
    bad = DataChannelResult(name="moves", error=ItemError("repeated_local_track_error"))
    nameless = DataChannelResult(id=2)
    result = DataChannelsResult((good, bad, nameless))
    assert result.ok == (good, nameless)
    assert result.failed == (bad,)
    assert result.by_name == {"chat": good, "moves": bad}


def test_what_was_closed_before_counts_as_closed_and_id_0_is_an_id():
    now, before, open_still, nameless = (
        CloseDataChannelItem(0),
        CloseDataChannelItem(1, ItemError("close_track_error")),
        CloseDataChannelItem(2, ItemError("internal_error")),
        CloseDataChannelItem(),
    )
    result = CloseDataChannelsResult((now, before, open_still, nameless))
    assert result.closed_ids == {0, 1}
    assert result.failed == (open_still,)


@pytest.mark.parametrize(
    ("failed", "whole"),
    [
        (DataChannelsResult((DataChannelResult(error=ItemError("backend_error")),)), DataChannelsResult(())),
        (EstablishResult(DataChannelResult(error=ItemError("backend_error"))), EstablishResult()),
        (
            CloseDataChannelsResult((CloseDataChannelItem(1, ItemError("backend_error")),)),
            CloseDataChannelsResult((CloseDataChannelItem(1, ItemError("close_track_error")),)),
        ),
    ],
    ids=["channels", "establish", "close"],
)
def test_one_error_can_be_raised_for_the_items_and_holds_the_result(failed, whole):
    with pytest.raises(ItemsFailedError, match="backend_error") as caught:
        failed.raise_for_items()
    assert caught.value.result is failed
    assert whole.raise_for_items() is whole


def test_no_repr_shows_sdp_or_the_services_own_words():
    failed = DataChannelResult(name="chat", error=ItemError("backend_error", "prose of the provider"))
    result = EstablishResult(failed, SessionDescription.offer("v=0 secret"), extra={"note": "kept quietly"})
    shown = repr(result) + repr(DataChannelsResult((failed,)))
    assert "backend_error" in shown
    assert not any(word in shown for word in ("secret", "prose", "quietly"))


@pytest.mark.parametrize(
    "value",
    [
        LocalDataChannel("chat", MaxLifetime(250)),
        RemoteDataChannel("p", "chat", MaxRetransmits(0, ordered=False), can_reply=True),
        EstablishResult(DataChannelResult(id=0), SessionDescription.answer("v=0"), extra={"new": 1}),
        CloseDataChannelsResult((CloseDataChannelItem(3),)),
    ],
    ids=lambda value: type(value).__name__,
)
def test_values_can_be_hashed_copied_and_pickled_but_not_changed(value):
    assert copy.deepcopy(value) == value
    assert pickle.loads(pickle.dumps(value)) == value
    assert hash(value) == hash(copy.deepcopy(value))
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        setattr(value, attrs.fields(type(value))[0].name, None)
