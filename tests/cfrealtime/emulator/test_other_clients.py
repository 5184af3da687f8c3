"""HTTP clients that know nothing of us: the base URL and the secret are all they are given."""

from __future__ import annotations

import http.client
import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import pytest

from cfrealtime.emulator import Emulator
from cfrealtime.testing import ServedEmulator
from tests.cfrealtime.emulator.sdp.endpoint import M, describe

SECRET = {"Authorization": "Bearer secret"}
PUBLISH = {
    "sessionDescription": {"type": "offer", "sdp": describe(M("audio", "0"))},
    "tracks": [{"location": "local", "mid": "0", "trackName": "mic"}],
}


@pytest.fixture(scope="module")
def base() -> Iterator[str]:
    """The address of an emulator that runs beside."""
    with ServedEmulator(Emulator()) as server:
        yield server.base_url


def test_urllib_publishes_and_is_told_what_is_wrong(base):
    def call(path: str, body: object = None, method: str = "POST", **headers: str) -> tuple[int, dict]:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{base}/apps/demo{path}", data, SECRET | headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=90) as response:
                return response.status, json.load(response)
        except urllib.error.HTTPError as error:
            with error:
                return error.code, json.load(error)

    status, made = call("/sessions/new")
    session = f"/sessions/{made['sessionId']}"
    assert status == 201
    assert call(f"{session}/tracks/new", PUBLISH)[1]["sessionDescription"]["type"] == "answer"
    assert call(session, method="GET")[1]["tracks"][0]["trackName"] == "mic"
    assert call("/sessions/new", Authorization="Bearer guess")[0] == 401
    assert call("/sessions/none", method="GET")[0] == 404


@contextmanager
def connection(base: str) -> Iterator[http.client.HTTPConnection]:
    client = http.client.HTTPConnection(urlsplit(base).netloc, timeout=90)
    try:
        yield client
    finally:
        client.close()


def test_a_body_in_pieces_and_calls_on_one_connection_are_understood(base):
    with connection(base) as client:
        client.request("POST", "/v1/apps/demo/sessions/new", headers=SECRET)
        session = json.load(client.getresponse())["sessionId"]
        first = client.sock
        text = json.dumps(PUBLISH).encode()
        pieces = (text[start : start + 100] for start in range(0, len(text), 100))
        path = f"/v1/apps/demo/sessions/{session}/tracks/new"
        client.request("POST", path, body=pieces, headers=SECRET, encode_chunked=True)
        assert "errorCode" not in json.load(client.getresponse())["tracks"][0]
        assert client.sock is first


def test_a_client_of_http_1_0_is_answered(base, monkeypatch):
    with connection(base) as client:
        monkeypatch.setattr(client, "_http_vsn", 10)
        monkeypatch.setattr(client, "_http_vsn_str", "HTTP/1.0")
        client.request("POST", "/v1/apps/demo/sessions/new", headers=SECRET)
        response = client.getresponse()
        assert (response.status, "sessionId" in json.load(response)) == (201, True)
