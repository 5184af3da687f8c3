"""Handshakes: nearly right hellos, records out of place, and noise where DTLS and SRTP are expected."""

from __future__ import annotations

import asyncio

import pytest
from aiortc import RTCCertificate, RTCDtlsFingerprint, RTCDtlsParameters, RTCDtlsTransport
from hypothesis import given
from hypothesis import strategies as st

from tests.cfrealtime.emulator.fuzz.street import intruder, mutations, some, stranger
from tests.cfrealtime.emulator.media.light_peer import LightPeer
from tests.cfrealtime.emulator.peer import Peer, codes, local
from tests.cfrealtime.emulator.sdp.endpoint import M


class _Silence:
    """An ICE transport on which nobody answers."""

    role = "controlled"

    def __init__(self) -> None:
        self.sent: asyncio.Queue[bytes] = asyncio.Queue()

    async def _recv(self) -> bytes:
        await asyncio.Event().wait()
        raise ConnectionError

    async def _send(self, data: bytes) -> None:
        self.sent.put_nowait(data)


async def _capture() -> bytes:
    silence = _Silence()
    dtls = RTCDtlsTransport(silence, [RTCCertificate.generateCertificate()])
    starting = asyncio.create_task(
        dtls.start(RTCDtlsParameters([RTCDtlsFingerprint("sha-256", ":".join(["AB"] * 32))]))
    )
    hello = await silence.sent.get()
    starting.cancel()
    await asyncio.gather(starting, return_exceptions=True)
    return hello


HELLO = asyncio.run(_capture())
FIRST = st.integers(20, 63) | st.integers(128, 191)
NOISE = st.builds(lambda first, rest: bytes((first,)) + rest, FIRST, st.binary(max_size=200))
RECORD = st.builds(
    lambda kind, body: bytes((kind,)) + b"\xfe\xfd\0\0\0\0\0\0\0\1" + len(body).to_bytes(2, "big") + body,
    st.integers(20, 25),
    st.binary(max_size=60),
)


def test_a_hello_was_captured():
    assert HELLO[0] == 22
    assert HELLO[13] == 1


@some(30)
@given(thrown=st.lists(mutations(HELLO) | RECORD | NOISE, min_size=1, max_size=6))
async def test_a_broken_handshake_is_its_own_sessions_affair(street, thrown):
    peer, light = await Peer.join(street.client), LightPeer()
    offer = {"type": "offer", "sdp": light.offer(M("audio", "0", ssrc=7000))}
    response = await peer.post_tracks([local("0", "junk")], sessionDescription=offer)
    assert codes(response) == [None]
    await light.check(response.json()["sessionDescription"]["sdp"])
    for data in thrown:
        light.socket.sendto(data)
    await street.undisturbed()
    assert (await peer.get()).status_code in (200, 410)
    light.socket.close()


@some(20)
@given(thrown=st.lists(mutations(HELLO) | RECORD | NOISE, min_size=1, max_size=10))
async def test_records_and_noise_in_a_standing_connection_disturb_nobody(street, thrown):
    async with stranger(street) as throw, intruder(street, M("audio", "0", ssrc=7000)) as (peer, light):
        for data in thrown:
            throw(data)
            light.socket.sendto(data)
        await street.undisturbed()
        assert (await peer.get()).status_code in (200, 410)


@pytest.mark.parametrize("length", [0, 1, 12, 1472, 1501, 9000, 65_000])
async def test_datagrams_of_any_length_disturb_nobody(street, length):
    async with stranger(street) as throw, intruder(street, M("audio", "0", ssrc=7000)) as (_, light):
        for first in (0, 22, 23, 128, 255):
            throw(bytes((first,)) * length)
            light.socket.sendto(bytes((first,)) * length)
        await street.undisturbed()
