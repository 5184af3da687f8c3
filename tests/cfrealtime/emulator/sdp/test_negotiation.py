"""Offers and answers between an endpoint and one session of the emulator."""

from __future__ import annotations

import pytest
from attrs import evolve

from cfrealtime.emulator.media.plan import Source
from cfrealtime.emulator.sdp import Negotiation, NewSend, SdpError
from tests.cfrealtime.emulator.sdp.endpoint import (
    AIORTC,
    CHROMIUM,
    LOCAL,
    MID,
    M,
    answer,
    blocks,
    describe,
    payload_types,
    stopped,
    value,
)

MIC, CAMERA, DATA = M("audio", "0"), M("video", "1", ssrc=1000), M("application", "2", "sendrecv")
SOURCE = Source("publisher", "1")


def publisher(*sections: M, **options) -> Negotiation:
    negotiation = Negotiation(LOCAL)
    negotiation.answer_offer(
        describe(*sections, **options), [m.mid for m in sections if m.kind != "application"]
    )
    return negotiation


def sends_of(negotiation: Negotiation, *sections: M) -> list[NewSend]:
    return [NewSend(m.kind, negotiation.receive_codecs(m.mid)) for m in sections]


def subscribe(negotiation: Negotiation, *sections: M, **options) -> tuple[str, ...]:
    offer, mids = negotiation.make_offer(sends_of(publisher(*sections, **options), *sections))
    negotiation.accept_answer(answer(offer))
    return mids


def test_an_offer_is_inspected_without_a_session():
    sections = Negotiation.inspect(describe(MIC, M("video", "1", rids=("q", "f")), stopped(M("video", "5"))))
    assert [(s.mid, s.kind, s.direction, s.stopped) for s in sections] == [
        ("0", "audio", "sendonly", False),
        ("1", "video", "sendonly", False),
        ("5", "video", "inactive", True),
    ]
    assert sections[1].rids == ("q", "f")
    assert sections[1].msid_track == "track-1"


def test_published_sections_are_received_with_the_endpoints_numbers():
    text = Negotiation(LOCAL).answer_offer(describe(MIC, CAMERA), ["0", "1"])
    audio, video = blocks(text)
    assert "a=group:BUNDLE 0 1" in text
    assert "a=ice-lite" in text
    assert "a=recvonly" in audio
    assert "a=setup:passive" in audio
    assert payload_types(audio) == {"opus": 111, "PCMU": 0}
    assert payload_types(video) == {"VP8": 96, "H264": 106, "VP9": 98, "AV1": 45, "rtx": 46}
    assert value(audio, "candidate") == "1 1 udp 2130706431 127.0.0.1 4000 typ host"


def test_transport_wide_feedback_is_refused_and_a_start_bitrate_hinted():
    _, video = blocks(Negotiation(LOCAL).answer_offer(describe(MIC, CAMERA), ["0", "1"]))
    assert "a=rtcp-fb:96 nack pli" in video
    assert "a=rtcp-fb:96 goog-remb" in video
    assert not any("transport-cc" in line for line in video)
    assert "a=fmtp:96 x-google-start-bitrate=2500" in video


def test_new_sections_that_are_not_published_are_inactive():
    text = Negotiation(LOCAL).answer_offer(describe(MIC, CAMERA), ["0"])
    assert ["a=inactive" in block for block in blocks(text)] == [False, True]


def test_simulcast_layers_are_taken():
    negotiation = Negotiation(LOCAL)
    text = negotiation.answer_offer(describe(M("video", "0", rids=("q", "h", "f"))), ["0"])
    assert "a=simulcast:recv q;h;f" in text
    assert "a=rid:h recv" in text
    assert negotiation.media({}).receives[0].rids == ("q", "h", "f")


def test_data_channels_are_accepted_in_the_first_offer():
    negotiation = Negotiation(LOCAL)
    text = negotiation.answer_offer(describe(MIC, DATA), ["0"])
    assert "a=sctp-port:5000" in text
    assert negotiation.data_channels
    assert negotiation.media({}).data_channels


def test_the_plane_is_told_what_the_endpoint_sends():
    receive = publisher(MIC, CAMERA).media({}, closed=["0"]).receives
    assert [(r.mid, r.kind, r.active) for r in receive] == [("0", "audio", False), ("1", "video", True)]
    assert receive[1].ssrcs == (1000,)
    assert receive[1].rtx_ssrcs == {1000: 1001}
    assert receive[1].codecs[0].payload_type == 96
    assert receive[1].codecs[0].rtx_payload_type == 97


def test_a_session_can_subscribe_first_and_publish_later():
    negotiation = Negotiation(LOCAL)
    mids = subscribe(negotiation, MIC, CAMERA)
    assert mids == ("s0", "s1")
    text = negotiation.answer_offer(
        describe(M("audio", "s0", "recvonly"), M("video", "s1", "recvonly"), MIC, evolve(CAMERA, mid="2")),
        ["0", "2"],
    )
    directions = [next(d for d in ("a=sendonly", "a=recvonly") if d in block) for block in blocks(text)]
    assert directions == ["a=sendonly", "a=sendonly", "a=recvonly", "a=recvonly"]


def test_sends_reach_the_plane_only_once_answered():
    negotiation = Negotiation(LOCAL)
    offer, (mid,) = negotiation.make_offer(sends_of(publisher(CAMERA), CAMERA))
    assert negotiation.open_offer
    assert negotiation.media({mid: SOURCE}).remote is None
    assert negotiation.media({mid: SOURCE}).sends == ()
    negotiation.accept_answer(answer(offer))
    send = negotiation.media({mid: SOURCE}, rids={mid: ("h",)}).sends[0]
    assert (send.source, send.rids) == (SOURCE, ("h",))
    assert str(send.ssrc) in offer
    assert negotiation.media({}).sends[0].source is None


def test_the_same_publication_twice_has_two_tracks_and_ssrcs():
    negotiation = Negotiation(LOCAL)
    offer, _ = negotiation.make_offer(sends_of(publisher(CAMERA), CAMERA, CAMERA))
    first, second = blocks(offer)
    assert value(first, "msid") != value(second, "msid")
    assert value(first, "ssrc-group") != value(second, "ssrc-group")


def test_numbers_of_the_endpoint_are_kept_in_our_offers():
    negotiation = publisher(MIC, CAMERA, numbers=AIORTC)
    offer, _ = negotiation.make_offer(sends_of(publisher(MIC, CAMERA, numbers=CHROMIUM), MIC, CAMERA))
    audio, video = blocks(offer)[2:]
    assert payload_types(audio)["opus"] == 96
    assert payload_types(video)["VP8"] == 97
    assert f"a=extmap:1 {MID}" in audio
    assert payload_types(video)["VP9"] not in {96, 97, 98, 101, 102}


def test_the_same_codec_has_one_key_in_differently_numbered_sessions():
    ours, theirs = publisher(CAMERA), publisher(CAMERA, numbers=AIORTC)
    keys = [{c.key: c.payload_type for c in n.media({}).receives[0].codecs} for n in (ours, theirs)]
    assert {key: keys[0][key] for key in keys[1]} == dict(zip(keys[1], [96, 106], strict=True))


def test_what_is_in_use_is_offered_again_unchanged():
    negotiation = publisher(MIC, M("video", "1", rids=("q", "f")))
    offer, _ = negotiation.make_offer(sends_of(publisher(MIC), MIC))
    _audio, video, _new = blocks(offer)
    assert "a=recvonly" in video
    assert payload_types(video)["VP8"] == 96
    assert "a=simulcast:recv q;f" in video
    negotiation.accept_answer(answer(offer))
    assert [r.mid for r in negotiation.media({}).receives] == ["0", "1"]


def test_a_stopped_section_leaves_the_bundle_and_its_index_is_recycled_by_the_endpoint():
    negotiation = publisher(MIC, CAMERA)
    text = negotiation.answer_offer(describe(MIC, stopped(CAMERA)), [])
    assert "a=group:BUNDLE 0\r\n" in text
    assert blocks(text)[1][0].startswith("m=video 0 ")
    text = negotiation.answer_offer(describe(MIC, M("video", "7", ssrc=5)), ["7"])
    assert "a=group:BUNDLE 0 7\r\n" in text
    assert [r.mid for r in negotiation.media({}).receives] == ["0", "7"]


def test_a_stopped_section_is_recycled_by_our_offer():
    negotiation = publisher(MIC, CAMERA)
    negotiation.answer_offer(describe(MIC, stopped(CAMERA)), [])
    offer, mids = negotiation.make_offer(sends_of(publisher(MIC), MIC))
    assert len(blocks(offer)) == 2
    negotiation.accept_answer(answer(offer))
    assert [s.mid for s in negotiation.media({mids[0]: SOURCE}).sends] == list(mids)


def test_sections_closed_by_negotiation_become_inactive():
    negotiation = publisher(MIC, CAMERA)
    negotiation.stop_sections(["1"])
    text = negotiation.answer_offer(describe(MIC, evolve(CAMERA, direction="inactive")), [])
    assert "a=inactive" in blocks(text)[1]
    assert [r.mid for r in negotiation.media({}).receives] == ["0"]


def test_a_section_published_earlier_stays_published():
    negotiation = publisher(MIC, CAMERA)
    text = negotiation.answer_offer(describe(MIC, CAMERA, M("video", "5")), ["5"])
    assert all("a=recvonly" in block for block in blocks(text))


def test_rollback_forgets_the_offer_but_not_its_names():
    negotiation = publisher(MIC)
    first, first_mids = negotiation.make_offer(sends_of(publisher(CAMERA), CAMERA))
    negotiation.rollback()
    assert not negotiation.open_offer
    second, second_mids = negotiation.make_offer(sends_of(publisher(CAMERA), CAMERA))
    assert len(blocks(first)) == len(blocks(second)) == 2
    assert first_mids != second_mids


def test_an_ice_restart_answers_with_new_credentials_and_keeps_the_old():
    negotiation = publisher(MIC)
    offer = describe(MIC, ufrag="another")
    assert negotiation.restarts_ice(offer)
    with pytest.raises(SdpError):
        negotiation.answer_offer(offer, [])
    negotiation.restart(evolve(LOCAL, ufrag="fresh"))
    assert "a=ice-ufrag:fresh" in negotiation.answer_offer(offer, [])
    assert [local.ufrag for local in negotiation.media({}).local] == [LOCAL.ufrag, "fresh"]
    assert not negotiation.restarts_ice(offer)


def test_our_first_offer_can_hold_data_channels_alone():
    negotiation = Negotiation(LOCAL)
    offer, mids = negotiation.make_offer([], data_channels=True)
    assert mids == ()
    assert not negotiation.data_channels
    negotiation.accept_answer(answer(offer))
    assert negotiation.data_channels


def test_a_section_the_endpoint_rejects_is_stopped():
    negotiation = publisher(MIC)
    offer, (mid,) = negotiation.make_offer(sends_of(publisher(CAMERA), CAMERA))
    negotiation.accept_answer(answer(offer, **{mid: M("video", mid, stopped=True)}))
    assert negotiation.media({mid: SOURCE}).sends == ()


def test_a_section_without_a_known_codec_is_rejected_but_not_when_published():
    odd = M("video", "1", codecs=frozenset())
    text = Negotiation(LOCAL).answer_offer(describe(MIC, odd).replace("SAVPF \r\n", "SAVPF 100\r\n"), ["0"])
    assert blocks(text)[1][0] == "m=video 0 UDP/TLS/RTP/SAVPF 100"
    with pytest.raises(SdpError):
        Negotiation(LOCAL).answer_offer(describe(MIC, odd).replace("SAVPF \r\n", "SAVPF 100\r\n"), ["0", "1"])
