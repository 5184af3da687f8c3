"""Light peers on real rooms and the emulator's real media, over HTTP and UDP."""

from __future__ import annotations

from cfrealtime import AsyncRealtime
from cfrealtime.emulator import Emulator, UdpMediaPlane
from cfrealtime_rooms import Rooms
from cfrealtime_rooms.testing import Guests, LocalParticipant
from cfrealtime_rooms.testing.light import LightPeer


async def until_they_meet(*people: LocalParticipant) -> None:
    """Everyone sees and hears everyone else."""
    for one in people:
        others = [other.name for other in people if other is not one]
        await one.wait_until(
            lambda one=one, others=others: all(one.sees(name) and one.hears(name) for name in others),
            60,
            "to see and hear the others",
        )


async def test_people_see_and_hear_each_other_and_find_back_after_a_lost_connection():
    async with (
        Emulator(media=UdpMediaPlane()) as emulator,
        emulator.serve() as url,
        AsyncRealtime("demo", "secret", base_url=url) as realtime,
        Rooms(realtime) as rooms,
        Guests(rooms, peer_factory=lambda: LightPeer(timeout=3.0)) as guests,
    ):
        ann, bob = await guests.join_at_once("ann", "bob")
        await until_they_meet(ann, bob)
        assert ann.receiving()["bob", "camera"].size == (320, 240)
        broken, kept = ann.peer, bob.peer
        broken.break_connection()
        await ann.wait_until(lambda: ann.peer is not broken and ann.connected, 60, "a new connection")
        await until_they_meet(ann, bob)
        assert bob.peer is kept
        assert emulator.journal()["breaches"] == []
