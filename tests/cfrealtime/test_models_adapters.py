"""Values of adapters and of TURN keep the generated types' fields and answer what callers ask."""

from __future__ import annotations

import copy
import pickle

import pytest

from cfrealtime.errors import ItemsFailedError
from cfrealtime.models import (
    AdapterResult,
    AdaptersResult,
    CloseAdapterItem,
    CloseAdaptersResult,
    EgressAdapter,
    IceServer,
    IceServers,
    IngestAdapter,
    ItemError,
)
from tests.cfrealtime import generated
from tests.cfrealtime.twins import FLAT_ERROR, generated_names, wire_names

MADE = AdapterResult(track_name="speech", adapter_id="a")
REFUSED = AdapterResult(track_name="camera", error=ItemError("websocket_handshake_failed"))


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (AdapterResult, generated.AdapterResult),
        (CloseAdapterItem, generated.CloseAdapterResult),
        (IceServer, generated.IceServer),
        (IceServers, generated.GenerateIceServersResponse),
    ],
)
def test_a_value_has_the_fields_of_its_generated_twin(ours, theirs):
    assert wire_names(ours) == generated_names(theirs)


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (AdaptersResult, generated.NewAdaptersResponse),
        (CloseAdaptersResult, generated.CloseAdaptersResponse),
    ],
)
def test_an_answer_has_the_fields_of_its_generated_twin_but_the_error(ours, theirs):
    # The error of a whole answer is raised and so no part of its value.
    assert wire_names(ours) | FLAT_ERROR == generated_names(theirs)


def test_both_kinds_of_adapter_together_name_all_that_an_adapter_request_can_say():
    fixed = {"location", "inputCodec"}
    both = wire_names(IngestAdapter) | wire_names(EgressAdapter)
    assert both | fixed == generated_names(generated.AdapterRequest)


def test_adapters_are_sorted_by_outcome_and_found_by_track_name():
    result = AdaptersResult((MADE, REFUSED, AdapterResult()))
    assert result.ok == (MADE, AdapterResult())
    assert result.failed == (REFUSED,)
    assert result.by_track_name == {"speech": MADE, "camera": REFUSED}


def test_what_was_closed_before_counts_as_closed():
    now, before, open_still = (
        CloseAdapterItem("a", 83492),
        CloseAdapterItem("b", error=ItemError("adapter_not_found")),
        CloseAdapterItem("c", error=ItemError("internal_error")),
    )
    result = CloseAdaptersResult((now, before, open_still, CloseAdapterItem()))
    assert result.closed_ids == {"a", "b"}
    assert result.failed == (open_still,)


def test_failed_items_are_raised_together_with_the_successes():
    result = AdaptersResult((MADE, REFUSED))
    with pytest.raises(ItemsFailedError) as caught:
        result.raise_for_items()
    assert caught.value.result is result
    assert AdaptersResult((MADE,)).raise_for_items().adapters == (MADE,)


@pytest.mark.parametrize(
    "value",
    [
        IngestAdapter("speech", "wss://bot.example"),
        EgressAdapter("pub", "camera", "wss://bot.example", "jpeg"),
        AdaptersResult((MADE, REFUSED), extra={"new": 1}),
        CloseAdaptersResult((CloseAdapterItem("a", 1, extra={"new": 1}),)),
        IceServers((IceServer(("stun:a.example",), "half", "other-half", extra={"new": 1}),)),
    ],
    ids=lambda value: type(value).__name__,
)
def test_values_can_be_hashed_copied_and_pickled(value):
    assert copy.deepcopy(value) == value
    assert pickle.loads(pickle.dumps(value)) == value
    assert hash(value) == hash(copy.deepcopy(value))
