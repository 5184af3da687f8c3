"""Connectivity checks."""

from __future__ import annotations

from struct import pack

import pytest
from aioice import stun
from hypothesis import given
from hypothesis import strategies as st

from cfrealtime.emulator.media.ice import Responder

PEER = ("192.0.2.1", 5000)


@pytest.fixture
def responder():
    responder = Responder()
    responder.add("alice", "ufrag", "secret")
    return responder


def request(pwd: bytes = b"secret", username: str = "ufrag:other", *, nominated: bool = False) -> bytes:
    message = stun.Message(stun.Method.BINDING, stun.Class.REQUEST, attributes={"USERNAME": username})
    if nominated:
        message.attributes["USE-CANDIDATE"] = None
    message.add_message_integrity(pwd)
    return bytes(message)


def test_an_authentic_check_is_answered_with_the_address_it_came_from(responder):
    check = responder.check(request(), PEER)
    assert (check.session_id, check.nominated) == ("alice", False)
    response = stun.parse_message(check.response)
    assert response.attributes["XOR-MAPPED-ADDRESS"] == PEER
    assert response.check_message_integrity(b"secret")


def test_the_endpoint_nominates_its_path(responder):
    assert responder.check(request(nominated=True), PEER).nominated


@pytest.mark.parametrize(
    "data",
    [request(b"wrong"), request(username="nobody:other"), request()[:-8], b""],
    ids=["wrong password", "unknown name", "cut short", "nothing"],  # requests are new in every process
)
def test_what_is_not_authentic_is_not_answered(responder, data):
    assert responder.check(data, PEER) is None


def test_a_message_that_is_no_request_is_not_answered(responder):
    indication = stun.Message(stun.Method.BINDING, stun.Class.INDICATION, attributes={"USERNAME": "ufrag:x"})
    indication.add_message_integrity(b"secret")
    assert responder.check(bytes(indication), PEER) is None


def test_a_forgotten_session_is_not_answered(responder):
    responder.remove("alice")
    assert responder.check(request(), PEER) is None


kinds = st.sampled_from([attribute[0] for attribute in stun.ATTRIBUTES]) | st.integers(0, 0xFFFF)
attributes = st.lists(
    st.builds(
        lambda kind, value, lie: pack("!HH", kind, max(0, len(value) + lie)) + value + bytes(-len(value) % 4),
        kinds,
        st.binary(max_size=24),
        st.integers(-2, 2),
    ),
    max_size=4,
).map(b"".join)


@given(
    attributes.map(lambda body: pack("!HHI12s", 1, len(body), stun.COOKIE, bytes(12)) + body) | st.binary()
)
def test_any_datagram_is_answered_or_not(data):
    responder = Responder()
    responder.add("alice", "ufrag", "secret")
    assert responder.check(data, PEER) is None
