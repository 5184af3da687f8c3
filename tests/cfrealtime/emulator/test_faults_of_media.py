"""Loss, jitter, silence, cut networks and dead sessions with real packets."""

from __future__ import annotations

import asyncio
import contextlib

import pytest

from cfrealtime.emulator import Emulator, UdpMediaPlane
from cfrealtime.emulator.media import rtp, udp
from tests.cfrealtime.emulator.peer import remote, until
from tests.cfrealtime.emulator.talkers import heard, listening, served, talking

WORD = b"hello"


@pytest.fixture
async def emulator():
    return Emulator(media=UdpMediaPlane())


@pytest.fixture
async def client(emulator):
    async with served(emulator) as client:
        yield client


async def numbers(ears, count: int = 25) -> list[int]:
    """The sequence numbers of the next so many packets, in the order in which they arrive."""
    await ears.settled()
    ears.rtp.clear()
    await ears.until(lambda: len(ears.rtp) >= count)
    return [packet.sequence for packet in map(rtp.parse, ears.rtp) if packet.payload == WORD]


def arrived(came: list[int]) -> float:
    """The share of what was sent."""
    return len(came) / (came[-1] - came[0] + 1)


async def test_what_a_session_sends_or_is_sent_is_lost_as_asked(emulator, client):
    async with (
        talking(client, 1000, WORD) as (ann, _),
        listening(client, remote(ann.id, "mic")) as (_, ears, _),
    ):
        await ears.until(lambda: heard(ears, WORD))
        for session, direction in (("#1", "up"), ("#2", "down")):
            fault = emulator.faults.add(f"loss share=0.5 session={session} direction={direction}")
            assert 0.2 < arrived(await numbers(ears, 40)) < 0.85
            emulator.faults.remove(fault)
        for session, direction in (("#1", "down"), ("#2", "up")):
            emulator.faults.add(f"loss share=1 session={session} direction={direction}")
        assert arrived(await numbers(ears)) == 1
        assert emulator.state()["sessions"][0]["faults"] == ["loss share=1 direction=down session='#1'"]


async def test_jitter_changes_the_order(emulator, client):
    async with (
        talking(client, 1000, WORD) as (ann, _),
        listening(client, remote(ann.id, "mic")) as (_, ears, _),
    ):
        emulator.faults.add("jitter seconds=0.2 session=#2 direction=down")
        came = await numbers(ears, 50)
        assert came != sorted(came)


async def test_a_silenced_track_is_heard_no_more_until_it_is_allowed(emulator, client):
    async with (
        talking(client, 1000, WORD) as (ann, _),
        listening(client, remote(ann.id, "mic")) as (_, ears, _),
    ):
        await ears.until(lambda: heard(ears, WORD))
        fault = emulator.faults.silence(ann.id, "mic")
        await ears.settled()
        ears.rtp.clear()
        await asyncio.sleep(0.3)
        assert not heard(ears, WORD)
        emulator.faults.remove(fault)
        await ears.until(lambda: len(ears.rtp) > 5)


async def test_a_dead_session_is_told_to_its_endpoint(emulator, client):
    async with talking(client, 1000, WORD) as (ann, voice):
        emulator.faults.kill_session(ann.id)
        await until(lambda: voice.dtls.state == "closed")
        assert (await ann.get()).status_code == 410


async def test_a_cut_session_is_lost_when_its_consent_expires_and_found_again(emulator, client, monkeypatch):
    monkeypatch.setattr(udp, "CONSENT", 0.2)
    async with talking(client, 1000, WORD) as (ann, voice):
        checks = asyncio.create_task(check_for_ever(voice))
        fault = emulator.faults.cut(ann.id)
        await until(lambda: emulator.state()["sessions"][0]["lost"])
        assert not emulator.state()["sessions"][0]["connected"]
        emulator.faults.remove(fault)
        await until(lambda: emulator.state()["sessions"][0]["connected"])
        checks.cancel()
        await asyncio.gather(checks, return_exceptions=True)


async def test_what_was_carried_is_counted_on_both_sides(emulator, client):
    async with (
        talking(client, 1000, WORD) as (ann, _),
        listening(client, remote(ann.id, "mic")) as (_, ears, _),
    ):
        await ears.until(lambda: len(ears.rtp) > 5)
        sent, received = (session["tracks"][0] for session in emulator.state()["sessions"])
        assert sent["packets"] >= received["packets"] > 5
        assert sent["bytes"] == len(WORD) * sent["packets"]


async def check_for_ever(voice) -> None:
    while True:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(voice.check(), 0.05)
        await asyncio.sleep(0.05)
