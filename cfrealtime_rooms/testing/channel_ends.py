"""What every host's channel must keep at its end: the room's word gets out, a loss gets in."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, suppress
from typing import Final

from cfrealtime_rooms.testing.channel_trial import ChannelEndedError, ChannelTrial, Visitor
from cfrealtime_rooms.testing.rules import Rules, expect

END_RULES: Final = Rules[ChannelTrial]()


async def _ended(trial: ChannelTrial, visitor: Visitor, reason: str, code: int) -> None:
    """Hold the end of a channel to the room's last message, and to code and reason where there are any."""
    heard, end = await visitor.end()
    last = heard[-1] if heard else None
    expect(last == {"type": "closed", "reason": reason}, f"the last that {visitor.identity} heard is {last}")
    if trial.codes:
        expect((end.code, end.reason) == (code, reason), f"closed with {code} {reason!r}, the channel {end}")


@END_RULES.rule
async def who_leaves_is_let_go(trial: ChannelTrial) -> None:
    """After `leave` the client hears `closed`, and the channel ends."""
    async with trial.guest("ann") as ann:
        await ann.say("leave")
        await _ended(trial, ann, "left", 1000)


@END_RULES.rule
async def who_is_removed_hears_why(trial: ChannelTrial) -> None:
    """The host's word is the last message, and the reason of the end."""
    async with trial.guest("ann") as ann:
        trial.rooms.remove(trial.room(), "ann", "spam")
        await _ended(trial, ann, "spam", 4002)


@END_RULES.rule
async def who_is_banned_is_told_at_the_door(trial: ChannelTrial) -> None:
    """A room that lets somebody in no more closes the channel instead of a `welcome`."""
    async with trial.guest("bob"):
        trial.rooms.ban(trial.room(), "eve", "enough")
        async with trial.open(trial.room(), "eve") as channel:
            await _ended(trial, Visitor("eve", channel), "enough", 4004)


@END_RULES.rule
async def who_comes_twice_is_replaced(trial: ChannelTrial) -> None:
    """The older channel of an identity is closed while the newer one goes on."""
    async with trial.guest("ann") as older, trial.guest("ann") as newer:
        await _ended(trial, older, "replaced", 4001)
        await newer.say("snapshot")
        await newer.hear("snapshot")


@END_RULES.rule
async def a_room_that_is_closed_says_so_to_all(trial: ChannelTrial) -> None:
    """Everybody's channel ends, each with the room's word."""
    async with trial.guest("ann") as ann, trial.guest("bob") as bob:
        trial.rooms.close_room(trial.room(), "over")
        for one in (ann, bob):
            await _ended(trial, one, "over", 4003)


@END_RULES.rule
async def what_is_said_after_the_end_does_no_harm(trial: ChannelTrial) -> None:
    """A client that goes on speaking while its channel is closed is ignored, and still hears the end."""
    async with trial.guest("bob") as bob:
        async with trial.guest("ann") as ann:
            trial.rooms.remove(trial.room(), "ann", "spam")
            with suppress(ChannelEndedError):
                for n in range(50):
                    await ann.say("message", data=n)
            await _ended(trial, ann, "spam", 4002)
        await bob.hear_of(ann.id, "spam")
        await bob.say("snapshot")
        seen = await bob.hear("snapshot")
        expect(len(seen["participants"]) == 1, f"the room is {seen['participants']}")


@END_RULES.rule
async def a_host_that_stops_lets_clients_come_back(trial: ChannelTrial) -> None:
    """`rooms.aclose()` ends every channel, without `closed`: that would mean, do not come back."""
    async with trial.guest("ann") as ann:
        await trial.rooms.aclose()
        heard, end = await ann.end()
        kinds = [message["type"] for message in heard]
        expect("closed" not in kinds, f"when the host stops, a client hears {kinds}")
        if trial.codes:
            expect(end.code == 1012, f"when the host stops, the channel {end}")


async def _missed(trial: ChannelTrial, bob: Visitor, participant: str) -> None:
    await bob.hear_of(participant, "reconnecting", trial.notices_within)
    await bob.hear_of(participant, "timeout", trial.rooms.settings.grace + 5.0)


@END_RULES.rule
async def a_lost_connection_is_missed_then_gone(trial: ChannelTrial) -> None:
    """Others see `reconnecting` while the grace period runs, and `timeout` at its end."""
    async with trial.guest("bob") as bob, trial.guest("ann") as ann:
        await ann.channel.lose()
        await _missed(trial, bob, ann.id)


@END_RULES.rule
async def a_page_that_is_closed_is_missed_then_gone(trial: ChannelTrial) -> None:
    """A channel that its client closes, without a word to the room, is lost like any other."""
    async with trial.guest("bob") as bob:
        async with trial.guest("ann") as ann:
            pass
        await _missed(trial, bob, ann.id)


@END_RULES.rule
async def who_comes_back_in_time_goes_on(trial: ChannelTrial) -> None:
    """A new channel resumes what a lost one left, as the same participant, any number of times."""
    async with trial.guest("bob") as bob, AsyncExitStack() as stack:
        ann = await stack.enter_async_context(trial.guest("ann"))
        back = late = 0
        while back < 3:
            again, in_time = await _come_back(trial, bob, ann, stack)
            if again is None:
                expect(not in_time and (late := late + 1) < 9, "a resume in time is answered with an error")
                ann = await stack.enter_async_context(trial.guest("ann"))  # the machine was busy: once more
                continue
            expect(again.id == ann.id, f"{ann.id} came back as {again.id}")
            await bob.hear_of(ann.id, "connected")
            await bob.say("message", data=back)
            await again.hear("message", data=back)
            ann, back = again, back + 1


async def _come_back(
    trial: ChannelTrial, bob: Visitor, ann: Visitor, stack: AsyncExitStack
) -> tuple[Visitor | None, bool]:
    """The same client on a new channel, None if it was refused; and whether it was back in time."""
    loop = asyncio.get_running_loop()
    lost = loop.time()
    await ann.channel.lose()
    await bob.hear_of(ann.id, "reconnecting", trial.notices_within)
    again = await stack.enter_async_context(trial.visit("ann"))
    await again.say("resume", token=ann.joined["token"], epoch=ann.joined["epoch"])
    while (message := await again.next())["type"] not in ("joined", "error"):
        pass
    in_time = loop.time() - lost < trial.rooms.settings.grace
    if message["type"] == "error":
        return None, in_time
    again.joined = message
    return again, in_time


@END_RULES.rule
async def a_channel_that_breaks_under_the_room_is_noticed(trial: ChannelTrial) -> None:
    """A client that goes away while the room speaks to it is no error for anybody else."""
    async with trial.guest("bob") as bob, trial.guest("ann") as ann:
        for n in range(20):
            trial.rooms.say(trial.room(), data=[n, "x" * 64_000])
        await ann.channel.lose()
        for n in range(20, 40):
            trial.rooms.say(trial.room(), data=[n, "x"])
        order = [(await bob.hear("message"))["data"][0] for _ in range(20)]
        expect(order == list(range(20)), f"another heard {order}")
        await bob.hear_of(ann.id, "reconnecting", trial.notices_within)


@END_RULES.rule
async def nothing_is_left_of_channels_that_ended(trial: ChannelTrial) -> None:
    """However they end, channels leave no task and no room behind."""
    await _come_and_go(trial)  # what is made once, is made now
    before = len(asyncio.all_tasks())
    await _come_and_go(trial)
    await asyncio.sleep(0.1)
    left = sorted(task.get_name() for task in asyncio.all_tasks())
    expect(len(left) <= before, f"{before} tasks became {len(left)}: {left}")


async def _come_and_go(trial: ChannelTrial) -> None:
    async with (
        trial.guest("ann") as ann,
        trial.guest("bob") as bob,
        trial.guest("cy") as cy,
        trial.guest("di"),
    ):
        await ann.channel.lose()
        await bob.say("leave")
        trial.rooms.remove(trial.room(), "cy")
        for one in (bob, cy):
            await one.end()
    for _ in range(int(20 * (trial.notices_within + trial.rooms.settings.grace + 10.0))):
        if trial.room() not in trial.rooms.room_ids():
            return
        await asyncio.sleep(0.05)
    expect(holds=False, otherwise="a room that everybody has left or lost stays open")
