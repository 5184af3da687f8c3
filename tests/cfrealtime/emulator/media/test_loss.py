"""Losses on every way: pictures arrive all the same. In a time of its own; the chance is seeded."""

from __future__ import annotations

import pytest

from tests.cfrealtime.emulator.media.bad_links import RATE, Broadcast


@pytest.mark.parametrize("seed", range(3))
def test_video_keeps_its_frame_rate_while_15_percent_are_lost_on_every_way(seed):
    broadcast = Broadcast(0.15, seed)
    broadcast.time.run(30)
    broadcast.camera.stopped = True
    broadcast.time.run(33)
    shown = broadcast.viewer.shown
    assert len(shown) >= 0.99 * broadcast.camera.frames
    assert broadcast.viewer.repeated > 0.1 * len(shown), "nothing was lost"
    delays = sorted(at - number / RATE for number, at in shown)
    assert delays[len(delays) // 2] < 0.5
    assert delays[-1] < 1.5
    assert broadcast.camera.key_frames <= 4, "key frames instead of repetitions"


def test_nothing_is_asked_for_twice_where_nothing_is_lost():
    broadcast = Broadcast(0.0)
    broadcast.time.run(10)
    assert broadcast.viewer.repeated == 0
    assert broadcast.camera.key_frames <= 2
    assert len(broadcast.viewer.shown) >= 10 * RATE - 2
