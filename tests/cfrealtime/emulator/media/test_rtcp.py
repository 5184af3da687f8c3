"""RTCP as bytes. What we write is held against aiortc's reading of it."""

from __future__ import annotations

from aiortc.rtp import RtcpPacket, unpack_remb_fci
from hypothesis import given
from hypothesis import strategies as st

from cfrealtime.emulator.media import rtcp


def test_messages_of_a_compound_are_read():
    data = (
        rtcp.receiver_reports(1, [])
        + rtcp.sender_report(5, 6, 7, 8, 9)
        + rtcp.nack(1, 5, [3, 4, 30])
        + rtcp.key_frame_request(1, 5)
    )
    assert list(rtcp.parse(data)) == [
        rtcp.SenderReport(5, 6, 7),
        rtcp.Nack(5, (3, 4, 30)),
        rtcp.KeyFrameRequest(5),
    ]


def test_a_full_intra_request_names_its_streams_in_its_body():
    fir = bytes((0x84, 206, 0, 4)) + (1).to_bytes(4, "big") + bytes(4) + (9).to_bytes(4, "big") + b"\1\0\0\0"
    assert list(rtcp.parse(fir)) == [rtcp.KeyFrameRequest(9)]


@given(st.lists(st.integers(0, 0xFFFF), min_size=1, max_size=40, unique=True))
def test_nacks_are_read_as_written(sequences):
    (message,) = rtcp.parse(rtcp.nack(1, 5, sorted(sequences)))
    assert set(message.sequences) == set(sequences)


def test_reports_are_cut_at_what_one_can_hold():
    blocks = [rtcp.ReportBlock(ssrc, 255, -1, 70_000, 3, 4, 5) for ssrc in range(40)]
    reports = RtcpPacket.parse(rtcp.receiver_reports(1, blocks))
    assert [len(report.reports) for report in reports] == [31, 9]
    first = reports[0].reports[0]
    assert (first.fraction_lost, first.packets_lost, first.highest_sequence) == (255, -1, 70_000)
    assert (first.jitter, first.lsr, first.dlsr) == (3, 4, 5)


def test_the_bandwidth_message_says_what_it_should():
    (message,) = RtcpPacket.parse(rtcp.bandwidth(1, 8_000_000, [5, 6]))
    bitrate, ssrcs = unpack_remb_fci(message.fci)
    assert ssrcs == [5, 6]
    assert 7_990_000 < bitrate <= 8_000_000


@given(
    st.binary(max_size=80)
    | st.binary(max_size=40).map(lambda rest: rtcp.nack(1, 2, [3]) + b"\x81\xce" + rest)
)
def test_any_bytes_are_read_without_complaint(data):
    assert all(isinstance(m, rtcp.SenderReport | rtcp.KeyFrameRequest | rtcp.Nack) for m in rtcp.parse(data))
