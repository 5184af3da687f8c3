"""A network that loses packets and brings them late, by itself."""

from __future__ import annotations

import asyncio

import pytest

from cfrealtime.emulator.media.bad_network import BadNetwork
from cfrealtime.emulator.media.plan import Disturbance, Way

RTP, DATA, HANDSHAKE, CHECK = (bytes((first, 0)) for first in (128, 23, 22, 0))


def carried(network: BadNetwork, packets: list[bytes], *, up: bool = True) -> list[bytes]:
    """What gets through at once."""
    arrived = list[bytes]()
    for packet in packets:
        (network.up if up else network.down)(packet, arrived.append)
    return arrived


def numbered(count: int) -> list[bytes]:
    return [bytes((128,)) + number.to_bytes(4, "big") for number in range(count)]


def test_a_share_of_packets_is_lost_the_same_ones_with_the_same_seed():
    thin = Disturbance(up=Way(loss=0.1), seed="1")
    packets = numbered(2000)
    once = carried(BadNetwork(thin), packets)
    assert 1750 < len(once) < 1850
    assert once == carried(BadNetwork(thin), packets)
    assert once != carried(BadNetwork(Disturbance(up=Way(loss=0.1), seed="2")), packets)


def test_the_other_direction_is_spared():
    assert len(carried(BadNetwork(Disturbance(up=Way(loss=1))), numbered(50), up=False)) == 50


def test_media_and_data_are_lost_but_no_checks_and_handshakes():
    lossy = BadNetwork(Disturbance(up=Way(loss=1), down=Way(loss=1)))
    for up in (True, False):
        assert carried(lossy, [RTP, DATA, HANDSHAKE, CHECK], up=up) == [HANDSHAKE, CHECK]


@pytest.mark.looptime
async def test_packets_are_late_by_chance_and_overtake_each_other():
    network = BadNetwork(Disturbance(down=Way(jitter=2.0)))
    arrived, packets = list[bytes](), numbered(50)
    for packet in packets:
        network.down(packet, arrived.append)
    assert arrived == []
    await asyncio.sleep(1)
    assert 15 < len(arrived) < 35
    await asyncio.sleep(1)
    assert sorted(arrived) == packets
    assert arrived != packets


@pytest.mark.looptime
async def test_what_is_on_its_way_when_the_session_ends_never_arrives():
    network = BadNetwork(Disturbance(down=Way(jitter=2.0)))
    arrived = list[bytes]()
    network.down(RTP, arrived.append)
    network.close()
    await asyncio.sleep(3)
    assert arrived == []
