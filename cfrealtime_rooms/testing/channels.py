"""A kit for those who carry signaling over a channel of their own: what every channel must keep, as checks.

    @pytest.mark.parametrize("rule", CHANNEL_RULES, ids=str)
    async def test_my_channel(rule):
        async with my_host() as (rooms, url):
            await rule.check(ChannelTrial(rooms, lambda room, identity: websocket_channel(f"{url}/{room}")))

Rooms with a short `grace` make it quick. Only `nothing_is_left_of_channels_that_ended` supposes that the host
serves on the loop of the test.
"""

from __future__ import annotations

from typing import Final

from cfrealtime_rooms.testing.channel_ends import END_RULES
from cfrealtime_rooms.testing.channel_speech import SPEECH_RULES
from cfrealtime_rooms.testing.channel_trial import Channel, ChannelEndedError, ChannelTrial
from cfrealtime_rooms.testing.rules import Rule, RuleBrokenError, Rules

CHANNEL_RULES: Final[Rules[ChannelTrial]] = Rules([*SPEECH_RULES, *END_RULES])

__all__ = ["CHANNEL_RULES", "Channel", "ChannelEndedError", "ChannelTrial", "Rule", "RuleBrokenError"]
