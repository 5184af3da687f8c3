"""Machines whose network cannot carry WebRTC."""

from __future__ import annotations

import pytest

from cfrealtime.emulator.media.network import network_problem


@pytest.mark.parametrize("address", [None, "127.0.0.1"])
def test_a_machine_without_a_way_out_is_told_what_to_do(address):
    assert "Connect it to a network" in network_problem(lambda: address)


def test_a_machine_with_an_address_has_no_problem():
    assert network_problem(lambda: "192.0.2.7") is None
