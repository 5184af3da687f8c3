"""What goes over the wire and what breaks on it, in both colours."""

from __future__ import annotations

import logging
import socket
import threading
import time
from contextlib import contextmanager

import httpx
import pytest

from cfrealtime import (
    AsyncRealtime,
    InvalidRequestError,
    LocalTrack,
    NotSentError,
    OutcomeUnknownError,
    Realtime,
    RemoteTrack,
    ServerError,
    SessionGoneError,
    TracksResult,
)
from cfrealtime._http import BODY_LIMIT
from tests.cfrealtime.colours import BASE, COLOURS, run, run_alone

pytestmark = pytest.mark.parametrize("colour", COLOURS)
TRACKS = [LocalTrack("0", "microphone")]
ANSWERED = {"tracks": [{"mid": "0"}], "sessionDescription": {"type": "answer", "sdp": "v=0"}}


def publish(client):
    return client.session("s1").publish("v=0", TRACKS)


def get_state(client):
    return client.session("s1").get_state()


def test_a_request_carries_the_secret_and_json(colour, respx_mock):
    route = respx_mock.post(f"{BASE}/s1/tracks/new").respond(json=ANSWERED)
    assert isinstance(run(colour, publish), TracksResult)
    headers = route.calls.last.request.headers
    assert headers["authorization"] == "Bearer hunter2"
    assert (headers["content-type"], headers["accept"]) == ("application/json", "application/json")
    assert headers["user-agent"].startswith("cfrealtime/")


def test_a_request_without_body_says_nothing_of_one(colour, respx_mock):
    route = respx_mock.get(f"{BASE}/s1").respond(json={})
    run(colour, get_state)
    assert route.calls.last.request.content == b""
    assert "content-type" not in route.calls.last.request.headers


def test_a_new_session_is_a_handle_of_its_id(colour, respx_mock):
    route = respx_mock.post(f"{BASE}/new", params={"correlationId": "visit 7"}).respond(
        201, json={"sessionId": "s9"}
    )
    assert run(colour, lambda client: client.new_session(correlation_id="visit 7")).id == "s9"
    assert route.called


def test_a_refusal_is_raised_with_its_headers_read(colour, respx_mock):
    respx_mock.post(f"{BASE}/s1/tracks/new").respond(
        410, json={"errorCode": "session_error"}, headers={"CF-Ray": "8f-AMS", "Retry-After": "2"}
    )
    with pytest.raises(SessionGoneError) as caught:
        run(colour, publish)
    assert (caught.value.cf_ray, caught.value.retry_after) == ("8f-AMS", 2.0)


@pytest.mark.parametrize(
    "error", [httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError]
)
def test_without_a_connection_nothing_was_sent(colour, error, respx_mock):
    respx_mock.post(f"{BASE}/s1/tracks/new").mock(side_effect=error)
    with pytest.raises(NotSentError, match="new_tracks on session s1 was not sent"):
        run(colour, publish, max_retries=0)


@pytest.mark.parametrize(
    "error",
    [
        httpx.ReadTimeout,
        httpx.WriteTimeout,
        httpx.ReadError,
        httpx.WriteError,
        httpx.RemoteProtocolError("provider prose"),
        httpx.DecodingError("provider prose"),
        ConnectionResetError("provider prose"),
    ],
    ids=str,
)
def test_a_break_after_sending_is_uncertain_and_quotes_nothing(colour, error, respx_mock):
    respx_mock.post(f"{BASE}/s1/tracks/new").mock(side_effect=error)
    with pytest.raises(OutcomeUnknownError) as caught:
        run(colour, publish)
    assert caught.value.__context__ is None
    assert "prose" not in str(caught.value)


def test_without_retries_nothing_is_sent_twice(colour, respx_mock):
    route = respx_mock.post(f"{BASE}/s1/tracks/new").respond(
        503, json={"errorCode": "retryable_transient_error"}
    )
    with pytest.raises(ServerError, match="retryable_transient_error"):
        run(colour, publish, max_retries=0)
    assert route.call_count == 1


def test_a_redirect_is_not_followed(colour, respx_mock):
    respx_mock.get(f"{BASE}/s1").respond(302, headers={"Location": "https://elsewhere.example/"})
    with pytest.raises(Exception, match="302"):
        run(colour, get_state)


def test_a_closed_client_says_so(colour):
    async def with_async():
        client = AsyncRealtime("app", "hunter2")
        await client.aclose()
        await client.new_session()

    def with_sync():
        client = Realtime("app", "hunter2")
        client.close()
        client.new_session()

    with pytest.raises(InvalidRequestError, match="closed"):
        with_sync() if colour == "sync" else run_alone(with_async())


def test_a_transport_of_ones_own_is_used(colour):
    seen = []

    def handle(request):
        seen.append(str(request.url))
        return httpx.Response(200, json={})

    run(colour, get_state, transport=httpx.MockTransport(handle), base_url="http://sfu.test/v1")
    assert seen == ["http://sfu.test/v1/apps/app/sessions/s1"]


def test_a_split_close_is_one_result(colour, respx_mock):
    sizes = []

    def handle(request):
        import json

        tracks = json.loads(request.content)["tracks"]
        sizes.append(len(tracks))
        return httpx.Response(200, json={"tracks": tracks})

    respx_mock.put(f"{BASE}/s1/tracks/close").mock(side_effect=handle)
    mids = [str(mid) for mid in range(130)]
    result = run(colour, lambda client: client.session("s1").close_tracks(mids, force=True))
    assert sizes == [64, 64, 2]
    assert [item.mid for item in result.items] == mids


def test_a_split_call_that_fails_keeps_what_was_done(colour, respx_mock):
    first = httpx.Response(200, json={"tracks": [{"mid": str(mid)} for mid in range(64)]})
    second = httpx.Response(500, json={"errorCode": "internal_error", "tracks": [{"mid": "64"}]})
    tracks = [RemoteTrack("p", "camera", mid=str(mid)) for mid in range(65)]
    for last, known in ((second, 65), (httpx.ReadTimeout("late"), 64)):
        respx_mock.put(f"{BASE}/s1/tracks/update").mock(side_effect=[first, last])
        with pytest.raises(Exception, match="update_tracks") as caught:
            run(colour, lambda client: client.session("s1").update_tracks(tracks))
        assert len(caught.value.partial.by_mid) == known


def test_logs_hold_no_secret_and_no_sdp(colour, respx_mock, caplog):
    caplog.set_level(logging.DEBUG)
    respx_mock.post(f"{BASE}/s1/tracks/new").respond(json=ANSWERED)
    run(colour, publish)
    assert "hunter2" not in caplog.text
    assert "v=0" not in caplog.text


@contextmanager
def server(answer, *, count=1):
    """A server on a real socket; `answer(connection)` gets every connection after its request was read."""
    stop = threading.Event()

    def serve():
        for _ in range(count):
            connection, _ = listener.accept()
            with connection:
                connection.recv(65536)
                answer(connection)
                stop.wait(30)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield f"127.0.0.1:{listener.getsockname()[1]}"
        finally:
            stop.set()
            thread.join()


def elapsed(colour, base_url, expected, *, timeout=1.0):
    start = time.monotonic()
    with pytest.raises(expected) as caught:
        run(colour, publish, base_url=base_url, timeout=timeout, max_retries=0)
    return time.monotonic() - start, caught.value


HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n"


def silent(connection):
    pass


def body_stalls(connection):
    connection.sendall(HEAD + b'{"tracks":')


def body_trickles(connection):
    connection.sendall(HEAD)
    for _ in range(600):
        time.sleep(0.05)
        try:
            connection.sendall(b" ")
        except OSError:
            return


@pytest.mark.parametrize("answer", [silent, body_stalls, body_trickles])
def test_a_server_that_never_finishes_is_left_on_time(colour, answer):
    with server(answer) as address:
        seconds, error = elapsed(colour, f"http://{address}", OutcomeUnknownError)
    assert "no complete answer within 1 s" in str(error)
    # The server holds out for 30 s. Twice the time-out is the sync client's bound; a busy machine adds to it.
    assert 0.9 < seconds < 15


def test_a_server_that_hangs_up_leaves_the_outcome_open(colour):
    with server(lambda connection: connection.shutdown(socket.SHUT_RDWR)) as address:
        _, error = elapsed(colour, f"http://{address}", OutcomeUnknownError, timeout=60)
    assert "RemoteProtocolError" in str(error)


def test_a_body_cut_short_leaves_the_outcome_open(colour):
    def cut(connection):
        connection.sendall(HEAD + b"{")
        connection.shutdown(socket.SHUT_RDWR)

    with server(cut) as address:
        elapsed(colour, f"http://{address}", OutcomeUnknownError, timeout=60)


def test_a_handshake_that_hangs_sent_nothing(colour):
    with server(silent) as address:
        seconds, _ = elapsed(colour, f"https://{address}", NotSentError)
    assert seconds < 15


def test_a_closed_port_is_named(colour):
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]
    _, error = elapsed(colour, f"http://127.0.0.1:{port}", NotSentError, timeout=60)
    assert "there is no connection" in str(error)


def test_a_body_without_end_is_read_up_to_a_bound(colour):
    pieces = 0

    class Endless(httpx.SyncByteStream, httpx.AsyncByteStream):
        def __iter__(self):
            nonlocal pieces
            while True:
                pieces += 1
                yield b" " * 2**20

        async def __aiter__(self):
            for piece in self:
                yield piece

    transport = httpx.MockTransport(lambda _: httpx.Response(200, stream=Endless()))
    with pytest.raises(OutcomeUnknownError, match="not a JSON object"):
        run(colour, publish, transport=transport)
    assert pieces == BODY_LIMIT // 2**20 + 1
