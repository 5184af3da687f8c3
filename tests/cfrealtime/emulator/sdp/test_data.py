"""What a description says about data channels, and what becomes of it."""

from __future__ import annotations

import pytest

from cfrealtime.emulator.media.plan import DataTransport
from cfrealtime.emulator.sdp import Negotiation, SdpError
from tests.cfrealtime.emulator.sdp.endpoint import LOCAL, M, answer, blocks, describe, stopped, value

DATA = M("application", "0")


def offered(*lines: str) -> str:
    """An offer of data channels that says just this about SCTP."""
    return describe(DATA).replace("a=sctp-port:5000", "\r\n".join(lines) or "a=x")


def transport(offer: str) -> DataTransport | None:
    negotiation = Negotiation(LOCAL)
    negotiation.answer_offer(offer, publish=())
    return negotiation.media({}).data_channels


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ((), DataTransport(5000, 65_536)),
        (("a=sctp-port:5001", "a=max-message-size:262144"), DataTransport(5001, 262_144)),
        (("a=max-message-size:0",), DataTransport(5000, 0)),
    ],
)
def test_the_port_and_the_longest_message_are_the_endpoints(lines, expected):
    assert transport(offered(*lines)) == expected


@pytest.mark.parametrize("line", ["a=sctp-port:0", "a=sctp-port:65536", "a=max-message-size:many"])
def test_numbers_that_are_none_are_refused(line):
    with pytest.raises(SdpError):
        transport(offered(line))


def test_our_own_description_takes_messages_of_256_kib():
    offer, _ = Negotiation(LOCAL).make_offer((), data_channels=True)
    assert value(blocks(offer)[0], "max-message-size") == "262144"


def test_there_is_no_transport_before_the_endpoints_answer_nor_after_it_stopped_the_section():
    negotiation = Negotiation(LOCAL)
    offer, _ = negotiation.make_offer((), data_channels=True)
    assert negotiation.media({}).data_channels is None
    negotiation.accept_answer(answer(offer))
    assert negotiation.media({}).data_channels == DataTransport()
    section = stopped(M("application", value(blocks(offer)[0], "mid")))
    negotiation.answer_offer(describe(section, M("audio", "1")), publish=())
    assert negotiation.media({}).data_channels is None
