"""What people, their pages and their networks do."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from cfrealtime_rooms.testing import Outgoing, SilentPeer
from tests.cfrealtime_rooms.scenarios.scene import ROOM
from tests.cfrealtime_rooms.storm.moves import CHOICE, QUIET, SESSION, TRACK, WHO, move
from tests.cfrealtime_rooms.storm.people import Person
from tests.cfrealtime_rooms.storm.world import IDENTITIES, World

SOURCES = ("microphone", "camera", "screen", "screen_audio")
LAYERED = Outgoing("camera", "video", rids=("q", "h", "f"))
WRONG = (
    "",
    "[]",
    '{"type": "join"}',
    '{"type": "applied", "exchange": 1}',
    '{"type": "answer", "exchange": 999, "sdp": "v=0"}',
    '{"type": "offer", "grant": 1, "sdp": "v=0", "tracks": [{"mid": "0", "source": "x", "kind": "audio"}]}',
    '{"type": "media", "epoch": 0, "state": "failed"}',
    '{"type": "unpublish", "source": "nothing"}',
    '{"type": "layers", "layers": {"nobody": "low"}}',
    '{"type": "message", "text": "?", "to": ["nobody"]}',
    '{"type": "resume", "token": "guessed", "epoch": 1}',
)


def _sources(names: str) -> list[str | Outgoing]:
    return [LAYERED if one == "layered" else one for one in names.split()]


@move(
    weight=30,
    who=WHO,
    sources=("", "microphone", "microphone camera", "microphone layered"),
    team=("", "red"),
    latency=(0.0, 0.05, 0.3),
    sends_after=(0.0, 0.2),
)
async def join(
    world: World, who: int, sources: str, team: str, latency: float, sends_after: float
) -> bool | None:
    """A person comes, or one who is here opens another tab."""
    if world.person(who) is not None:
        return False
    person = Person(
        world.house,
        ROOM,
        f"p{who % IDENTITIES}",
        sources=_sources(sources),
        attributes={"team": team} if team else None,
        latency=latency,
        peer_factory=lambda: SilentPeer(send_after=sends_after),
    )
    world.people[who] = person
    world.spawn(person.enter())
    return None


@move(weight=3, who=WHO)
async def leave(world: World, who: int) -> bool | None:
    """For good."""
    person = world.joined(who)
    if person is None:
        return False
    world.people[who] = None
    world.spawn(_leaves(person))
    return None


async def _leaves(person: Person) -> None:
    try:
        await person.leave()
    finally:
        await person.aclose()


@move(weight=3, who=WHO)
async def crash(world: World, who: int) -> bool | None:
    """Neither a word nor a packet any more."""
    person = world.person(who)
    if person is None:
        return False
    world.people[who] = None
    await person.aclose()
    return None


@move(weight=8, cost=CHOICE, who=WHO)
async def drop(world: World, who: int) -> bool | None:
    """The socket breaks."""
    person = world.joined(who)
    if person is None:
        return False
    await person.drop()
    return None


@move(weight=24, who=WHO, reload=(False, True), token=("right", "right", "right", "wrong"))
async def come_back(world: World, who: int, reload: bool, token: str) -> bool | None:
    """After the socket broke, now and then with a page loaded anew, or a token that is none."""
    person = world.person(who)
    if person is None or not person.away:
        return False
    if token == "wrong" and person.token is not None:
        person.token = "wrong"
    world.spawn(person.reconnect(reload=reload))
    return None


@move(weight=16, cost=TRACK, who=WHO, source=SOURCES)
async def publish(world: World, who: int, source: str) -> bool | None:
    """One more source."""
    person = world.person(who)
    if person is None or source in person._sources:
        return False
    world.spawn(person.publish(source))
    return None


@move(weight=8, cost=TRACK, who=WHO, source=SOURCES)
async def unpublish(world: World, who: int, source: str) -> bool | None:
    """One source less."""
    person = world.person(who)
    if person is None or source not in person._sources:
        return False
    person.unpublish(source)
    return None


@move(weight=12, cost=QUIET, who=WHO, source=SOURCES, muted=(True, False))
async def mute(world: World, who: int, source: str, muted: bool) -> bool | None:
    """Softly."""
    person = world.person(who)
    if person is None or source not in person._sources or person._sources[source].muted == muted:
        return False
    person.mute(source, muted=muted)
    return None


@move(weight=12, cost=QUIET, who=WHO, key=("hand", "mood"), value=("", "up", "down"))
async def attribute(world: World, who: int, key: str, value: str) -> bool | None:
    """Something about oneself."""
    person = world.joined(who)
    if person is None:
        return False
    person.set_attributes(**{key: value})
    return None


@move(weight=8, cost=TRACK, who=WHO, team=("", "red", "blue"))
async def change_team(world: World, who: int, team: str) -> bool | None:
    """Others see one, and one sees others."""
    person = world.joined(who)
    if person is None or not world.climate.teams:
        return False
    person.set_attributes(team=team)
    world.allowed += 2 * len(world.present())
    return None


@move(weight=8, cost=QUIET, who=WHO, to=("all", "first", "nobody"))
async def say(world: World, who: int, to: str) -> bool | None:
    """To everyone, to someone, to nobody who is there."""
    person = world.joined(who)
    if person is None:
        return False
    others = [one for one in person.roster.participants if one != person.participant_id]
    person.say("hello", to={"all": None, "first": others[:1], "nobody": ["p-none"]}[to])
    return None


@move(weight=12, cost=CHOICE, who=WHO, how=("first", "last", "all", "none", "publication"))
async def select(world: World, who: int, how: str) -> bool | None:
    """Another choice of whom to receive."""
    person = world.joined(who)
    if person is None:
        return False
    others = [one for one in person.roster.participants.values() if one.id != person.participant_id]
    ids = [one.id for one in others]
    chosen = {"first": ids[:1], "last": ids[-1:], "all": ids}.get(how, [])
    single = [one.publications[0].id for one in others if one.publications][:1]
    person.select(participants=chosen, publications=single if how == "publication" else [])
    return None


@move(weight=14, cost=CHOICE, who=WHO, layer=("low", "medium", "high", "q", None, "nothing"))
async def prefer_layer(world: World, who: int, layer: str | None) -> bool | None:
    """Of everything that has layers."""
    person = world.joined(who)
    if person is None:
        return False
    layered = [
        one.id
        for other in person.roster.participants.values()
        if other.id != person.participant_id
        for one in other.publications
        if one.rids
    ]
    if not layered:
        return False
    person.prefer_layers(dict.fromkeys(layered, layer))
    return None


@move(weight=4, cost=QUIET, who=WHO)
async def ask_for_a_snapshot(world: World, who: int) -> bool | None:
    """As after a gap."""
    if (person := world.joined(who)) is None:
        return False
    person.send_raw('{"type": "snapshot"}')
    return None


@move(weight=6, cost=QUIET, who=WHO, text=WRONG)
async def talk_nonsense(world: World, who: int, text: str) -> bool | None:
    """What no client of ours would say."""
    person = world.joined(who)
    if person is None:
        return False
    person.send_raw(text)
    return None


@move(weight=20, cost=SESSION, who=WHO, sdp=("v=0", "", "nonsense"))
async def offer_nonsense(world: World, who: int, sdp: str) -> bool | None:
    """Under whatever grant is open."""
    person = world.joined(who)
    member = _member(world, person)
    if person is None or member is None or member["phase"] != "AwaitingOffer":
        return False
    lane = world.actor._machine.room.participants[person.participant_id].lane
    track: dict[str, Any] = {"mid": "0", "source": "hologram", "kind": "video"}
    person.send_raw(
        json.dumps({"type": "offer", "grant": lane.phase.exchange, "sdp": sdp, "tracks": [track]})
    )
    return None


@move(weight=6, who=WHO, trick=("never", "twice", "late", "stale", "foreign"))
async def answer_wrongly(world: World, who: int, trick: Any) -> bool | None:
    """The next answer does not come, or comes late, twice, or with numbers that are not open."""
    person = world.person(who)
    if person is None:
        return False
    person.trick = trick
    return None


@move(weight=3, who=WHO, seconds=(1.0, 6.0, 20.0))
async def hang(world: World, who: int, seconds: float) -> bool | None:
    """The page does nothing for a while."""
    person = world.person(who)
    if person is None:
        return False
    person.hangs_until = asyncio.get_running_loop().time() + seconds
    return None


@move(weight=3, who=WHO, seconds=(3.0, 15.0))
async def read_slowly(world: World, who: int, seconds: float) -> bool | None:
    """The socket takes nothing for a while; too long, and the room gives it up."""
    person = world.person(who)
    if person is None:
        return False
    world.house.slow(person.identity)
    asyncio.get_running_loop().call_later(seconds, world.house.fast, person.identity)
    return None


@move(weight=1, cost=QUIET, who=WHO)
async def flood(world: World, who: int) -> bool | None:
    """More at once than is kept for a slow socket."""
    person = world.joined(who)
    if person is None:
        return False
    for number in range(300):
        person.set_attributes(mood=str(number))
        if number % 50 == 0:
            await asyncio.sleep(0)
    return None


@move(weight=6, who=WHO, after=(0.0, 1.0))
async def lose_media(world: World, who: int, after: float) -> bool | None:
    """The connection fails."""
    person = world.joined(who)
    if person is None or not isinstance(person.peer, SilentPeer):
        return False
    person.peer.fail(after=after)
    return None


@move(weight=4, who=WHO)
async def cut(world: World, who: int) -> bool | None:
    """The network of one is gone, which its page notices after a while."""
    person = world.joined(who)
    member = _member(world, person)
    if person is None or member is None or person.peer is None or member["session_id"] is None:
        return False
    world.emulator.faults.cut(member["session_id"])
    person.peer.break_connection()
    return None


@move(weight=8, who=WHO)
async def fall_silent(world: World, who: int) -> bool | None:
    """Nothing is sent any more, and after half a minute the service lets go of it."""
    person = world.joined(who)
    member = _member(world, person)
    if person is None or member is None or not person.peer or not person.peer.sending:
        return False
    if member["session_id"] not in world.emulator._world.sessions:
        return False
    person.sound(on=False)
    world.emulator.faults.silence(member["session_id"])
    return None


def _member(world: World, person: Person | None) -> dict[str, Any] | None:
    members = world.stage.room()["participants"] if person is not None else []
    return next((one for one in members if one["id"] == person.participant_id), None) if person else None
