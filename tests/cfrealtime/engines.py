"""The same calls through every engine, each by the way that its users take."""

from __future__ import annotations

from contextlib import AsyncExitStack, ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from functools import partial

import httpx

from cfrealtime import AsyncRealtime, LocalTrack, Realtime, RealtimeError
from tests.cfrealtime.colours import run_alone


@dataclass(frozen=True)
class Engine:
    """A way to send. `given` makes what the client is given, which its caller has to close."""

    name: str
    colour: str = "async"
    given: dict = field(default_factory=dict)
    options: dict = field(default_factory=dict)

    def __str__(self):
        return self.name

    def client(self, base_url, **options):
        """A client of the SDK's own connections, for the caller to close."""
        assert not self.given
        kind = Realtime if self.colour == "sync" else AsyncRealtime
        return kind("app", "hunter2", **self._settings(base_url, {}, options))

    @contextmanager
    def blocking(self, base_url, **options):
        """A blocking client."""
        with ExitStack() as stack:
            given = {name: stack.enter_context(make()) for name, make in self.given.items()}
            yield stack.enter_context(Realtime("app", "hunter2", **self._settings(base_url, given, options)))

    @asynccontextmanager
    async def open(self, base_url, **options):
        """An async client."""
        async with AsyncExitStack() as stack:
            given = {name: await stack.enter_async_context(make()) for name, make in self.given.items()}
            client = AsyncRealtime("app", "hunter2", **self._settings(base_url, given, options))
            yield await stack.enter_async_context(client)

    def _settings(self, base_url, given, options):
        return {"base_url": base_url, "timeout": 60.0, "max_retries": 0, **self.options, **given, **options}


SYNC = Engine("blocking", "sync")
ASYNC = Engine("async")
AIOHTTP = Engine("aiohttp", options={"engine": "aiohttp"})
SYNC_HTTPX = Engine(
    "blocking-httpx", "sync", {"http_client": partial(httpx.Client, verify=False, follow_redirects=True)}
)
ASYNC_HTTPX = Engine(
    "async-httpx", given={"http_client": partial(httpx.AsyncClient, verify=False, follow_redirects=True)}
)
SYNC_TRANSPORT = Engine(
    "blocking-transport", "sync", {"transport": partial(httpx.HTTPTransport, verify=False)}
)
ASYNC_TRANSPORT = Engine(
    "async-transport", given={"transport": partial(httpx.AsyncHTTPTransport, verify=False)}
)

ASYNC_OURS = [ASYNC, AIOHTTP]
OURS = [SYNC, *ASYNC_OURS]
HTTPX = [SYNC_HTTPX, ASYNC_HTTPX, SYNC_TRANSPORT, ASYNC_TRANSPORT]
EVERY = [*OURS, *HTTPX]

TRACKS = [LocalTrack("0", "microphone")]
PUBLISHED = b'{"tracks": [{"mid": "0"}], "sessionDescription": {"type": "answer", "sdp": "v=0"}}'


def publish(client, session="s1"):
    """A POST with a body, which is never repeated."""
    return client.session(session).publish("v=0", TRACKS)


def many(client, count):
    """As many such calls, on sessions of their own: one takes 50 in a second."""
    return [publish(client, f"s{number}") for number in range(count)]


def force_close(client):
    """A PUT, which may be repeated."""
    return client.session("s1").close_tracks(["0"], force=True)


def get_state(client):
    """A GET."""
    return client.session("s1").get_state()


def new_session(client):
    """A POST without a body, with a query."""
    return client.new_session(correlation_id="visit 7 & 8")


def talk(engine, base_url, *calls, **options):
    """What came of calls made one after the other on one client: values, or the SDK's errors."""
    if engine.colour == "sync":
        return _talk(engine, base_url, calls, options)

    async def main():
        async with engine.open(base_url, **options) as client:
            return [await outcome(call(client)) for call in calls]

    return run_alone(main())


async def outcome(call):
    """What came of one async call."""
    try:
        return await call
    except RealtimeError as error:
        return error


def _talk(engine, base_url, calls, options):
    outcomes = []
    with engine.blocking(base_url, **options) as client:
        for call in calls:
            try:
                outcomes.append(call(client))
            except RealtimeError as error:
                outcomes.append(error)
    return outcomes
