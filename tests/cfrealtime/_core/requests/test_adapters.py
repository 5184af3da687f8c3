"""Adapter requests have the published form, endpoints stay unseen, and answers become values."""

from __future__ import annotations

import json

import pytest

from cfrealtime._core.exchange import Safety, UnreadableError
from cfrealtime._core.requests import adapters
from cfrealtime.errors import InvalidRequestError
from cfrealtime.models import (
    AdapterResult,
    AdaptersResult,
    CloseAdapterItem,
    CloseAdaptersResult,
    EgressAdapter,
    IngestAdapter,
    ItemError,
)

SECRET = "t0ken"
ENDPOINT = f"wss://bot.example/in?token={SECRET}"
INGEST = IngestAdapter("speech", ENDPOINT)
EGRESS = EgressAdapter("pub", "camera", ENDPOINT, "jpeg")


def body(request):
    return json.loads(request.body)


def create(*given):
    return adapters.create("app", given)


def read_created(*items):
    return create(INGEST).requests[0].read({"tracks": list(items)})


def read_closed(*items):
    return adapters.close("app", ["a"]).requests[0].read({"tracks": list(items)})


def test_what_is_created_names_its_direction_and_its_codec():
    (request,) = create(INGEST, EGRESS).requests
    assert (request.method, request.path) == ("POST", "/apps/app/adapters/websocket/new")
    assert body(request) == {
        "tracks": [
            {"location": "local", "trackName": "speech", "endpoint": ENDPOINT, "inputCodec": "pcm"},
            {
                "location": "remote",
                "sessionId": "pub",
                "trackName": "camera",
                "endpoint": ENDPOINT,
                "outputCodec": "jpeg",
            },
        ]
    }


def test_a_close_names_the_adapters():
    (request,) = adapters.close("app", ["a", "b"]).requests
    assert (request.method, request.path) == ("POST", "/apps/app/adapters/websocket/close")
    assert body(request) == {"tracks": [{"adapterId": "a"}, {"adapterId": "b"}]}


def test_only_a_close_may_be_repeated_after_an_unknown_outcome():
    (made,), (closed,) = create(INGEST).requests, adapters.close("app", ["a"]).requests
    assert (made.operation, made.safety) == ("new_websocket_adapters", Safety.ONCE)
    assert (closed.operation, closed.safety) == ("close_websocket_adapters", Safety.IDEMPOTENT)


def test_a_503_that_lists_items_is_an_answer_to_both():
    (made,), (closed,) = create(INGEST).requests, adapters.close("app", ["a"]).requests
    assert made.answers_with == closed.answers_with == {503}


def test_both_go_four_at_a_time_and_keep_their_order():
    made = create(*(IngestAdapter(str(n), ENDPOINT) for n in range(9))).requests
    closed = adapters.close("app", map(str, range(5))).requests
    assert [len(body(request)["tracks"]) for request in made] == [4, 4, 1]
    assert body(made[1])["tracks"][0]["trackName"] == "4"
    assert [body(request)["tracks"] for request in closed][1] == [{"adapterId": "4"}]


def test_the_results_of_all_parts_are_one_result():
    made = create(INGEST, EGRESS)
    first, second = AdapterResult(adapter_id="a"), AdapterResult(error=ItemError("backend_error"))
    total = made.total([AdaptersResult((first,), extra={"x": 1}), AdaptersResult((second,), extra={"y": 2})])
    assert total.adapters == (first, second)
    assert total.extra == {"x": 1, "y": 2}


def test_the_closes_of_all_parts_are_one_result():
    first, second = CloseAdapterItem("a"), CloseAdapterItem("b")
    closing = adapters.close("app", ["a", "b"])
    total = closing.total([CloseAdaptersResult((first,)), CloseAdaptersResult((second,), extra={"y": 2})])
    assert total.items == (first, second)
    assert total.extra == {"y": 2}


@pytest.mark.parametrize(
    "endpoint",
    [
        "ws://10.0.0.7:8080",
        "wss://bot.example",
        "wss://bot.example:8443/a/b?token=a%20b&c=d",
        "wss://[2001:db8::1]:9000/x",
        "wss://user:password@bot.example/",
        "ws://localhost:9000/",
    ],
)
def test_addresses_of_websocket_servers_are_sent_as_they_are(endpoint):
    (request,) = create(IngestAdapter("speech", endpoint)).requests
    assert body(request)["tracks"][0]["endpoint"] == endpoint


@pytest.mark.parametrize(
    "endpoint",
    [
        "",
        None,
        f"https://bot.example/{SECRET}",
        f"WSS://bot.example/{SECRET}",
        f"bot.example/{SECRET}",
        "wss://",
        f"wss:///{SECRET}",
        f"wss://?{SECRET}",
        f"wss://{SECRET}@",
        f"wss://bot.example:port/{SECRET}",
        f"wss://bot.example/{SECRET}#fragment",
        f"wss://bot.example/ {SECRET}",
        f"wss://bot.example/{SECRET}\r\n",
        f"wss://bot.exämple/{SECRET}",
        f"wss://[2001:db8::1/{SECRET}",
        f" wss://bot.example/{SECRET}",
    ],
)
def test_anything_else_is_refused_without_being_repeated(endpoint):
    with pytest.raises(InvalidRequestError) as caught:
        create(IngestAdapter("speech", endpoint))
    assert str(caught.value).startswith("adapters.create was not sent: endpoint must be")
    assert SECRET not in str(caught.value)
    assert caught.value.__context__ is None


REFUSED = {
    "no adapters": create,
    "an adapter of another kind": lambda: create(AdapterResult()),
    "an ingest without a name": lambda: create(IngestAdapter("", ENDPOINT)),
    "an egress without a publisher": lambda: create(EgressAdapter("", "camera", ENDPOINT, "pcm")),
    "an egress without a name": lambda: create(EgressAdapter("pub", "", ENDPOINT, "pcm")),
    "an unknown codec": lambda: create(EgressAdapter("pub", "camera", ENDPOINT, "opus")),
    "nothing to close": lambda: adapters.close("app", []),
    "one string of ids": lambda: adapters.close("app", "ab"),
    "an empty id": lambda: adapters.close("app", ["a", ""]),
    "an id that is none": lambda: adapters.close("app", [None]),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_makes_no_request_is_refused(case):
    with pytest.raises(InvalidRequestError, match=r"^adapters\.(create|close) was not sent: ") as caught:
        REFUSED[case]()
    assert caught.value.__context__ is None


def test_a_bad_adapter_among_good_ones_is_found_before_anything_is_made():
    with pytest.raises(InvalidRequestError):
        create(*[INGEST] * 8, IngestAdapter("", ENDPOINT))


def test_no_repr_shows_more_of_an_endpoint_than_scheme_and_host():
    (request,) = create(INGEST).requests
    result = read_created({"adapterId": "a", "endpoint": ENDPOINT})
    assert "endpoint=wss://bot.example/…" in repr(INGEST)
    for value in (INGEST, EGRESS, request, result):
        assert SECRET not in repr(value)


@pytest.mark.parametrize(
    ("endpoint", "shown"),
    [
        ("wss://user:password@bot.example:8443", "wss://bot.example:8443"),
        ("ws://[::1]:9/t0ken", "ws://[::1]:9/…"),
        ("wss://bot.example?t0ken", "wss://bot.example/…"),
        ("t0ken", "an unprintable endpoint"),
        (None, "an unprintable endpoint"),
    ],
)
def test_what_is_shown_of_an_endpoint(endpoint, shown):
    assert f"endpoint={shown})" in repr(IngestAdapter("speech", endpoint))


def test_an_answer_keeps_every_item_and_what_it_does_not_know():
    result = read_created(
        {"trackName": "speech", "adapterId": "a", "sessionId": "s9", "endpoint": ENDPOINT, "new": 1},
        {"trackName": "camera", "errorCode": "websocket_handshake_failed", "errorDescription": "no"},
    )
    made, refused = result.adapters
    assert made == AdapterResult(session_id="s9", track_name="speech", adapter_id="a", endpoint=ENDPOINT)
    assert made.extra == {"new": 1}
    assert refused.error == ItemError("websocket_handshake_failed", "no")


def test_a_success_without_an_id_is_no_answer_but_keeps_the_others():
    with pytest.raises(UnreadableError, match="adapter ids") as caught:
        read_created({"adapterId": "a"}, {"trackName": "camera"})
    assert [adapter.adapter_id for adapter in caught.value.partial.adapters] == ["a", None]


def test_a_closed_adapter_says_how_much_it_carried_if_the_service_knows():
    result = read_closed({"adapterId": "a", "bytesProcessed": 83492}, {"adapterId": "b"})
    assert [item.bytes_processed for item in result.items] == [83492, None]


@pytest.mark.parametrize("read", [read_created, read_closed])
@pytest.mark.parametrize("item", [None, 7, "adapter", {"adapterId": 7}, {"adapterId": ["a"]}])
def test_items_that_cannot_be_read_make_the_answer_unreadable(read, item):
    with pytest.raises(UnreadableError):
        read(item)


@pytest.mark.parametrize("document", [{}, {"tracks": None}, {"tracks": {}}, {"adapters": []}])
def test_an_answer_that_lists_nothing_is_unreadable(document):
    for batch in (create(INGEST), adapters.close("app", ["a"])):
        with pytest.raises(UnreadableError, match="lists no tracks"):
            batch.requests[0].read(document)
