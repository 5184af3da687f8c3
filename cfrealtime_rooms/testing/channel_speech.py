"""What every host's channel must keep while it is open: whole texts, in order, both ways."""

from __future__ import annotations

import asyncio
import json
import secrets
from contextlib import AsyncExitStack
from typing import Final

from cfrealtime_rooms.testing.channel_trial import ChannelEndedError, ChannelTrial, Visitor
from cfrealtime_rooms.testing.rules import Rules, expect

SPEECH_RULES: Final = Rules[ChannelTrial]()

MANY: Final = 100
"""Messages in a row: fewer than a room holds for a client that is slow."""
LARGE: Final = 1_000_000
"""Characters in one message of a room: a snapshot of a hundred people can be as long."""
FLOOD: Final = 70
"""Bursts of messages that a client does not read: far more than sockets and rooms hold, also compressed."""
ODD_TEXT: Final = (
    "plain \N{LATIN SMALL LETTER E WITH ACUTE} \N{CJK UNIFIED IDEOGRAPH-6587} \N{GRINNING FACE} "
    "\N{ARABIC LETTER SEEN} e\N{COMBINING ACUTE ACCENT} "
    "\N{LINE SEPARATOR}\N{PARAGRAPH SEPARATOR}\N{NEXT LINE} "
    "\N{ZERO WIDTH NO-BREAK SPACE} \x7f \x00 \x1b \r\n \n\n data: : \\ \" ' </script> &amp; %00 \t end"
)
GARBAGE: Final = (
    "",
    " ",
    "{",
    "null",
    "[]",
    '"join"',
    "\x00",
    '{"type": "nonsense"}',
    '{"type": 1}',
    "[" * 5000,
)


@SPEECH_RULES.rule
async def the_room_speaks_first(trial: ChannelTrial) -> None:
    """`welcome` comes as soon as the channel is open, and nothing else comes before `join`."""
    async with trial.open(trial.room(), "ann") as channel:
        visitor = Visitor("ann", channel)
        first = await visitor.next()
        expect(first["type"] == "welcome", f"the first message is {first['type']}")
        await visitor.say("snapshot")
        second = await visitor.next()
        expect(second.get("code") == "not_joined", f"before join, a snapshot is answered with {second}")


@SPEECH_RULES.rule
async def messages_keep_their_order(trial: ChannelTrial) -> None:
    """What is sent first arrives first, in both directions."""
    async with trial.guest("ann") as ann, trial.guest("bob") as bob:
        for n in range(MANY):
            await ann.say("message", data=n)
        order = [(await bob.hear("message"))["data"] for _ in range(MANY)]
        expect(order == list(range(MANY)), f"{MANY} messages arrived in the order {order}")


@SPEECH_RULES.rule
async def both_ends_may_speak_at_once(trial: ChannelTrial) -> None:
    """The host goes on reading while what it has to say piles up."""
    async with trial.guest("ann") as ann, trial.guest("bob") as bob:

        async def speak(one: Visitor) -> None:
            for n in range(MANY):
                await one.say("message", data=[n, "x" * 16_000])

        async def listen(one: Visitor) -> None:
            heard = [await one.hear("message") for _ in range(2 * MANY)]  # its own, too
            for other in (ann, bob):
                order = [said["data"][0] for said in heard if said["sender"] == other.id]
                expect(order == list(range(MANY)), f"of {other.identity}, {one.identity} heard {order}")

        await asyncio.gather(speak(ann), speak(bob))
        await asyncio.gather(listen(ann), listen(bob))


@SPEECH_RULES.rule
async def a_message_of_the_greatest_size_arrives(trial: ChannelTrial) -> None:
    """What `welcome` allows gets through whole: a message, and one with the longest SDP."""
    async with trial.guest("ann") as ann, trial.guest("bob") as bob:
        frame = json.dumps({"type": "message", "data": ""})
        text = "x" * (ann.limits["message_bytes"] - len(frame))
        await ann.say("message", data=text)
        data = (await bob.hear("message"))["data"]
        expect(data == text, f"{len(text)} characters were sent, and {len(data)} came")
        await ann.say("offer", grant=0, sdp="\r\n" * (ann.limits["sdp_bytes"] // 2))
        answer = await ann.hear("error")
        expect(
            answer.get("in_reply_to") == "offer", f"an offer of the greatest size is answered with {answer}"
        )
        expect(answer["code"] != "too_large", f"an SDP of {ann.limits['sdp_bytes']} bytes is too large")


@SPEECH_RULES.rule
async def a_message_that_is_too_large_is_answered(trial: ChannelTrial) -> None:
    """A little too much is an error and no end: the room says so, and goes on listening."""
    async with trial.guest("ann") as ann:
        await ann.say("message", data="x" * ann.limits["message_bytes"])
        answer = await ann.hear("error")
        expect(answer["code"] == "too_large", f"a message that is too large is answered with {answer}")
        await ann.say("snapshot")
        await ann.hear("snapshot")


@SPEECH_RULES.rule
async def the_room_may_say_much_at_once(trial: ChannelTrial) -> None:
    """A message of the room's has no limit: snapshots of full rooms are long."""
    async with trial.guest("ann") as ann:
        trial.rooms.say(trial.room(), data="x" * LARGE)
        data = (await ann.hear("message"))["data"]
        expect(len(data) == LARGE, f"{LARGE} characters were said, and {len(data)} came")


@SPEECH_RULES.rule
async def every_character_arrives_as_it_was(trial: ChannelTrial) -> None:
    """Texts are Unicode, with line ends and control characters and whatever the channel itself is made of."""
    async with trial.guest("ann") as ann, trial.guest("bob") as bob:
        message = {"type": "message", "text": ODD_TEXT}
        for text in (
            json.dumps(message, ensure_ascii=False),
            json.dumps(message),
            json.dumps(message, ensure_ascii=False, indent=1).replace("\n", "\r\n"),
        ):
            await ann.channel.send(text)
            heard = (await bob.hear("message"))["text"]
            expect(heard == ODD_TEXT, f"{ODD_TEXT!a} was said, and {heard!a} heard")


@SPEECH_RULES.rule
async def garbage_is_answered_and_does_no_harm(trial: ChannelTrial) -> None:
    """Whatever a client sends gets an error; the channel stays open, the others hear nothing."""
    async with trial.guest("ann") as ann, trial.guest("eve") as eve:
        for text in GARBAGE:
            await eve.channel.send(text)
            answer = await eve.hear("error")
            expect(answer["code"] == "bad_message", f"{text[:20]!a} is answered with {answer}")
        await eve.say("message", text="still here")
        heard = await ann.hear("message")
        expect(heard["text"] == "still here", f"the next that others hear is {heard}")


@SPEECH_RULES.rule
async def channels_do_not_mix(trial: ChannelTrial) -> None:
    """Each client is itself, in its own room, however many come at once."""
    async with AsyncExitStack() as stack:
        people = [(f"person {n}", f"room {n % 3}") for n in range(9)]
        guests = await asyncio.gather(
            *(stack.enter_async_context(trial.guest(who, room)) for who, room in people)
        )
        for guest, (who, room) in zip(guests, people, strict=True):
            shown = {one["id"]: one["identity"] for one in guest.joined["snapshot"]["participants"]}
            expect(shown[guest.id] == who, f"{who} is shown as {shown[guest.id]}")
            await guest.say("message", text=f"{who} in {room}")
        for guest, (who, room) in zip(guests, people, strict=True):
            said = {(await guest.hear("message"))["text"] for _ in range(3)}
            due = {f"{one} in {place}" for one, place in people if place == room}
            expect(said == due, f"{who} in {room} hears {sorted(said)}")


@SPEECH_RULES.rule
async def one_who_does_not_read_costs_nobody_anything(trial: ChannelTrial) -> None:
    """`send` waits for its own client: who is slow gets a snapshot for what was left out, nobody waits."""
    async with trial.guest("ann") as ann, trial.guest("slow") as slow:
        for burst in range(FLOOD):
            for n in range(10):
                trial.rooms.say(trial.room(), data=[10 * burst + n, secrets.token_urlsafe(24_000)])
            order = [(await ann.hear("message"))["data"][0] for _ in range(10)]
            expect(order == list(range(10 * burst, 10 * burst + 10)), f"another heard {order}")
        trial.rooms.set_attributes(trial.room(), {"topic": "news"})
        await ann.hear("delta")
        heard = 0
        try:
            while (message := await slow.next(30))["type"] != "snapshot":
                heard += message["type"] == "message"
        except ChannelEndedError as end:
            expect((end.code or 0) < 4000, f"to one who was slow, the channel {end}: not to come back")
            return  # it was too slow: it comes back, and its snapshot with `joined`
        expect(heard < 10 * FLOOD, f"all of {10 * FLOOD} messages were held for one who did not read")
        topic = message["attributes"].get("topic")
        expect(topic == "news", f"the snapshot for what was left out has the topic {topic}")
        trial.rooms.say(trial.room(), text="at last")
        await slow.hear("message", text="at last")
