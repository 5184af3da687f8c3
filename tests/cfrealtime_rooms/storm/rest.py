"""After a storm: nothing fails any more, whoever can comes back, time passes; then all this must hold."""

from __future__ import annotations

import asyncio
from typing import Any

from cfrealtime_rooms import Permissions
from cfrealtime_rooms.core.layers import TRIES, rid_of
from cfrealtime_rooms.core.views import snapshot
from tests.cfrealtime_rooms.storm.moves import make
from tests.cfrealtime_rooms.storm.people import Person
from tests.cfrealtime_rooms.storm.world import PLACES, World

PLAIN = {"sources": "", "team": "", "latency": 0.0, "sends_after": 0.0}


async def calm(world: World) -> None:
    """Let it end."""
    world.emulator.faults.clear()
    world.door.away = False
    world.house.fast()
    for person in world.present():
        person.hangs_until, person.trick = 0.0, None
        person.sound(on=True)
    if world.actor is None and world.store._rooms and not world.present():
        # What a process has left is its successor's, as soon as anybody comes.
        await make(world, ("join", {"who": 0, **PLAIN}))
    for _ in range(3):
        await asyncio.sleep(40)
        _break_what_is_dead(world)
        for place in range(PLACES):
            person = world.person(place)
            if person is not None and person.away:
                world.spawn(person.reconnect())
            elif person is not None and person.turned_away:
                world.people[place] = None
                await person.aclose()
    await asyncio.sleep(150)
    assert not world.tasks, world.tasks
    world.complain()
    for person in world.present():
        _wish(world, person)
    await asyncio.sleep(30)


def _break_what_is_dead(world: World) -> None:
    """A client loses its connection with its session, also where no call has told the room."""
    members = {member["id"]: member for member in world.stage.room()["participants"]}
    for person in world.present():
        member = members.get(person.participant_id or "")
        session = world.emulator._world.sessions.get(member["session_id"] if member else None)
        if session is not None and session.ended_at is not None and person.peer is not None:
            person.peer.break_connection()


def _wish(world: World, person: Person) -> None:
    """Say once more whom and what to receive: what was said before may have been lost with a channel."""
    others = [one for one in person.roster.participants.values() if one.id != person.participant_id]
    if world.climate.policy == "selected":
        chosen = sorted(one.id for one in others)[::2]
        world.chosen[person.participant_id or ""] = chosen
        person.select(participants=chosen)
    layers = {p.id: "medium" for one in others for p in one.publications if p.rids}
    if layers:
        person.prefer_layers(layers)


async def check(world: World) -> None:
    """Everyone has what it may and should have, the SFU no more than that, and all is quiet."""
    people = world.present()
    world.stage.check()
    members = {member["id"]: member for member in world.stage.room()["participants"]}
    told = sorted(one.participant_id or one.describe() for one in people)
    assert told == sorted(members), ([one.describe() for one in people], members)
    for person in people:
        assert person.faults == []
        member = members[person.participant_id or ""]
        _check_rights(world, person, member)
        _check_picture(world, person, member)
        _check_reception(world, person, members)
    _check_machinery(world)
    calls = world.emulator.count()
    assert calls <= world.allowed, (calls, world.allowed)
    await asyncio.sleep(60)
    assert world.emulator.count() == calls


def _check_rights(world: World, person: Person, member: dict[str, Any]) -> None:
    """It publishes all that it wants to, and nothing that it may not."""
    decided = world.decisions if world.actor is not None else None
    assert decided is not None
    now = asyncio.get_running_loop().time()
    assert decided.banned.get(person.identity, 0.0) <= now
    rights = decided.rights.get(person.identity, Permissions())
    assert {p["state"] for p in member["publications"]} <= {"live"}, member
    published = {p["source"]: p["muted"] for p in member["publications"]}
    assert published == {source: one.muted for source, one in person._sources.items()}, member
    assert all(rights.may_publish(source) for source in published)
    assert not published.keys() & decided.muted.get(person.identity, set())


def _check_picture(world: World, person: Person, member: dict[str, Any]) -> None:
    """Its client shows what the room would tell it now, and was never told what it may not see."""
    room = world.actor._machine.room
    whole = snapshot(room, room.participants[person.participant_id])
    assert person.roster.participants == {one.id: one for one in whole.participants}
    # A mid whose publication is gone is told when it carries another.
    mids = {mid: one for mid, one in person.mids.items() if person.roster.owner(one)}
    assert mids == dict(whole.mids) == _carried(member), member
    if world.climate.teams:
        mine = person.me.attributes if person.me is not None else {}
        attributes = {one.id: one.attributes for one in room.participants.values()}
        seen = {one for one, theirs in attributes.items() if world.sees(room.attributes, mine, theirs)}
        assert person.roster.participants.keys() == seen | {person.participant_id}
        assert {pair for pair in person.heard_of if pair[0] != pair[1]} <= world.seen
    assert room.attributes.get("open", "") == world.decisions.attributes.get("open", "")


def _carried(member: dict[str, Any]) -> dict[str, str]:
    return {mid: publication for mid, publication in member["actual"].items() if publication}


def _check_reception(world: World, person: Person, members: dict[str, dict[str, Any]]) -> None:
    """Reckoned from what was asked for, not from what the room thinks is wanted."""
    rights = world.decisions.rights.get(person.identity, Permissions())
    member = members[person.participant_id or ""]
    publications = {
        one["id"]: one
        for other in person.roster.participants
        if other != person.participant_id
        and (world.climate.policy != "selected" or other in world.chosen.get(person.participant_id or "", ()))
        for one in members[other]["publications"]
        if world.climate.policy != "audio only" or one["kind"] == "audio"
    }
    expected = set(publications) if rights.subscribe else set()
    received = list(_carried(member).values())
    assert sorted(received) == sorted(expected), (received, expected)
    _check_layers(world, person)


def _check_layers(world: World, person: Person) -> None:
    room = world.actor._machine.room
    lane = room.participants[person.participant_id].lane
    session = world.emulator._world.sessions.get(lane.session_id or "")
    layered = {
        one.id: one.rids
        for other in room.participants.values()
        for one in other.publications.values()
        if one.rids
    }
    for mid, subscription in lane.subscriptions.items():
        if subscription.publication not in layered or session is None:
            continue
        if subscription.layer_retry is not None and subscription.layer_retry.tries >= TRIES:
            continue
        simulcast = session.subscriptions[mid].simulcast
        assert simulcast is not None
        assert simulcast.preferred_rid == rid_of("medium", layered[subscription.publication])


def _check_machinery(world: World) -> None:
    """Nothing waits anywhere."""
    actor = world.actor
    if actor is None:
        return
    assert not actor._inbox
    assert not actor._calls
    assert not actor._machine.room.operations
    assert not any(outbox._waiting for outbox in actor._outboxes.values())
    assert not world.rooms._stopping


async def check_the_end(world: World) -> None:
    """Everybody has gone: the SFU, the store and the loop hold nothing of them."""
    await world.until_nothing_is_left()
    world.complain()
    assert world.rooms.room_ids() == [], world.stage.room()
    assert not world.rooms._stopping
    assert world.emulator.active_tracks() == []
    assert world.emulator.journal()["breaches"] == []
    assert world.store._rooms == {}
    await world.rooms.aclose()
    world.house.rooms = None
    left = {task for task in asyncio.all_tasks() if task is not asyncio.current_task()}
    assert not left, left
