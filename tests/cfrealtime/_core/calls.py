"""A request of every operation, and a driver that conducts one without a loop, a clock or a network."""

from __future__ import annotations

import json

from cfrealtime._core.conduct import Options, Pause, Send, conduct
from cfrealtime._core.exchange import Lost, Response
from cfrealtime._core.limiter import SessionLimiter
from cfrealtime._core.requests import adapters, data_channels, sessions, tracks, turn
from cfrealtime.models import (
    IngestAdapter,
    LocalDataChannel,
    LocalTrack,
    NewTrack,
    RemoteDataChannel,
    RemoteTrack,
)

SESSION = ("app", "s1")
LOCAL = [LocalTrack("0", "camera")]
REMOTE = [RemoteTrack("s2", "camera", mid="0")]

REPEATABLE = {
    "get_state": sessions.get_session(*SESSION),
    "new_session": sessions.new_session("app", None, third_party=False),
    "close_tracks by force": tracks.close_tracks(*SESSION, ["0"], force=True, offer=None).requests[0],
    "close_data_channels": data_channels.close(*SESSION, [1]).requests[0],
    "adapters.close": adapters.close("app", ["a1"]).requests[0],
    "generate_ice_servers": turn.generate_ice_servers("key", 60, None, browser=True),
    "revoke": turn.revoke("key", "name"),
}
ONCE = {
    "publish": tracks.publish(*SESSION, "v=0", LOCAL),
    "publish_all": tracks.publish_all(*SESSION, "v=0"),
    "publish_without_offer": tracks.publish_without_offer(*SESSION, [NewTrack("camera", "video")]),
    "subscribe": tracks.subscribe(*SESSION, REMOTE),
    "renegotiate": sessions.renegotiate(*SESSION, "v=0"),
    "update_tracks": tracks.update_tracks(*SESSION, REMOTE).requests[0],
    "close_tracks with an offer": tracks.close_tracks(*SESSION, ["0"], force=False, offer="v=0").requests[0],
    "establish_data_channels": data_channels.establish(*SESSION, None),
    "publish_data_channels": data_channels.publish(*SESSION, [LocalDataChannel("chat")]),
    "subscribe_data_channels": data_channels.subscribe(*SESSION, [RemoteDataChannel("s2", "chat")]),
    "update_data_channels": data_channels.update(
        *SESSION, [RemoteDataChannel("s2", "chat", can_reply=True)]
    ).requests[0],
    "adapters.create": adapters.create("app", [IngestAdapter("mix", "wss://example.com")]).requests[0],
}
CALLS = REPEATABLE | ONCE

UNSENT = Lost("there is no connection", left=False)
LOST = Lost("no complete answer within 10 s")


def answer(status=200, document=None, **headers):
    """A response; header names are written with underscores."""
    headers = {name.replace("_", "-"): value for name, value in headers.items()}
    return Response(status, headers, b"<html>" if document is None else json.dumps(document).encode())


def refusal(status, code=None, **headers):
    """A response that says no."""
    return answer(status, {} if code is None else {"errorCode": code}, **headers)


class Play:
    """One call, conducted with prepared outcomes: each comes `took` seconds after its attempt was sent."""

    def __init__(
        self,
        request,
        *outcomes,
        timeout=10.0,
        max_retries=2,
        hooks=None,
        limiter=None,
        start=100.0,
        took=0.5,
        chance=0.5,
        overslept=0.0,
    ):
        self.outcomes = list(outcomes)
        self.now, self.took, self.overslept = start, took, overslept
        self.done = []
        options = Options(timeout, max_retries, hooks)
        self.limiter = SessionLimiter() if limiter is None else limiter
        self.steps = conduct(request, options, self.limiter, start, lambda: chance)

    def run(self):
        """The end of the call."""
        try:
            step = next(self.steps)
            while True:
                self.done.append((self.now, step))
                if isinstance(step, Pause):
                    self.now += step.seconds + self.overslept
                    step = self.steps.send((self.now, None))
                else:
                    self.now += self.took
                    step = self.steps.send((self.now, self.outcomes.pop(0)))
        except StopIteration as stop:
            return stop.value

    @property
    def pauses(self):
        """How long it did nothing, each time."""
        return [step.seconds for _, step in self.done if isinstance(step, Pause)]

    @property
    def sends(self):
        """When each attempt left, and how many seconds it was given."""
        return [(at, step.seconds) for at, step in self.done if isinstance(step, Send)]


def play(request, *outcomes, **options):
    """The end of a call with prepared outcomes."""
    return Play(request, *outcomes, **options).run()
