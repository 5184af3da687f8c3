"""Participants in Python, for the tests of hosts, for bots and benchmarks.

The protocol side needs nothing but the standard library and attrs. Real media (`testing.light`) needs the
extra `emulator`, the WebSocket channel (`testing.websocket`) the package `websockets`.

    async with Guests(rooms, "demo", latency=0.05) as guests:
        ann, bob = await guests.join("ann"), await guests.join("bob")
        await ann.wait_until(lambda: not ann.missing(), what="everyone's media")
"""

from __future__ import annotations

from cfrealtime_rooms.testing.link import Guests, LocalParticipant, connect
from cfrealtime_rooms.testing.negotiator import Outgoing
from cfrealtime_rooms.testing.participant import Participant, RefusedError
from cfrealtime_rooms.testing.peer import Peer, Received, Sent, SilentPeer

__all__ = [
    "Guests",
    "LocalParticipant",
    "Outgoing",
    "Participant",
    "Peer",
    "Received",
    "RefusedError",
    "Sent",
    "SilentPeer",
    "connect",
]
