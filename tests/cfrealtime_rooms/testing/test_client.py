"""The client, message by message: the room is played by the test, the SFU by the emulator's rules."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from cfrealtime.emulator.media.plan import Address, LocalTransport
from cfrealtime.emulator.sdp.negotiation import Negotiation
from cfrealtime_rooms.testing import Participant, RefusedError, SilentPeer

pytestmark = pytest.mark.looptime


def sfu() -> Negotiation:
    return Negotiation(LocalTransport("wxyz", "q" * 24, ":".join(["AB"] * 32), Address("127.0.0.1", 4000)))


def view(identity: str, **sources: str) -> dict[str, Any]:
    """A participant and its publications: source=state."""
    publications = [
        {
            "id": f"{identity}-{source}-{state}",
            "source": source,
            "kind": "audio",
            "muted": False,
            "state": state,
        }
        for source, state in sources.items()
    ]
    return {
        "id": identity,
        "identity": identity,
        "name": identity,
        "state": "connected",
        "attributes": {},
        "publications": publications,
    }


class Room:
    """What a room would say, and what it was told."""

    def __init__(self, **options: Any) -> None:
        self.told = list[dict[str, Any]]()
        self.sfu = sfu()
        self.ann = Participant(name="ann", **{"sources": ("microphone",), **options})
        self.open()

    def open(self) -> None:
        self.ann.attach(lambda text: self.told.append(json.loads(text)))

    async def say(self, kind: str, **fields: Any) -> None:
        await self.ann.receive(json.dumps({"type": kind, **fields}))

    def take(self) -> list[dict[str, Any]]:
        told, self.told = self.told, []
        return told

    async def join(self) -> None:
        """Ann is in the room, connected and sending."""
        joining = asyncio.create_task(self.ann.join())
        await asyncio.sleep(0)
        await self.say("welcome", protocol=1, ice_servers=[], limits={})
        (join,) = self.take()
        await self.joined()
        await joining
        if "offer" in join:
            await self.answer(1, join)
        await asyncio.sleep(1)

    async def joined(self, epoch: int = 1, token: str = "t1", *others: dict[str, Any]) -> None:
        people = [view("ann", microphone="live"), *others]
        snapshot = {"revision": 1, "participants": people, "mids": {}}
        await self.say("joined", participant="ann", epoch=epoch, token=token, snapshot=snapshot)

    async def answer(self, exchange: int, offer: dict[str, Any], epoch: int = 1) -> None:
        sdp = offer.get("offer") or offer["sdp"]
        answer = self.sfu.answer_offer(sdp, [track["mid"] for track in offer["tracks"]])
        await self.say("answer", exchange=exchange, epoch=epoch, sdp=answer)

    async def ask_to_publish(self, source: str) -> asyncio.Task[None]:
        publishing = asyncio.create_task(self.ann.publish(source))
        await asyncio.sleep(0)
        assert self.take() == [{"type": "negotiate"}]
        return publishing


async def test_the_first_offer_rides_in_join_and_one_report_follows():
    room = Room(sources=("microphone", "camera"))
    await room.join()
    assert [(one["type"], one.get("state"), one.get("sending")) for one in room.take()] == [
        ("applied", None, None),
        ("media", "connected", []),
        ("media", None, ["camera", "microphone"]),
    ]


async def test_a_source_that_is_late_to_send_is_not_waited_for_longer_than_half_a_second():
    class Late(SilentPeer):
        sending = frozenset({"microphone"})

    room = Room(sources=("microphone", "camera"), peer_factory=Late)
    await room.join()
    assert room.take()[-1] == {"type": "media", "epoch": 1, "sending": ["microphone"]}


async def test_a_refused_join_raises():
    room = Room()
    joining = asyncio.create_task(room.ann.join())
    await asyncio.sleep(0)
    await room.say("welcome", protocol=1, ice_servers=[], limits={})
    await room.say("error", code="room_full", message="The room is full.", in_reply_to="join")
    with pytest.raises(RefusedError, match="room_full"):
        await joining


async def test_publishing_later_waits_for_a_grant():
    room = Room()
    await room.join()
    room.take()
    publishing = await room.ask_to_publish("camera")
    await room.say("grant", grant=7, epoch=1, deadline=10)
    (offer,) = room.take()
    assert (offer["grant"], [track["source"] for track in offer["tracks"]]) == (7, ["camera"])
    await room.say("answer", exchange=6, epoch=1, sdp="of another exchange")
    assert not room.take()
    await room.answer(7, offer)
    await publishing
    assert room.take()[0] == {"type": "applied", "exchange": 7}


async def test_a_refused_offer_is_undone_and_raises():
    room = Room()
    await room.join()
    room.take()
    publishing = await room.ask_to_publish("camera")
    await room.say("grant", grant=7, epoch=1, deadline=10)
    await room.say("error", code="source_taken", message="Taken.", in_reply_to="offer")
    with pytest.raises(RefusedError, match="source_taken"):
        await publishing
    room.take()
    await room.ask_to_publish("screen")


async def test_an_offer_that_came_too_late_asks_again():
    room = Room()
    await room.join()
    room.take()
    publishing = await room.ask_to_publish("camera")
    await room.say("grant", grant=7, epoch=1, deadline=10)
    room.take()
    await room.say("error", code="stale", message="Too late.", in_reply_to="offer")
    assert room.take() == [{"type": "negotiate"}]
    publishing.cancel()


async def test_a_replacement_offers_everything_under_its_grant():
    room = Room()
    await room.join()
    room.take()
    first, room.sfu = room.ann.peer, sfu()
    await room.say("replace", epoch=2, grant=3, deadline=10)
    (offer,) = room.take()
    assert [track["source"] for track in offer["tracks"]] == ["microphone"]
    assert first.state == "closed"
    await room.answer(3, offer, epoch=2)
    await asyncio.sleep(1)
    assert [one["epoch"] for one in room.take() if one["type"] == "media"] == [2, 2]


async def test_what_an_older_epoch_says_is_ignored():
    room = Room()
    await room.join()
    await room.say("replace", epoch=2, grant=None, deadline=None)
    room.take()
    await room.say("offer", exchange=1, epoch=1, sdp="late", mids={})
    await room.say("mids", epoch=1, mids={"s0": "bob-microphone-live"})
    await room.say("grant", grant=1, epoch=1, deadline=10)
    assert not room.take()
    assert room.ann.mids == {}


async def test_a_resumed_channel_hears_again_what_media_does():
    room = Room()
    await room.join()
    room.ann.detach()
    room.take()
    room.open()
    await room.say("welcome", protocol=1, ice_servers=[], limits={})
    assert room.take() == [{"type": "resume", "token": "t1", "epoch": 1}]
    await room.joined(token="t2")
    assert room.take() == [
        {"type": "media", "epoch": 1, "state": "connected", "sending": []},
        {"type": "media", "epoch": 1, "sending": ["microphone"]},
    ]


async def test_a_token_that_is_unknown_leads_to_a_fresh_join():
    room = Room()
    await room.join()
    first = room.ann.peer
    room.ann.detach()
    room.take()
    room.open()
    await room.say("welcome", protocol=1, ice_servers=[], limits={})
    await room.say("error", code="resume_failed", message="Unknown.", in_reply_to="resume")
    resume, join = room.take()
    assert (resume["type"], join["type"], "offer" in join) == ("resume", "join", True)
    assert first.state == "closed"
    assert not room.ann.joined


async def test_a_dead_publication_is_published_anew_once():
    room = Room()
    await room.join()
    room.take()
    for revision in (2, 3):
        dead = view("ann", microphone="dead")
        await room.say("delta", since=revision - 1, revision=revision, participants=[dead], left=[])
    assert room.take() == [{"type": "negotiate"}]


async def test_a_gap_in_the_revisions_asks_for_a_snapshot():
    room = Room()
    await room.join()
    room.take()
    await room.say("delta", since=1, revision=2, participants=[view("bob")], left=[])
    await room.say("delta", since=1, revision=2, participants=[], left=[{"id": "bob", "reason": "left"}])
    assert set(room.ann.others) == {"bob"}
    await room.say("delta", since=5, revision=6, participants=[view("cy")], left=[])
    assert room.take() == [{"type": "snapshot"}]
    await room.say("snapshot", revision=6, participants=[view("cy")], mids={})
    assert set(room.ann.others) == {"cy"}


async def test_people_of_one_name_are_told_apart_by_id():
    room = Room()
    await room.join()
    two = [{**view(identity, microphone="live"), "name": "bob"} for identity in ("b1", "b2")]
    await room.say("delta", since=1, revision=2, participants=two, left=[])
    await room.say("mids", epoch=1, mids={"s0": "b1-microphone-live"})
    assert set(room.ann.others) == {"b1", "b2"}
    assert set(room.ann.receiving()) == {("b1", "microphone")}
    assert room.ann.missing() == {("b2", "microphone")}


async def test_a_description_that_cannot_be_applied_counts_as_a_failed_connection():
    room = Room()
    await room.join()
    room.take()
    await room.say("offer", exchange=2, epoch=1, sdp="no description", mids={})
    assert room.take() == [{"type": "media", "epoch": 1, "state": "failed", "sending": []}]
    assert len(room.ann.faults) == 1


async def test_a_closed_participant_is_out():
    room = Room()
    await room.join()
    await room.say("closed", reason="removed")
    assert (room.ann.closed, room.ann.joined, room.ann.peer.state) == ("removed", False, "closed")


async def test_a_room_of_another_version_is_not_joined():
    room = Room()
    joining = asyncio.create_task(room.ann.join())
    await asyncio.sleep(0)
    await room.say("welcome", protocol=2, something="else")
    with pytest.raises(ConnectionRefusedError, match="version 2"):
        await joining
    assert room.take() == []
