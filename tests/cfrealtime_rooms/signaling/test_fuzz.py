"""Several hostile clients send whatever they like, in any order: errors for them, nothing for the others."""

from __future__ import annotations

import asyncio
import json
import random
import string
import tracemalloc
from typing import Any

import pytest

from cfrealtime_rooms.testing import Guests

from ..hosting import channel, hosting, settle
from .examples import COMMANDS

pytestmark = pytest.mark.looptime

CODES = {
    "already_joined",
    "bad_message",
    "bad_sdp",
    "name_invalid",
    "no_grant",
    "no_tracks",
    "not_allowed",
    "not_joined",
    "publish_failed",
    "resume_failed",
    "source_taken",
    "stale",
    "too_large",
    "too_many_tracks",
    "unknown_participant",
    "unknown_publication",
    "unknown_source",
}
ODD: tuple[Any, ...] = (None, True, -1, 0, 1, 2, 3, 10**30, 0.5, "", "x", "x" * 300, "\x00", [], {}, [[]])


class Hostile:
    """One client whose every message follows from a seed."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self.heard: list[dict[str, Any]] = []

    def text(self) -> str:
        """Bytes, JSON, half a message, or a message of the protocol with something wrong in it."""
        match self.rng.randrange(6):
            case 0:
                return "".join(self.rng.choices(string.printable, k=self.rng.randrange(200)))
            case 1:
                return json.dumps(self.value(3))
            case 2:
                text = json.dumps(self.message())
                return text[: self.rng.randrange(len(text))]
            case _:
                return json.dumps(self.message())

    def message(self) -> dict[str, Any]:
        """Of the right kind, with fields changed, missing and too many, or taken from what it was told."""
        message = dict(self.rng.choice(EXAMPLES))
        for key in list(message):
            if key != "type" and self.rng.random() < 0.4:
                message[key] = self.value(2)
        if self.rng.random() < 0.2 and len(message) > 1:
            message.pop(self.rng.choice([key for key in message if key != "type"]))
        known = {key: value for told in self.heard[-5:] for key, value in told.items() if key in ID_FIELDS}
        return {**message, **known} if self.rng.random() < 0.5 else message

    def value(self, depth: int) -> Any:
        """Any JSON."""
        if depth and self.rng.random() < 0.3:
            return [self.value(depth - 1) for _ in range(self.rng.randrange(4))]
        if depth and self.rng.random() < 0.3:
            return {self.rng.choice("abtype"): self.value(depth - 1) for _ in range(self.rng.randrange(4))}
        return self.rng.choice(ODD)


ID_FIELDS = ("epoch", "exchange", "grant", "participant", "token")
EXAMPLES = [message for message, _ in COMMANDS]


async def attack(rooms: Any, rng: random.Random, messages: int) -> Hostile:
    """One hostile client after the other, whenever the room has closed the door on the last."""
    hostile, identity = Hostile(rng), f"eve-{rng.random()}"
    while messages:
        async with channel(rooms, identity, "demo", name=None) as (told, says):
            while messages and not told.closed:
                messages -= 1
                await says.receive(hostile.text())
                if rng.random() < 0.1:
                    await asyncio.sleep(rng.choice((0.01, 0.3, 20.0)))
                hostile.heard = told.told
            await settle()
            errors = [one["code"] for one in told.told if one["type"] == "error"]
            assert set(errors) <= CODES, set(errors) - CODES
    return hostile


@pytest.mark.parametrize("seed", range(6))
async def test_whatever_several_clients_send_costs_others_nothing(seed):
    async with hosting(grace=3.0) as (rooms, emulator), Guests(rooms) as guests:
        ann, bob = await guests.join_at_once("ann", "bob")
        await asyncio.sleep(10)
        before = {p["identity"]: (p["session_id"], p["epoch"]) for p in rooms.inspect("demo")["participants"]}
        rngs = [random.Random(f"{seed}/{n}") for n in range(3)]
        await asyncio.gather(*(attack(rooms, rng, 300) for rng in rngs))
        await asyncio.sleep(60)
        after = {p["identity"]: (p["session_id"], p["epoch"]) for p in rooms.inspect("demo")["participants"]}
        assert before.items() <= after.items()
        assert (ann.errors, bob.errors, ann.faults, bob.faults) == ([], [], [], [])
        assert set(ann.receiving()) >= {("bob", "microphone"), ("bob", "camera")}
        assert set(bob.receiving()) >= {("ann", "microphone"), ("ann", "camera")}
        await ann.publish("screen")
        await asyncio.sleep(10)
        assert ("ann", "screen") in bob.receiving()
        assert rooms.inspect("demo")["ledger"] == []
        assert emulator.journal()["breaches"] == []


@pytest.mark.parametrize("reads", [True, False])
async def test_what_one_connection_can_make_the_room_keep_is_bounded(reads):
    async def send(text: str) -> None:
        if not reads:
            await asyncio.Event().wait()

    async def flood(says: Any, messages: int) -> int:
        for n in range(messages):
            kind = ("mute", "attributes", "message", "x")[n % 4]
            await says.receive(json.dumps({"type": kind, "text": "x" * 999}))
        await settle()
        return tracemalloc.get_traced_memory()[0]

    async with hosting() as (rooms, _), channel(rooms, "eve", "demo", send=send) as (_, says):
        await says.receive('{"type": "join"}')
        tracemalloc.start()
        try:
            early = await flood(says, 600)
            late = await flood(says, 1_200)
        finally:
            tracemalloc.stop()
        assert late - early < 100_000
