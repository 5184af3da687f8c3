"""The real media plane, driven by light peers over loopback."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os

import pylibsrtp
import pytest

from cfrealtime.emulator.media import rtcp, rtp
from cfrealtime.emulator.media.plan import Disturbance, Way
from cfrealtime.emulator.media.srtp import MAX_DATAGRAM, Protection, as_sent
from cfrealtime.emulator.media.udp import MediaPlaneError, UdpMediaPlane
from tests.cfrealtime.emulator.media.light_peer import LightPeer
from tests.cfrealtime.emulator.media.small_sfu import Events
from tests.cfrealtime.emulator.sdp.endpoint import AIORTC, M, blocks, payload_types

CAMERA = M("video", "0", ssrc=1000)
KEY, DELTA = b"\x10\x00key", b"\x10\x01delta"


def vp8(sequence: int, payload: bytes = DELTA, **changes) -> bytes:
    packet = {
        "marker": True,
        "payload_type": 96,
        "timestamp": 3000 * sequence,
        "ssrc": 1000,
        "extensions": b"",
    }
    return rtp.write(**packet | {"sequence": sequence, "payload": payload} | changes)


@pytest.fixture
async def peers(sfu):
    """A publisher of a camera and a subscriber to it, both connected."""
    publisher, subscriber = LightPeer(), LightPeer()
    await publisher.connect(sfu.publish("alice", publisher.offer(CAMERA), ["0"]))
    offer, _ = sfu.subscribe("bob", ("video", "alice", "0"))
    sfu.answered("bob", subscriber.answer(offer))
    await subscriber.connect(offer)
    await publisher.until(lambda: len(sfu.events.seen) == 2)
    yield publisher, subscriber
    await publisher.close()
    await subscriber.close()


def messages(peer: LightPeer) -> list[rtcp.Message]:
    return [message for data in peer.rtcp for message in rtcp.parse(data)]


def sequences(peer: LightPeer) -> list[int]:
    return [packet.sequence for data in peer.rtp if (packet := rtp.parse(data)).payload_type == 96]


async def test_packets_of_a_publication_reach_its_subscriber(sfu, peers):
    publisher, subscriber = peers
    for sequence, payload in enumerate((DELTA, KEY, DELTA), 100):
        await publisher.send(vp8(sequence, payload))
    await subscriber.until(lambda: len(subscriber.rtp) == 2)
    first, second = map(rtp.parse, subscriber.rtp)
    assert [first.payload, second.payload] == [KEY, DELTA]
    assert second.sequence == first.sequence + 1
    assert second.timestamp == first.timestamp + 3000
    assert first.ssrc == sfu.negotiations["bob"].media({}).sends[0].ssrc


async def test_a_new_subscriber_makes_the_publisher_send_a_key_frame(sfu, peers):
    publisher, _ = peers
    await publisher.send(vp8(1))
    await publisher.until(lambda: rtcp.KeyFrameRequest(1000) in messages(publisher))


async def test_a_key_frame_request_of_a_subscriber_reaches_the_publisher(sfu, peers):
    publisher, subscriber = peers
    await publisher.send(vp8(1, KEY))
    await subscriber.until(lambda: subscriber.rtp)
    await publisher.until(lambda: publisher.rtcp)
    publisher.rtcp.clear()
    ssrc = rtp.parse(subscriber.rtp[0]).ssrc
    await subscriber.send(rtcp.key_frame_request(7, ssrc))
    await publisher.until(lambda: rtcp.KeyFrameRequest(1000) in messages(publisher))


async def test_a_nack_is_answered_with_a_retransmission(sfu, peers):
    publisher, subscriber = peers
    for sequence in range(1, 5):
        await publisher.send(vp8(sequence, KEY if sequence == 1 else b"\x10\x01" + bytes((sequence,))))
    await subscriber.until(lambda: len(subscriber.rtp) == 4)
    send = sfu.negotiations["bob"].media({}).sends[0]
    await subscriber.send(rtcp.nack(7, send.ssrc, [3]))
    await subscriber.until(lambda: len(subscriber.rtp) == 5)
    again = rtp.parse(subscriber.rtp[-1])
    assert (again.ssrc, again.payload_type) == (send.rtx_ssrc, 97)
    assert again.payload == b"\x00\x03\x10\x01\x03"


async def test_a_hole_is_filled_by_asking_the_publisher(sfu, peers):
    publisher, subscriber = peers
    await publisher.send(vp8(1, KEY))
    await publisher.send(vp8(3))
    await publisher.until(lambda: rtcp.Nack(1000, (2,)) in messages(publisher))
    await publisher.send(vp8(9, rtp.wrap_rtx(2, b"\x10\x01late"), payload_type=97, ssrc=1001))
    await subscriber.until(lambda: len(subscriber.rtp) == 3)
    assert sequences(subscriber) == [1, 3, 2]


async def test_a_subscriber_with_other_numbers_gets_its_own(sfu):
    publisher, subscriber = LightPeer(), LightPeer()
    await publisher.connect(sfu.publish("alice", publisher.offer(CAMERA), ["0"]))
    offer = subscriber.offer(M("video", "7", "inactive"), numbers=AIORTC)
    await subscriber.connect(sfu.publish("bob", offer, []))
    offer, mids = sfu.subscribe("bob", ("video", "alice", "0"))
    sfu.answered("bob", subscriber.answer(offer))
    await publisher.send(vp8(1, KEY))
    await subscriber.until(lambda: subscriber.rtp)
    packet = rtp.parse(subscriber.rtp[0])
    assert packet.payload_type == payload_types(blocks(offer)[1])["VP8"] == 97
    assert packet.elements == [(1, mids[0].encode())]
    await publisher.close()
    await subscriber.close()


async def test_the_publisher_is_told_what_arrives_and_what_it_may_send(sfu, peers):
    publisher, _ = peers
    await publisher.send(vp8(1, KEY))
    await publisher.until(lambda: any(b"REMB" in data for data in publisher.rtcp))
    report = next(data for data in publisher.rtcp if b"REMB" in data)
    assert report[1] == 201
    assert int.from_bytes(report[8:12], "big") == 1000


async def test_arrival_of_packets_is_known_by_section(sfu, peers):
    publisher, _ = peers
    assert sfu.plane.last_packet("alice", "0") is None
    await publisher.send(vp8(1))
    await publisher.until(lambda: sfu.plane.last_packet("alice", "0") is not None)
    assert sfu.plane.last_packet("alice", "1") is None


async def test_a_publication_closed_by_force_is_forwarded_no_more(sfu, peers):
    publisher, subscriber = peers
    await publisher.send(vp8(1, KEY))
    await subscriber.until(lambda: subscriber.rtp)
    sfu.apply("alice", closed=["0"])
    before = sfu.plane.last_packet("alice", "0")
    await publisher.send(vp8(2))
    await publisher.check()  # its answer comes after the packet
    assert len(subscriber.rtp) == 1
    assert sfu.plane.last_packet("alice", "0") == before


async def test_repointing_starts_at_a_key_frame_and_goes_on_in_sequence(sfu, peers):
    publisher, subscriber = peers
    other = LightPeer()
    await other.connect(sfu.publish("carol", other.offer(CAMERA), ["0"]))
    await publisher.send(vp8(1, KEY))
    await subscriber.until(lambda: subscriber.rtp)
    sfu.repoint("bob", "s0", "carol", "0")
    await other.send(vp8(50, DELTA))
    await other.until(lambda: rtcp.KeyFrameRequest(1000) in messages(other))
    await other.send(vp8(51, b"\x10\x00carol"))
    await subscriber.until(lambda: len(subscriber.rtp) == 2)
    first, second = map(rtp.parse, subscriber.rtp)
    assert second.payload == b"\x10\x00carol"
    assert (second.ssrc, second.sequence) == (first.ssrc, first.sequence + 1)
    await other.close()


async def test_a_peer_that_closes_is_reported(sfu, peers):
    publisher, subscriber = peers
    await publisher.close()
    await subscriber.until(lambda: ("closed", "alice") in sfu.events.seen)
    assert ("closed", "bob") not in sfu.events.seen


async def test_silence_is_reported_after_a_while_and_so_is_the_return(sfu, peers):
    publisher, subscriber = peers
    await subscriber.check()
    sfu.ahead += 16
    await publisher.check()
    await publisher.until(lambda: ("lost", "bob") in sfu.events.seen)
    assert ("lost", "alice") not in sfu.events.seen
    await subscriber.check()
    assert sfu.events.seen[-1] == ("recovered", "bob")
    await publisher.send(vp8(1, KEY))
    await subscriber.until(lambda: subscriber.rtp)


async def test_a_closed_session_carries_nothing_and_tells_its_peer(sfu, peers):
    publisher, _ = peers
    sfu.plane.close("alice")
    await publisher.until(lambda: publisher.dtls.state == "closed")
    assert sfu.plane.last_packet("alice", "0") is None
    sfu.apply("alice")
    sfu.apply("bob")
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(publisher.check(), 0.1)


async def test_old_and_new_credentials_reach_a_session_after_an_ice_restart(sfu, peers):
    publisher, _ = peers
    sfu.negotiations["alice"].restart(sfu.plane.transport("alice"))
    publisher.ufrag = "restarted"
    answer = sfu.publish("alice", publisher.offer(CAMERA), [])
    await publisher.check(answer)
    await publisher.check()
    await publisher.send(vp8(1))
    await publisher.until(lambda: sfu.plane.last_packet("alice", "0") is not None)


async def test_the_association_for_data_channels_comes_up(sfu):
    peer = LightPeer()
    offer = peer.offer(CAMERA, M("application", "1"))
    await peer.connect(sfu.publish("alice", offer, ["0"]))
    await peer.open_data_channels()
    await peer.until(lambda: peer.sctp.state == "connected")
    await peer.close()
    await peer.until(lambda: ("closed", "alice") in sfu.events.seen)


async def test_a_wrong_certificate_never_connects(sfu):
    peer = LightPeer()
    answer = sfu.publish("alice", peer.offer(CAMERA).replace(peer.fingerprint, ":".join(["00"] * 32)), ["0"])
    await peer.connect(answer)
    await peer.until(lambda: ("closed", "alice") in sfu.events.seen)
    assert ("connected", "alice") not in sfu.events.seen
    await peer.close()


async def test_garbage_is_dropped(sfu, peers):
    publisher, subscriber = peers
    for first, length in itertools.product(
        (0, 1, 22, 63, 128, 144, 191, 200, 255), (0, 1, 3, 12, 60, 1400, 3000)
    ):
        publisher.socket.sendto(bytes((first,)) * min(1, length) + os.urandom(max(0, length - 1)))
        sfu.plane.datagram(bytes((first,)) * length, ("192.0.2.9", 1))
    await publisher.check()
    await publisher.send(vp8(1, KEY))
    await subscriber.until(lambda: subscriber.rtp)


@pytest.mark.parametrize(
    "bob", [Disturbance(), Disturbance(up=Way(jitter=0.001))], ids=["usual", "disturbed"]
)
async def test_a_packet_that_is_too_long_once_it_is_forwarded_is_lost_alone(sfu, peers, bob, caplog):
    # Its publisher may send it; forwarded, it has an extension more, which names the subscriber's section.
    publisher, subscriber = peers
    sfu.plane.disturb("bob", bob)
    protection = Protection(publisher.dtls._tx_srtp)
    for sequence, size in enumerate((100, 1300, 1480, 100), 1):
        datagram = as_sent(vp8(sequence, KEY.ljust(size - 12, b"x")), protection.put)
        assert size < len(datagram) <= MAX_DATAGRAM
        publisher.socket.sendto(datagram)
    await subscriber.until(lambda: len(subscriber.rtp) == 3)
    assert [len(rtp.parse(data).payload) + 12 for data in subscriber.rtp] == [100, 1300, 100]
    assert subscriber.dtls.state == "connected"
    assert [record for record in caplog.records if record.name == "asyncio" and record.exc_info] == []


async def test_packets_that_are_none_are_dropped(sfu, peers):
    publisher, subscriber = peers
    for packet in (
        b"\x80" * 11,
        b"\x90" + b"\x60" + b"\xff" * 14,
        b"\xb0\x60" + b"\xff" * 40,
        b"\x80\xce\x00\x09",
    ):
        with contextlib.suppress(pylibsrtp.Error):
            await publisher.send(packet)
    await publisher.send(vp8(1, KEY))
    await subscriber.until(lambda: subscriber.rtp)


async def test_a_port_in_use_is_said_so(sfu):
    second = UdpMediaPlane(port=sfu.plane.address.port)
    with pytest.raises(MediaPlaneError, match="choose an address of this machine and a free port"):
        await second.start(Events([]))


async def test_an_address_that_is_not_ours_is_said_so():
    with pytest.raises(MediaPlaneError):
        await UdpMediaPlane("198.51.100.7").start(Events([]))


async def test_a_plane_on_every_address_offers_one_that_can_be_reached():
    plane = UdpMediaPlane("0.0.0.0")
    await plane.start(Events([]))
    assert plane.transport("alice").address.host != "0.0.0.0"
    await plane.stop()
