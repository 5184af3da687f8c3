"""Our offers that ask to receive, and sections on which both sides send."""

from __future__ import annotations

import pytest
from attrs import evolve

from cfrealtime.emulator.media.plan import Source
from cfrealtime.emulator.sdp import Negotiation, NewReceive, NewSend
from tests.cfrealtime.emulator.sdp.endpoint import (
    AIORTC,
    LOCAL,
    RID,
    M,
    answer,
    blocks,
    describe,
    payload_types,
    stopped,
    value,
)
from tests.cfrealtime.emulator.sdp.test_negotiation import publisher

SOURCE = Source("other", "1")


def asked(*wanted: NewReceive) -> tuple[Negotiation, str, tuple[str, ...]]:
    negotiation = Negotiation(LOCAL)
    offer, mids = negotiation.make_offer(wanted)
    return negotiation, offer, mids


def test_every_codec_is_offered_with_the_browsers_usual_numbers():
    _, offer, mids = asked(NewReceive("audio"), NewReceive("video"))
    audio, video = blocks(offer)
    assert [value(block, "mid") for block in (audio, video)] == list(mids)
    assert payload_types(audio) == {"opus": 111, "PCMU": 0, "PCMA": 8}
    known = {"VP8": 96, "H264": 106, "VP9": 98, "AV1": 45, "H265": 49}
    assert {name: number for name, number in payload_types(video).items() if name != "rtx"} == known
    assert "a=recvonly" in video
    assert f"a=extmap:10 {RID}" in video
    assert "a=fmtp:96 x-google-start-bitrate=2500" in video
    assert not any(line.startswith(("a=msid", "a=ssrc", "a=simulcast")) for line in video)


def test_media_is_received_once_the_endpoint_has_answered():
    negotiation, offer, (mid,) = asked(NewReceive("video"))
    assert negotiation.media({}).receives == ()
    negotiation.accept_answer(answer(offer, **{mid: M("video", mid, ssrc=7)}))
    (receive,) = negotiation.media({}).receives
    assert (receive.mid, receive.ssrcs, receive.codecs[0].payload_type) == (mid, (7,), 96)
    assert negotiation.receive_codecs(mid)
    assert negotiation.send_codecs(mid) == frozenset()


@pytest.mark.parametrize("rids", [("q", "f"), ()])
def test_the_endpoint_chooses_among_the_layers_offered(rids):
    negotiation, offer, (mid,) = asked(NewReceive("video", ("q", "h", "f")))
    assert "a=simulcast:recv q;h;f" in blocks(offer)[0]
    assert "a=rid:h recv" in blocks(offer)[0]
    negotiation.accept_answer(answer(offer, **{mid: M("video", mid, rids=rids)}))
    assert negotiation.media({}).receives[0].rids == rids


def test_numbers_that_the_endpoint_uses_are_kept():
    negotiation = publisher(M("video", "0"), numbers=AIORTC)
    offer, _ = negotiation.make_offer([NewReceive("video")])
    _, added = blocks(offer)
    assert payload_types(added)["VP8"] == 97
    assert payload_types(added)["H264"] == 101
    assert payload_types(added)["VP9"] not in {97, 98, 101, 102}


def test_a_hint_that_the_endpoint_repeats_is_not_doubled():
    hint = "x-google-start-bitrate=2500"
    offer = describe(M("video", "0")).replace("profile-id=0", f"profile-id=0;{hint}")
    (block,) = blocks(Negotiation(LOCAL).answer_offer(offer, ["0"]))
    assert f"a=fmtp:98 profile-id=0;{hint}" in block


@pytest.mark.parametrize("new", [NewReceive("video", both_ways=True), NewSend("video", (), both_ways=True)])
def test_a_section_of_ours_can_go_both_ways(new):
    if isinstance(new, NewSend):
        new = evolve(new, codecs=publisher(M("video", "0")).receive_codecs("0"))
    negotiation = Negotiation(LOCAL)
    offer, (mid,) = negotiation.make_offer([new])
    (block,) = blocks(offer)
    assert "a=sendrecv" in block
    assert value(block, "msid")
    negotiation.accept_answer(answer(offer))
    media = negotiation.media({mid: SOURCE})
    assert [receive.mid for receive in media.receives] == [mid]
    assert [(send.mid, send.source) for send in media.sends] == [(mid, SOURCE)]
    assert "vp8/90000" in negotiation.send_codecs(mid)


def test_only_what_the_endpoint_answers_goes():
    negotiation, offer, (mid,) = asked(NewReceive("audio", both_ways=True))
    negotiation.accept_answer(answer(offer, **{mid: M("audio", mid, "recvonly")}))
    media = negotiation.media({mid: SOURCE})
    assert media.receives == ()
    assert [send.mid for send in media.sends] == [mid]


def test_an_answer_can_send_on_the_endpoints_own_section():
    negotiation = Negotiation(LOCAL)
    text = negotiation.answer_offer(
        describe(M("audio", "0", "sendrecv"), M("audio", "1", "sendrecv"), M("audio", "2")),
        publish=["0", "1", "2"],
        both_ways=["0", "2"],
    )
    directions = [next(d for d in ("sendrecv", "recvonly") if f"a={d}" in block) for block in blocks(text)]
    assert directions == ["sendrecv", "recvonly", "recvonly"]
    assert [send.mid for send in negotiation.media({}).sends] == ["0"]
    again = negotiation.answer_offer(
        describe(M("audio", "0", "sendrecv"), M("audio", "1"), M("audio", "2")), []
    )
    assert value(blocks(again)[0], "msid") == value(blocks(text)[0], "msid")


def test_reception_can_be_closed_while_the_other_way_goes_on():
    negotiation, offer, (mid,) = asked(NewReceive("audio", both_ways=True))
    negotiation.accept_answer(answer(offer))
    media = negotiation.media({mid: SOURCE}, closed=[mid])
    assert [receive.active for receive in media.receives] == [False]
    assert media.sends[0].source == SOURCE


@pytest.mark.parametrize("rejected", [True, False])
def test_a_section_that_was_rejected_or_closed_goes_neither_way(rejected):
    negotiation, offer, (mid, other) = asked(NewReceive("audio", both_ways=True), NewReceive("video"))
    negotiation.accept_answer(answer(offer, **({mid: stopped(M("audio", mid))} if rejected else {})))
    if not rejected:
        negotiation.stop_sections([mid])
    media = negotiation.media({mid: SOURCE})
    assert [receive.mid for receive in media.receives] == [other]
    assert media.sends == ()
