"""The emulator's time: a clock's, which can be made to pass faster or slower."""

from __future__ import annotations

from attrs import frozen

from .media.plan import Clock


@frozen
class _Stretch:
    """A time without a change of speed, from its beginning on."""

    clock: float
    shown: float
    speed: float

    def at(self, clock: float) -> float:
        return self.shown + (clock - self.clock) * self.speed


class Clockwork:
    """Shows what a clock shows until its speed is changed; never jumps."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._stretches = [_Stretch(0.0, 0.0, 1.0)]

    @property
    def now(self) -> float:
        """The emulator's time."""
        return self._stretches[-1].at(self._clock())

    @property
    def speed(self) -> float:
        """How fast it passes."""
        return self._stretches[-1].speed

    @speed.setter
    def speed(self, speed: float) -> None:
        if speed != self.speed:
            self._stretches.append(_Stretch(self._clock(), self.now, speed))

    def at(self, clock: float) -> float:
        """The emulator's time when the clock showed this."""
        first = self._stretches[0]
        return next((s for s in reversed(self._stretches) if s.clock <= clock), first).at(clock)

    def real(self, seconds: float) -> float:
        """How long so many seconds of the emulator take."""
        return seconds / self.speed
