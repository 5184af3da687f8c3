"""Every operation, in both colours, whatever status and body come back: a value or a typed error."""

from __future__ import annotations

import json

import httpx
import pytest

from cfrealtime import (
    ApiError,
    AuthenticationError,
    BadRequestError,
    NotAcceptableError,
    NotConnectedError,
    NotFoundError,
    NotSentError,
    OutcomeUnknownError,
    RateLimitError,
    RealtimeError,
    ServerError,
    SessionGoneError,
    UnexpectedAnswerError,
)
from tests.cfrealtime.colours import COLOURS, run
from tests.cfrealtime.operations import CASES

pytestmark = [
    pytest.mark.parametrize("colour", COLOURS),
    pytest.mark.parametrize("case", CASES, ids=str),
]
RAY = "8f2b1c-AMS"
BODIES = {
    "empty": b"",
    "html": b"<html><h1>Error 1101</h1> secret-prose</html>",
    "cut off": b'{"tracks": [{"mid": "0"',
    "a list": b"[]",
    "null": b"null",
    "a number": b"7",
    "not utf-8": b'{"errorCode": "\xff"}',
    "another code": b'{"errorCode": 7, "errorDescription": ["secret-prose"]}',
    "nulls": b'{"errorCode": null, "tracks": null, "dataChannels": null, "sessionDescription": null}',
    "deep": b'{"a":' * 3000 + b"1" + b"}" * 3000,
}
REFUSALS = {
    400: BadRequestError,
    401: AuthenticationError,
    403: AuthenticationError,
    404: NotFoundError,
    405: ApiError,
    406: NotAcceptableError,
    409: ApiError,
    410: SessionGoneError,
    413: BadRequestError,
    418: ApiError,
    425: NotConnectedError,
    429: RateLimitError,
}
EDGE = [500, 502, 503, 504, 520, 521, 522, 523, 524, 525, 526, 527, 530, 599]


@pytest.fixture
def service(respx_mock, case):
    return respx_mock.request(case.method, case.url)


def call(case, colour):
    """The error that a call ends with, when nothing is sent twice."""
    with pytest.raises(RealtimeError) as caught:
        run(colour, case.call, max_retries=0)
    error = caught.value
    assert error.operation == case.operation
    assert error.attempts == 1
    assert "secret-prose" not in str(error) + repr(error)
    return error


def test_an_answer_is_a_value(case, colour, service):
    content = b"" if case.answer is None else json.dumps(case.answer).encode()
    service.respond(case.status, content=content)
    value = run(colour, case.call)
    assert service.call_count == 1
    assert (value is None) == (case.name in {"renegotiate", "revoke"})


def test_an_answer_may_hold_more_than_we_know(case, colour, service):
    if case.answer is None:
        return
    known = {
        key: [item | {"new": {"deep": 1}} for item in value] if isinstance(value, list) else value
        for key, value in case.answer.items()
    }
    service.respond(case.status, json=known | {"new": [1, None]})
    run(colour, case.call)


@pytest.mark.parametrize("status", REFUSALS)
def test_a_refusal_has_the_class_of_its_status(case, colour, service, status):
    headers = {"cf-ray": RAY, "retry-after": "7"}
    service.respond(
        status, json={"errorCode": "new_code", "errorDescription": "secret-prose"}, headers=headers
    )
    error = call(case, colour)
    assert type(error) is REFUSALS[status]
    assert (error.status, error.code, error.cf_ray, error.retry_after) == (status, "new_code", RAY, 7.0)
    assert error.description == "secret-prose"


@pytest.mark.parametrize("body", BODIES)
@pytest.mark.parametrize("status", [302, 400, 404, 429])
def test_a_refusal_without_a_code_is_still_one(case, colour, service, status, body):
    service.respond(status, content=BODIES[body])
    error = call(case, colour)
    assert type(error) is REFUSALS.get(status, ApiError)
    assert (error.status, error.code) == (status, None)


@pytest.mark.parametrize("status", EDGE)
def test_an_edge_server_s_error_leaves_a_mutation_uncertain(case, colour, service, status):
    service.respond(status, content=BODIES["html"], headers={"cf-ray": RAY})
    error = call(case, colour)
    assert type(error) is (ServerError if case.read else OutcomeUnknownError)
    assert (error.status, error.cf_ray) == (status, RAY)


@pytest.mark.parametrize("status", [500, 503])
def test_the_service_s_own_failure_says_so(case, colour, service, status):
    service.respond(status, json={"errorCode": "internal_error"})
    assert type(call(case, colour)) is ServerError


@pytest.mark.parametrize("body", BODIES)
def test_an_answer_that_cannot_be_read_is_no_success(case, colour, service, body):
    service.respond(201 if case.status == 204 else case.status, content=BODIES[body])
    if case.name in {"get_state", "renegotiate", "revoke"} and body in {"nulls", "another code"}:
        # These answers need hold nothing.
        run(colour, case.call)
        return
    error = call(case, colour)
    assert type(error) is (UnexpectedAnswerError if case.read else OutcomeUnknownError)


def test_a_code_under_200_is_a_refusal(case, colour, service):
    service.respond(200, json={"errorCode": "invalid_params", "errorDescription": "secret-prose"})
    assert type(call(case, colour)) is BadRequestError


@pytest.mark.parametrize(
    "broken", [httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError]
)
def test_without_a_connection_nothing_was_sent(case, colour, service, broken):
    service.mock(side_effect=broken)
    assert type(call(case, colour)) is NotSentError


@pytest.mark.parametrize(
    "broken", [httpx.ReadTimeout, httpx.WriteError, httpx.ReadError, httpx.RemoteProtocolError]
)
def test_a_break_after_sending_is_uncertain(case, colour, service, broken):
    service.mock(side_effect=broken("secret-prose"))
    assert type(call(case, colour)) is OutcomeUnknownError
