"""Every engine reads the same answers alike, and sends the same requests."""

from __future__ import annotations

import gzip
import json
import zlib
from functools import cache

import pytest

from cfrealtime import (
    ApiError,
    AuthenticationError,
    NotFoundError,
    OutcomeUnknownError,
    RateLimitError,
    ServerError,
    TracksResult,
    UnexpectedAnswerError,
)
from cfrealtime._core.received import BODY_LIMIT
from tests.cfrealtime.engines import (
    EVERY,
    OURS,
    PUBLISHED,
    TRACKS,
    force_close,
    get_state,
    new_session,
    publish,
    talk,
)
from tests.cfrealtime.raw_server import Server, answer_of

every_engine = pytest.mark.parametrize("engine", EVERY, ids=str)
HTML = b"<html><h1>provider prose</h1></html>"
OK = answer_of(PUBLISHED)


def answered(engine, answer, *calls, **options):
    """What came of calls that are all answered with the same bytes, and the server's requests."""
    with Server(lambda peer, _: peer.send(answer)) as server:
        return talk(engine, server.base, *calls, **options), server.requests


def head(request):
    """A request's head without what httpx adds to a client of the caller's own."""
    lines = [(name.lower(), value) for name, value in request.headers]
    return request.line, sorted(line for line in lines if line != ("connection", "keep-alive"))


@every_engine
def test_every_engine_sends_the_same(engine):
    calls = (publish, force_close, get_state, new_session)
    _, ours = answered(OURS[0], OK, *calls)
    _, theirs = answered(engine, OK, *calls)
    for mine, other in zip(ours, theirs, strict=True):
        (line, lines), (other_line, other_lines) = head(mine), head(other)
        assert (other_line, other.body) == (line, mine.body)
        assert [each for each in other_lines if each[0] != "host"] == [
            each for each in lines if each[0] != "host"
        ]


@pytest.mark.parametrize("engine", OURS, ids=str)
def test_a_request_says_what_it_must_and_no_more(engine):
    _, (posted, asked, made) = answered(engine, OK, publish, get_state, new_session)
    assert posted.line == "POST /v1/apps/app/sessions/s1/tracks/new HTTP/1.1"
    assert made.line.split()[1] == "/v1/apps/app/sessions/new?correlationId=visit+7+%26+8"
    names = ["host", "accept", "accept-encoding", "user-agent", "authorization"]
    assert sorted(name.lower() for name, _ in posted.headers) == sorted(
        [*names, "content-type", "content-length"]
    )
    assert sorted(name.lower() for name, _ in asked.headers) == sorted(names)
    assert sorted(name.lower() for name, _ in made.headers) == sorted([*names, "content-length"])
    assert (made.header("content-length"), posted.header("authorization")) == ("0", "Bearer hunter2")


REFUSALS = [
    (b"401 Unauthorized", b'{"errorCode": "unauthorized"}', AuthenticationError, AuthenticationError),
    (b"404 Not Found", HTML, NotFoundError, NotFoundError),
    (b"429 Slow", b"", RateLimitError, RateLimitError),
    (b"418 Teapot", b'["garbage"', ApiError, ApiError),
    (b"500 Error", b'{"errorCode": "internal_error"}', ServerError, ServerError),
    (b"500 Error", HTML, OutcomeUnknownError, ServerError),
    (b"502 Bad Gateway", b"", OutcomeUnknownError, ServerError),
    (b"520 Unknown", HTML, OutcomeUnknownError, ServerError),
    (b"522 Timed Out", HTML, OutcomeUnknownError, ServerError),
    (b"526 Bad Certificate", b"\xff\xfe\x00", OutcomeUnknownError, ServerError),
    (b"200 OK", HTML, OutcomeUnknownError, UnexpectedAnswerError),
    (b"200 OK", b"", OutcomeUnknownError, UnexpectedAnswerError),
    (b"200 OK", b"\x00\xff", OutcomeUnknownError, UnexpectedAnswerError),
]


@every_engine
def test_refusals_and_error_pages(engine):
    answers = [
        answer_of(body, status, b"CF-Ray: 8f-AMS", b"Retry-After: 2")
        for status, body, *_ in REFUSALS
        for _ in (publish, get_state)
    ]
    with Server(lambda peer, _: peer.send(answers[peer.count - 1])) as server:
        outcomes = talk(engine, server.base, *[publish, get_state] * len(REFUSALS))
    assert [type(outcome) for outcome in outcomes] == [
        kind for *_, posted, asked in REFUSALS for kind in (posted, asked)
    ]
    assert [outcome.status for outcome in outcomes[::2]] == [int(status[:3]) for status, *_ in REFUSALS]
    assert {outcome.cf_ray for outcome in outcomes} == {"8f-AMS"}
    assert "prose" not in "".join(map(str, outcomes))


CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n%x\r\n%s\r\n0\r\n\r\n"
FORMS = {
    "gzip": answer_of(gzip.compress(PUBLISHED), b"200 OK", b"Content-Encoding: gzip"),
    "deflate": answer_of(zlib.compress(PUBLISHED), b"200 OK", b"Content-Encoding: deflate"),
    "chunked": CHUNKED % (5, PUBLISHED[:5], len(PUBLISHED) - 5, PUBLISHED[5:]),
    "after early hints": b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" + OK,
    "long headers": answer_of(PUBLISHED, b"200 OK", b"Report-To: " + b"x" * 20_000),
}


@every_engine
def test_every_form_of_an_answer_is_read(engine):
    with Server(lambda peer, _: peer.send(list(FORMS.values())[peer.count - 1])) as server:
        outcomes = talk(engine, server.base, *[publish] * len(FORMS))
    assert [type(outcome) for outcome in outcomes] == [TracksResult] * len(FORMS)
    assert {outcome.tracks[0].mid for outcome in outcomes} == {"0"}
    assert server.connections == 1


@every_engine
def test_an_answer_can_end_with_its_connection(engine):
    def answer(peer, _):
        peer.send(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + PUBLISHED)
        peer.hang_up()

    with Server(answer) as server:
        outcomes = talk(engine, server.base, publish, publish)
    assert [type(outcome) for outcome in outcomes] == [TracksResult, TracksResult]


@every_engine
def test_an_answer_can_come_byte_by_byte(engine):
    with Server(lambda peer, _: peer.trickle(OK, pause=0.0005)) as server:
        (outcome,) = talk(engine, server.base, publish)
    assert isinstance(outcome, TracksResult)


@every_engine
def test_a_body_is_read_up_to_a_bound(engine):
    sent = 0

    def answer(peer, _):
        nonlocal sent
        peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n")
        while peer.send(b" " * 2**18):
            sent += 2**18

    with Server(answer) as server:
        (outcome,) = talk(engine, server.base, publish)
    assert isinstance(outcome, OutcomeUnknownError)
    assert "not a JSON object" in str(outcome)
    # What the sockets hold comes on top.
    assert BODY_LIMIT <= sent < 3 * BODY_LIMIT


@cache
def bomb():
    packed = gzip.compress(b" " * (2 * BODY_LIMIT) + PUBLISHED)
    return answer_of(packed, b"200 OK", b"Content-Encoding: gzip")


@every_engine
def test_a_body_that_unpacks_to_very_much_is_no_answer(engine):
    (outcome,), _ = answered(engine, bomb(), publish)
    assert isinstance(outcome, OutcomeUnknownError)


@every_engine
def test_a_redirect_is_not_followed(engine):
    with Server(lambda peer, _: peer.send(OK)) as elsewhere:
        location = f"Location: {elsewhere.base}/".encode()
        for status in (b"301 Moved", b"302 Found", b"303 See Other", b"307 Temporary", b"308 Permanent"):
            outcomes, requests = answered(engine, answer_of(b"", status, location), publish, get_state)
            assert [outcome.status for outcome in outcomes] == [int(status[:3])] * 2
            assert len(requests) == 2
        assert elsewhere.connections == 0


@pytest.mark.parametrize("engine", [each for each in EVERY if "http_client" not in each.given], ids=str)
def test_cookies_are_not_kept(engine):
    answer = answer_of(PUBLISHED, b"200 OK", b"Set-Cookie: __cf_bm=1; path=/")
    _, requests = answered(engine, answer, publish, publish)
    assert [request.header("cookie") for request in requests] == [None, None]


@every_engine
def test_a_large_request_is_sent_whole(engine):
    sdp = "v=0\r\n" + "a=x\r\n" * 500_000
    (outcome,), (request,) = answered(engine, OK, lambda client: client.session("s1").publish(sdp, TRACKS))
    assert isinstance(outcome, TracksResult)
    assert json.loads(request.body)["sessionDescription"]["sdp"] == sdp
