"""HTTP, rules and real packets together: light peers on a served emulator."""

from __future__ import annotations

import asyncio

import pytest

from cfrealtime.emulator import Emulator, UdpMediaPlane
from tests.cfrealtime.emulator.peer import codes, remote, until
from tests.cfrealtime.emulator.talkers import heard, listening, served, talking


@pytest.fixture
async def emulator():
    return Emulator(media=UdpMediaPlane())


@pytest.fixture
async def client(emulator):
    async with served(emulator) as client:
        yield client


async def test_who_subscribes_hears_the_publisher_and_then_another_on_the_same_mid(emulator, client):
    async with (
        talking(client, 1000, b"alice") as (alice, _),
        talking(client, 2000, b"carol") as (carol, _),
        listening(client, remote(alice.id, "mic")) as (bob, ears, (mid,)),
    ):
        await ears.until(lambda: heard(ears, b"alice"))
        assert not heard(ears, b"carol")
        await asyncio.sleep(0.4)
        assert codes(await bob.update(remote(carol.id, "mic", mid=mid))) == [None]
        await ears.until(lambda: heard(ears, b"carol"))
        assert emulator.journal()["breaches"] == []


async def test_a_peer_that_closes_its_connection_ends_its_session_and_nobody_elses(emulator, client):
    async with (
        talking(client, 1000, b"alice") as (alice, voice),
        listening(client, remote(alice.id, "mic")) as (
            bob,
            _,
            _,
        ),
    ):
        await voice.dtls.stop()
        await until(lambda: not emulator.active_tracks())
        assert (await alice.get()).status_code == 410
        assert (await bob.get()).json()["tracks"][0]["status"] == "inactive"


async def test_a_force_closed_track_is_heard_no_more(emulator, client):
    async with (
        talking(client, 1000, b"alice") as (alice, _),
        listening(client, remote(alice.id, "mic")) as (_, ears, _),
    ):
        await ears.until(lambda: heard(ears, b"alice"))
        assert codes(await alice.force_close("0")) == [None]
        await ears.settled()
        ears.rtp.clear()
        await asyncio.sleep(0.2)
        assert not heard(ears, b"alice")
