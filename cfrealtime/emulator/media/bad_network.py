"""The network of one session when it shall be a bad one: packets are lost and late, by a seeded chance.

Media and data channels suffer. Connectivity checks and handshakes are spared: whoever wants to lose the
connection cuts it, and what is tested with losses is what becomes of media.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from random import Random

from attrs import define

from .plan import Disturbance, Way

Deliver = Callable[[bytes], None]

_DTLS_DATA = 23
_FIRST_MEDIA = 128


@define
class _Direction:
    way: Way
    chance: Random


class BadNetwork:
    """Carries datagrams, unless it loses them."""

    def __init__(self, disturbance: Disturbance) -> None:
        self._up = _Direction(disturbance.up, Random(f"{disturbance.seed}/up"))  # noqa: S311 - no secret
        self._down = _Direction(disturbance.down, Random(f"{disturbance.seed}/down"))  # noqa: S311 - no secret
        self._late: set[asyncio.TimerHandle] = set()

    def up(self, data: bytes, deliver: Deliver) -> None:
        """A datagram of the endpoint comes."""
        self._carry(self._up, data, deliver)

    def down(self, data: bytes, deliver: Deliver) -> None:
        """A datagram goes to the endpoint."""
        self._carry(self._down, data, deliver)

    def close(self) -> None:
        """Forget what is still on its way."""
        for handle in self._late:
            handle.cancel()
        self._late.clear()

    def _carry(self, direction: _Direction, data: bytes, deliver: Deliver) -> None:
        way, chance = direction.way, direction.chance
        if data[0] < _FIRST_MEDIA and data[0] != _DTLS_DATA:
            deliver(data)
        elif way.loss and chance.random() < way.loss:
            return
        elif way.jitter:
            self._later(chance.random() * way.jitter, data, deliver)
        else:
            deliver(data)

    def _later(self, seconds: float, data: bytes, deliver: Deliver) -> None:
        def arrive() -> None:
            self._late.discard(handle)
            deliver(data)

        handle = asyncio.get_running_loop().call_later(seconds, arrive)
        self._late.add(handle)
