"""Descriptions that are refused: always SdpError, never a change, never a quotation."""

from __future__ import annotations

import contextlib
import time

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from cfrealtime.emulator.sdp import Negotiation, NewSend, SdpError
from tests.cfrealtime.emulator.sdp.endpoint import LOCAL, M, answer, describe, stopped

MIC, CAMERA = M("audio", "0"), M("video", "1", ssrc=1000)
GOOD = describe(MIC, CAMERA, M("application", "2"))
ATTRIBUTES = (
    *("candidate", "extmap", "fingerprint", "fmtp", "group", "ice-options", "ice-pwd", "ice-ufrag"),
    *("max-message-size", "mid", "msid", "rid", "rtcp-fb", "rtpmap", "sctp-port", "setup", "simulcast"),
    *("ssrc", "ssrc-group"),
)


def with_open_offer() -> tuple[Negotiation, str]:
    negotiation = Negotiation(LOCAL)
    negotiation.answer_offer(describe(MIC, CAMERA), ["0", "1"])
    offer, _ = negotiation.make_offer([NewSend("video", negotiation.receive_codecs("1"))])
    return negotiation, offer


@pytest.mark.parametrize(
    "sdp",
    [
        "",
        "hello",
        "v=0",
        "v=0\r\nm=audio",
        "{}",
        describe(MIC, fingerprint=None),
        describe(MIC, CAMERA, bundle=False),
        describe(MIC, MIC),
        describe(*(M("audio", str(n)) for n in range(1000))),
        describe(M("audio", "m" * 17)),
        describe(M("text", "0")),
        describe(stopped(MIC)),
        describe(MIC, setup="passive"),
        describe(MIC, setup="holdconn"),
        describe(M("application", "0"), M("application", "1")),
        describe(MIC).replace("111", "11111"),
        describe(MIC).replace("/48000/2", ""),
        describe(MIC).replace("UDP/TLS/RTP/SAVPF", "RTP/AVP"),
        describe(MIC) + "a=" + "x" * 1_000_001,
        describe(MIC) + "a=x\x00y\r\n",
        describe(M("video", "0", rids=tuple("abcdefghij"))),
    ],
)
def test_an_offer_that_no_endpoint_would_make_is_refused(sdp):
    with pytest.raises(SdpError):
        Negotiation(LOCAL).answer_offer(sdp, [])


@pytest.mark.parametrize("name", ATTRIBUTES)
@pytest.mark.parametrize("ending", ["", ":", ": ", ":0", ":* "])
def test_an_attribute_that_says_nothing_is_refused_or_ignored(name, ending):
    with contextlib.suppress(SdpError):
        Negotiation(LOCAL).answer_offer(describe(CAMERA) + f"a={name}{ending}\r\n", ["1"])


def test_what_is_said_again_and_again_is_read_once():
    """Others wait while a description is read: each line of it cost a look at all the others."""
    sdp = describe(CAMERA).replace(" 96", " 96" * 100_000, 1)
    sdp += "".join(f"a=rtcp-fb:* nack {number}\r\n" for number in range(20_000))
    began = time.process_time()
    Negotiation(LOCAL).answer_offer(sdp, ["1"])
    assert time.process_time() - began < 5


@pytest.mark.parametrize(
    "sections",
    [
        [MIC],
        [MIC, evolve(CAMERA, mid="9")],
        [MIC, M("audio", "1")],
        [M("video", "1"), M("audio", "0")],
    ],
)
def test_sections_in_use_can_neither_vanish_nor_change(sections):
    negotiation = Negotiation(LOCAL)
    negotiation.answer_offer(describe(MIC, CAMERA), ["0", "1"])
    before = negotiation.media({})
    with pytest.raises(SdpError):
        negotiation.answer_offer(describe(*sections), [])
    assert negotiation.media({}) == before


@pytest.mark.parametrize("mid", ["7", "2", "1"])
def test_only_a_sending_media_section_can_be_published(mid):
    sdp = describe(MIC, M("video", "1", "recvonly"), M("application", "2", "inactive"))
    with pytest.raises(SdpError):
        Negotiation(LOCAL).answer_offer(sdp, [mid])


def test_an_offer_is_refused_while_ours_is_open():
    negotiation, offer = with_open_offer()
    with pytest.raises(SdpError):
        negotiation.answer_offer(describe(MIC, CAMERA), [])
    with pytest.raises(SdpError):
        negotiation.make_offer([], data_channels=True)
    negotiation.accept_answer(answer(offer))


def test_an_answer_nobody_asked_for_is_refused():
    with pytest.raises(SdpError):
        Negotiation(LOCAL).accept_answer(describe(MIC, setup="active"))


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace("a=setup:active", "a=setup:actpass"),
        lambda text: text.replace("a=setup:active", "a=setup:passive"),
        lambda text: text.replace("a=fingerprint", "a=thumbprint"),
        lambda text: text[: text.rindex("m=")],
        lambda text: text.replace("a=mid:s0", "a=mid:s9").replace("1 s0", "1 s9"),
        lambda text: (
            text.replace("VP8", "XX").replace("H264", "XX").replace("VP9", "XX").replace("AV1", "XX")
        ),
        lambda text: "",
    ],
)
def test_a_wrong_answer_is_refused_and_the_offer_stays_open(change):
    negotiation, offer = with_open_offer()
    right = answer(offer)
    with pytest.raises(SdpError):
        negotiation.accept_answer(change(right))
    negotiation.accept_answer(right)


def test_our_own_offer_is_no_answer():
    negotiation, offer = with_open_offer()
    with pytest.raises(SdpError):
        negotiation.accept_answer(offer)


def test_nothing_of_a_description_is_quoted():
    sdp = describe(MIC, ufrag="sensitive").replace("opus/48000", "opus/sensitive")
    with pytest.raises(SdpError) as caught:
        Negotiation(LOCAL).answer_offer(sdp, [])
    assert "sensitive" not in str(caught.value)


def test_credentials_are_not_shown():
    assert LOCAL.pwd not in repr(LOCAL)


garbled = st.builds(
    lambda lines, index, text: "\r\n".join([*lines[:index], text, *lines[index + 1 :]]),
    st.permutations(GOOD.split("\r\n")) | st.just(GOOD.split("\r\n")),
    st.integers(0, GOOD.count("\r\n")),
    st.text(max_size=40)
    | st.builds(
        "{}{}".format, st.sampled_from(["a=rtpmap:", "a=fmtp:", "a=extmap:", "a=ssrc:", "m="]), st.text()
    ),
)


@given(st.text() | garbled)
def test_any_text_is_answered_or_refused(sdp):
    negotiation, _ = with_open_offer()
    for attempt in (Negotiation.inspect, negotiation.accept_answer):
        with contextlib.suppress(SdpError):
            attempt(sdp)
    with contextlib.suppress(SdpError):
        Negotiation(LOCAL).answer_offer(sdp, [section.mid for section in Negotiation.inspect(sdp)])
