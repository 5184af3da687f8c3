"""A client's descriptions against the emulator's side of the same exchange."""

from __future__ import annotations

import pytest

from cfrealtime.emulator.media.plan import Address, LocalTransport
from cfrealtime.emulator.sdp.codecs import CodecSpec
from cfrealtime.emulator.sdp.negotiation import Negotiation, NewSend
from cfrealtime_rooms.testing import sdp
from cfrealtime_rooms.testing.negotiator import Negotiator, Outgoing, PeerError

FINGERPRINT = ":".join(["AB"] * 32)
CAMERA, MICROPHONE = Outgoing("camera", "video"), Outgoing("microphone", "audio")


@pytest.fixture
def client() -> Negotiator:
    return Negotiator(sdp.Transport("abcd", "p" * 24, (("sha-256", FINGERPRINT),)))


@pytest.fixture
def sfu() -> Negotiation:
    return Negotiation(LocalTransport("wxyz", "q" * 24, FINGERPRINT, Address("127.0.0.1", 4000)))


def publish(client: Negotiator, sfu: Negotiation, *sources: Outgoing) -> dict[str, str]:
    offer, mids = client.offer(sources)
    client.answered(sfu.answer_offer(offer, mids.values()))
    return mids


def subscribe(client: Negotiator, sfu: Negotiation, *codecs: tuple[CodecSpec, ...]) -> tuple[str, ...]:
    kinds = {"opus": "audio", "vp8": "video"}
    sends = [NewSend(kinds[specs[0].name.lower().partition("/")[0]], specs) for specs in codecs]
    offer, mids = sfu.make_offer(sends)
    sfu.accept_answer(client.accept(offer))
    return mids


@pytest.fixture
def published(sfu: Negotiation) -> tuple[CodecSpec, ...]:
    """What another client's camera is published with."""
    other = Negotiator(sdp.Transport("efgh", "r" * 24, (("sha-256", FINGERPRINT),)))
    theirs = Negotiation(LocalTransport("ijkl", "s" * 24, FINGERPRINT, Address("127.0.0.1", 4000)))
    mids = publish(other, theirs, CAMERA)
    return theirs.receive_codecs(mids["camera"])


def test_an_offer_is_accepted_and_names_where_the_sfu_is(client: Negotiator, sfu: Negotiation):
    mids = publish(client, sfu, MICROPHONE, CAMERA)
    assert mids == {"microphone": "0", "camera": "1"}
    assert client.remote.candidates == (sdp.Candidate("127.0.0.1", 4000),)
    assert client.published("camera").codecs[0].payload_type == 96


def test_sections_of_both_sides_share_one_connection(client, sfu, published):
    publish(client, sfu, MICROPHONE)
    (mid,) = subscribe(client, sfu, published)
    later = publish(client, sfu, CAMERA)
    assert [one.mid for one in client.sections] == ["0", mid, later["camera"]]
    assert [one.direction for one in client.sections] == ["sendonly", "recvonly", "sendonly"]


def test_numbers_the_sfu_named_first_are_kept(client, sfu, published):
    (mid,) = subscribe(client, sfu, published)
    received = next(one for one in client.sections if one.mid == mid)
    publish(client, sfu, CAMERA)
    own = client.published("camera")
    assert own.extensions[sdp.MID] == received.extensions[sdp.MID]
    assert (
        own.codecs[0].payload_type == next(c for c in received.codecs if c.name == "VP8/90000").payload_type
    )


def test_a_stopped_section_is_offered_with_port_0_and_then_recycled(client, sfu):
    publish(client, sfu, MICROPHONE, CAMERA)
    client.unpublish("camera")
    assert client.published("camera") is None
    publish(client, sfu, Outgoing("screen", "video"))
    assert [one.stopped for one in client.sections] == [False, True, False]
    publish(client, sfu, CAMERA)
    assert [one.source for one in client.sections] == ["microphone", "camera", "screen"]
    assert len({one.mid for one in client.sections}) == 3


def test_a_rolled_back_offer_leaves_nothing(client, sfu):
    client.offer([CAMERA])
    with pytest.raises(PeerError, match="already waits"):
        client.offer([MICROPHONE])
    client.rollback()
    publish(client, sfu, MICROPHONE)
    assert [one.source for one in client.sections] == ["microphone"]


def test_data_channels_get_one_section_in_the_first_offer(sfu):
    client = Negotiator(sdp.Transport("abcd", "p" * 24, (("sha-256", FINGERPRINT),)), data=True)
    publish(client, sfu, MICROPHONE)
    publish(client, sfu, CAMERA)
    assert [one.kind for one in client.sections] == ["audio", "application", "video"]
    assert sfu.data_channels


@pytest.mark.parametrize("text", ["", "hello", "v=0\r\nm=audio", "v=0\r\nm=audio 9 X 111\r\na=rtpmap:x"])
def test_what_is_no_description_is_refused(client: Negotiator, text: str):
    with pytest.raises(PeerError, match="cannot be read"):
        client.accept(text)


def test_an_offer_that_drops_a_section_is_refused(client, sfu):
    publish(client, sfu, MICROPHONE, CAMERA)
    with pytest.raises(PeerError, match="lacks sections"):
        client.accept("v=0\r\n")


def test_an_offer_that_renames_a_living_section_is_refused(client, sfu):
    publish(client, sfu, MICROPHONE)
    with pytest.raises(PeerError, match="another mid"):
        client.accept("v=0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:s9\r\n")
