"""The kit for channels accepts a host as it should be, and each check finds the host that breaks its rule."""

from __future__ import annotations

from contextlib import aclosing

import pytest

from cfrealtime_rooms import Rooms
from cfrealtime_rooms.testing.channels import CHANNEL_RULES, ChannelTrial
from cfrealtime_rooms.testing.rules import RuleBrokenError
from tests.cfrealtime_rooms.hosting import nowhere
from tests.cfrealtime_rooms.testing.pipes import BROKEN, Host

CASES = [
    pytest.param(rule, host, id=f"{rule}-{host.__name__}")
    for rule in CHANNEL_RULES
    for host in BROKEN[str(rule)]
]


async def check(rule, host) -> None:
    async with nowhere() as realtime, Rooms(realtime, grace=2.0) as rooms, aclosing(host(rooms)) as hosting:
        await rule.check(ChannelTrial(rooms, hosting.open))


@pytest.mark.looptime
@pytest.mark.parametrize("rule", CHANNEL_RULES, ids=str)
async def test_a_host_as_it_should_be(rule):
    await check(rule, Host)


@pytest.mark.looptime
@pytest.mark.parametrize(("rule", "host"), CASES)
async def test_a_broken_host_is_found(rule, host):
    with pytest.raises(RuleBrokenError):
        await check(rule, host)


def test_every_rule_has_a_host_that_breaks_it():
    assert list(BROKEN) == [str(rule) for rule in CHANNEL_RULES]
