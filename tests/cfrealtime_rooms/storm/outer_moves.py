"""What the service, the host and its process do."""

from __future__ import annotations

import asyncio
from typing import Any

from cfrealtime.emulator.rules.faults import (
    AnswerWith,
    ClockSpeed,
    Delay,
    DelayRequest,
    Fault,
    Garbage,
    Html,
    KillSession,
    LoseAnswer,
    Omit,
    Refuse,
    Stall,
)
from cfrealtime_rooms import Permissions
from cfrealtime_rooms.runtime.tenure import LEASE
from tests.cfrealtime_rooms.scenarios.scene import ROOM
from tests.cfrealtime_rooms.storm.clock import VirtualLoop
from tests.cfrealtime_rooms.storm.moves import QUIET, SESSION, TRACK, WHO, move
from tests.cfrealtime_rooms.storm.people_moves import SOURCES, _member
from tests.cfrealtime_rooms.storm.world import IDENTITIES, World

OPERATIONS = ("new_tracks", "renegotiate", "update_tracks", "close_tracks", "new_session", "get_session")
NTH = (1, 2, 3)
WHOM = tuple(range(IDENTITIES))
EVERYBODY = 4, 4
ENDINGS = ("lose_answer", "refuse", "stall", "garbage cut", "garbage null", "garbage empty", "html")
MISSING = (
    ("new_session", "sessionId"),
    *(("new_tracks", field) for field in ("sessionDescription", "requiresImmediateRenegotiation")),
    ("close_tracks", "sessionDescription"),
    *(
        (name, field)
        for name in ("new_tracks", "update_tracks", "close_tracks")
        for field in ("tracks", "item")
    ),
)
REFUSALS = (
    (429, "rate_limited"),
    (425, "session_error"),
    (410, "session_error"),
    (404, "not_found"),
    (406, "invalid_session_description"),
    (400, "bad_request"),
    (401, "unauthorized"),
    (503, "retryable_transient_error"),
    (500, "internal_error"),
)
ITEM_CODES = ("not_found_track_error", "empty_track_error", "internal_error", "update_track_error")
RIGHTS = {
    "connect": None,
    "all": Permissions(),
    "deaf": Permissions(subscribe=False),
    "microphone": Permissions(publish=frozenset({"microphone"})),
    "nothing": Permissions(publish=frozenset()),
    "mute": Permissions(message=False),
}


@move(weight=7, operation=OPERATIONS, nth=NTH, ending=ENDINGS, landed=(True, False))
async def spoil_an_answer(world: World, operation: str, nth: int, ending: str, landed: bool) -> None:
    """It breaks off, stalls, or is no answer at all."""
    effects: dict[str, Any] = {
        "lose_answer": LoseAnswer(),
        "refuse": Refuse(),
        "stall": Stall(),
        "html": Html(502, landed=landed),
    }
    _, _, body = ending.partition("garbage ")
    effect = Garbage(body, landed=landed) if body else effects[ending]
    world.emulator.faults.add(Fault(effect, operation=operation, nth=nth))


@move(weight=4, missing=MISSING, nth=NTH)
async def leave_out_a_field(world: World, missing: tuple[str, str], nth: int) -> None:
    """A success does not say all that it must."""
    operation, field = missing
    world.emulator.faults.add(Fault(Omit(field), operation=operation, nth=nth))


@move(weight=7, operation=OPERATIONS, nth=NTH, refusal=REFUSALS, retry_after=(None, 3), landed=(False, True))
async def refuse_a_call(
    world: World, operation: str, nth: int, refusal: tuple[int, str], retry_after: int | None, landed: bool
) -> bool | None:
    """With every status that there is."""
    status, code = refusal
    if status in (404, 410) and operation in ("close_tracks", "get_session"):
        return False  # that is the service's word that nothing is left
    landed = landed and status == 500  # another status says that nothing has happened
    effect = AnswerWith(status, code, retry_after, landed)
    world.emulator.faults.add(Fault(effect, operation=operation, nth=nth))
    return None


@move(weight=6, operation=OPERATIONS, seconds=(0.5, 3.0, 12.0, 25.0), way=("answer", "request"))
async def delay_a_call(world: World, operation: str, seconds: float, way: str) -> bool | None:
    """It, or its answer, is on its way for long."""
    if way == "answer":
        world.emulator.faults.add(Fault(Delay(seconds), operation=operation, nth=1))
        return None
    if any(one["kind"] == "delay_request" for one in world.emulator.faults.view()["faults"]):
        return False
    # What lands later than this after its caller gave up, nobody looks for any more.
    world.emulator.faults.add(Fault(DelayRequest(min(seconds, 15.0)), operation=operation, nth=1))
    return None


@move(weight=3, operation=OPERATIONS, nth=NTH)
async def end_a_session(world: World, operation: str, nth: int) -> bool | None:
    """Just before a call."""
    if operation == "new_session":
        return False
    world.emulator.faults.add(Fault(KillSession(), operation=operation, nth=nth))
    return None


@move(weight=4, who=WHO)
async def end_this_session(world: World, who: int) -> bool | None:
    """At once; its client notices later."""
    person = world.joined(who)
    member = _member(world, person)
    sessions = world.emulator._world.sessions
    if person is None or member is None or member["session_id"] not in sessions:
        return False
    world.emulator.faults.kill_session(member["session_id"])
    if person.peer is not None:
        person.peer.break_connection()
    return None


@move(weight=8, which=(0, 1, 2, 3), code=ITEM_CODES, times=(1, 2, 3))
async def fail_an_item(world: World, which: int, code: str, times: int) -> bool | None:
    """One track cannot be had for a while."""
    sessions = world.emulator._world.sessions.values()
    names = [p.track_name for one in sessions for p in one.publications.values() if p.ended is None]
    if which >= len(names):
        return False
    world.emulator.faults.fail_track(names[which], code, times=times)
    return None


@move(weight=1, possible=(False, True))
async def repointing(world: World, possible: bool) -> bool | None:
    """The service takes back that mids can be pointed elsewhere, or gives it again."""
    if world.emulator.faults.repointing == possible:
        return False
    world.emulator.faults.repointing = possible
    return None


@move(weight=1, cost=EVERYBODY, speed=(3.0, 0.5, 1.0))
async def clock_speed(world: World, speed: float) -> None:
    """The service's time passes faster, or slower."""
    world.emulator.faults.add(Fault(ClockSpeed(speed)))


@move(weight=1, cost=EVERYBODY, seconds=(1.0, 30.0, 3600.0))
async def clock_jump(world: World, seconds: float) -> None:
    """The process was stopped for a while."""
    del world
    loop = asyncio.get_running_loop()
    assert isinstance(loop, VirtualLoop)
    loop.jump(seconds)


@move(weight=1, cost=EVERYBODY, seconds=(2.0, 40.0))
async def outage(world: World, seconds: float) -> bool | None:
    """The service cannot be reached for a while."""
    if world.door.away:
        return False
    world.door.away = True

    def back() -> None:
        world.door.away = False

    asyncio.get_running_loop().call_later(seconds, back)
    return None


# The host's power.


@move(weight=6, cost=SESSION, whom=WHOM, rights=tuple(RIGHTS))
async def permit(world: World, whom: int, rights: str) -> bool | None:
    """Other rights for somebody."""
    if world.actor is None:
        return False
    given = RIGHTS[rights]
    world.rooms.set_permissions(ROOM, f"p{whom}", given)
    world.decisions.rights.pop(f"p{whom}", None)
    if given is not None:
        world.decisions.rights[f"p{whom}"] = given
    return None


@move(weight=5, cost=TRACK, whom=WHOM, source=SOURCES)
async def silence(world: World, whom: int, source: str) -> bool | None:
    """A source is closed by force."""
    if world.actor is None:
        return False
    world.rooms.mute(ROOM, f"p{whom}", source)
    world.decisions.muted.setdefault(f"p{whom}", set()).add(source)
    return None


@move(weight=10, cost=QUIET, whom=WHOM, source=(None, *SOURCES))
async def allow(world: World, whom: int, source: str | None) -> bool | None:
    """It may be published again."""
    muted = world.decisions.muted.get(f"p{whom}") if world.actor is not None else None
    if not muted:
        return False
    world.rooms.allow(ROOM, f"p{whom}", source)
    muted -= {source} if source is not None else set(muted)
    return None


@move(weight=1, whom=WHOM)
async def kick(world: World, whom: int) -> bool | None:
    """Somebody is sent away, in all tabs."""
    if world.actor is None:
        return False
    world.rooms.remove(ROOM, f"p{whom}")
    return None


@move(weight=1, whom=WHOM, seconds=(20.0, 1e9))
async def ban(world: World, whom: int, seconds: float) -> bool | None:
    """Somebody may not come in."""
    if world.actor is None:
        return False
    world.rooms.ban(ROOM, f"p{whom}", seconds=seconds)
    world.decisions.banned[f"p{whom}"] = asyncio.get_running_loop().time() + seconds
    return None


@move(weight=10, cost=QUIET, whom=WHOM)
async def unban(world: World, whom: int) -> bool | None:
    """And may again."""
    if world.actor is None or world.decisions.banned.pop(f"p{whom}", None) is None:
        return False
    world.rooms.unban(ROOM, f"p{whom}")
    return None


@move(weight=3, cost=EVERYBODY, open_=("", "yes"))
async def open_the_room(world: World, open_: str) -> bool | None:
    """An attribute of the room that decides who is told about whom."""
    if world.actor is None:
        return False
    world.rooms.set_attributes(ROOM, {"open": open_})
    world.decisions.attributes["open"] = open_
    return None


@move(weight=2, cost=QUIET)
async def announce(world: World) -> bool | None:
    """The host speaks."""
    if world.actor is None:
        return False
    world.rooms.say(ROOM, text="five minutes left")
    return None


@move(weight=1, cost=(0, 2))
async def close_room(world: World) -> bool | None:
    """Everybody goes; what was decided ends with the room once all is paid."""
    if world.actor is None:
        return False
    world.rooms.close_room(ROOM)
    return None


@move(weight=1, cost=(4, 8), how=("orderly", "in a hurry", "killed"))
async def hand_over(world: World, how: str) -> None:
    """The process ends, and another begins over the same store."""
    rooms, world.house.rooms = world.rooms, None
    if how == "killed":
        await _kill(world, rooms)
    else:
        await rooms.aclose(within=5.0 if how == "orderly" else 0.0)
    if how != "orderly":
        await asyncio.sleep(LEASE + 1)  # the store was not told
    world.open_house()
    world.moved()


async def _kill(world: World, rooms: Any) -> None:
    """Not a word to anyone; the lease runs out."""
    for actor in [*rooms._open.values(), *rooms._stopping]:
        actor.over.set()
        if actor._timer is not None:
            actor._timer.cancel()
        for task in (*actor._calls, actor._keeper):
            task.cancel()
    for person in world.present():
        await person.drop()
    rooms._open.clear()
    for task in tuple(rooms._stopping.values()):
        task.cancel()
