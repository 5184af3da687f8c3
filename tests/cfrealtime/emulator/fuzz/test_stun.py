"""Connectivity checks: nearly right, authentic but odd, and none at all."""

from __future__ import annotations

import hmac
import struct

from aioice import stun
from hypothesis import given
from hypothesis import strategies as st

from cfrealtime.emulator.media.ice import Responder
from tests.cfrealtime.emulator.fuzz.street import intruder, mutations, some, stranger
from tests.cfrealtime.emulator.sdp.endpoint import M, value

PEER = ("127.0.0.1", 4242)
UFRAG, PWD = "serverufrag", "serverpassword1234567890"


def check(username: str = f"{UFRAG}:me", pwd: str = PWD) -> bytes:
    request = stun.Message(stun.Method.BINDING, stun.Class.REQUEST, transaction_id=b"t" * 12)
    request.attributes["USERNAME"] = username
    request.attributes["USE-CANDIDATE"] = None
    request.add_message_integrity(pwd.encode())
    request.add_fingerprint()
    return bytes(request)


def signed(attributes: list[tuple[int, bytes]], pwd: str = PWD, ufrag: str = UFRAG) -> bytes:
    """A message with any attributes and the signature of one who knows the password."""
    told = [(0x0006, f"{ufrag}:me".encode()), *attributes]
    body = b"".join(
        struct.pack("!HH", kind, len(data)) + data.ljust(-(-len(data) // 4) * 4, b"\0") for kind, data in told
    )
    head = struct.pack("!HHI", 0x0001, len(body) + 24, 0x2112A442) + b"t" * 12
    return head + body + struct.pack("!HH", 0x0008, 20) + hmac.digest(pwd.encode(), head + body, "sha1")


ATTRIBUTES = st.lists(
    st.tuples(
        st.sampled_from(sorted(stun.ATTRIBUTES_BY_TYPE)) | st.integers(0, 0xFFFF), st.binary(max_size=30)
    ),
    max_size=4,
)


@some(500)
@given(data=st.binary(max_size=80) | mutations(check()) | ATTRIBUTES.map(signed))
def test_anything_is_answered_or_not(data):
    responder = Responder()
    responder.add("alice", UFRAG, PWD)
    answer = responder.check(data, PEER)
    assert answer is None or stun.parse_message(answer.response).check_message_integrity(PWD.encode())


@some(30)
@given(
    thrown=st.lists(st.binary(max_size=80).map(lambda b: b"\0\1" + b) | mutations(check()), max_size=20),
    odd=st.lists(ATTRIBUTES, max_size=5),
)
async def test_checks_of_strangers_and_odd_ones_of_a_member_disturb_nobody(street, thrown, odd):
    async with stranger(street) as throw, intruder(street, M("audio", "0", ssrc=7000)) as (_, light):
        for data in thrown:
            throw(data)
        pwd, ufrag = value(light._block, "ice-pwd"), value(light._block, "ice-ufrag")
        for attributes in odd:
            light.socket.sendto(signed(attributes, pwd, ufrag))
            throw(signed(attributes, pwd, ufrag))
        await light.check()
    await street.undisturbed()
