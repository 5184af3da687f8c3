"""Who is measured: httpx as anyone would write it, the SDK, and each peer with one small call of its own."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack, ExitStack
from itertools import cycle
from typing import Any, Final, TypeAlias

import httpx

from cfrealtime import AsyncRealtime, ConfigurationError, Realtime, TracksResult
from tests.bench.sdk.work import APP_ID, APP_SECRET, OFFER, SESSIONS, TRACKS, body, read_by_hand, urls

Call: TypeAlias = Callable[[], object]
AsyncCall: TypeAlias = Callable[[], Awaitable[object]]
Made: TypeAlias = tuple[dict[str, Any], list[str]]
"""Calls by name, and who was left out, with the reason."""

BASE: Final = "httpx, post"
OURS: Final = "cfrealtime"
FAST: Final = 'cfrealtime, engine="aiohttp"'
CLOUDFLARE: Final = "cloudflare, create an app"
OPENAI: Final = "openai, one chat completion"
LIVEKIT: Final = "livekit-api, create a room"

_HEADERS: Final = {"Authorization": f"Bearer {APP_SECRET}"}


def blocking(server: str, stack: ExitStack) -> Made:
    """Blocking calls, one per client; the stack closes the clients."""

    def plain() -> Call:
        client, url = stack.enter_context(httpx.Client()), urls(server)

        def call() -> TracksResult:
            response = client.post(next(url), json=body(), headers=_HEADERS)
            response.raise_for_status()
            return read_by_hand(response.json())

        return call

    def ours() -> Call:
        client = stack.enter_context(Realtime(APP_ID, APP_SECRET, base_url=server))
        sessions = cycle([client.session(session) for session in SESSIONS])
        return lambda: next(sessions).publish(OFFER, TRACKS)

    def cloudflare() -> Call:
        from cloudflare import Cloudflare

        apps = stack.enter_context(Cloudflare(api_token=APP_SECRET, base_url=server)).calls.sfu
        return lambda: apps.create(account_id=APP_ID, name="demo")

    def openai() -> Call:
        from openai import OpenAI

        chat = stack.enter_context(OpenAI(api_key=APP_SECRET, base_url=server)).chat.completions
        return lambda: chat.create(model="demo", messages=[{"role": "user", "content": "Hello"}])

    calls: dict[str, Call] = {}
    left_out: list[str] = []
    for name, make in {BASE: plain, OURS: ours, CLOUDFLARE: cloudflare, OPENAI: openai}.items():
        try:
            calls[name] = make()
        except ImportError as error:
            left_out.append(f"{name} ({_why(error)})")
    _must_be_equal({name: calls[name]() for name in (BASE, OURS)})
    return calls, left_out


async def concurrent(server: str, stack: AsyncExitStack) -> Made:
    """Async calls, one per client; the stack closes the clients."""

    async def plain() -> AsyncCall:
        client, url = await stack.enter_async_context(httpx.AsyncClient()), urls(server)

        async def call() -> TracksResult:
            response = await client.post(next(url), json=body(), headers=_HEADERS)
            response.raise_for_status()
            return read_by_hand(response.json())

        return call

    async def ours(**options: Any) -> AsyncCall:
        client = AsyncRealtime(APP_ID, APP_SECRET, base_url=server, **options)
        await stack.enter_async_context(client)
        sessions = cycle([client.session(session) for session in SESSIONS])
        return lambda: next(sessions).publish(OFFER, TRACKS)

    async def fast() -> AsyncCall:
        return await ours(engine="aiohttp")

    async def cloudflare() -> AsyncCall:
        from cloudflare import AsyncCloudflare

        client = await stack.enter_async_context(AsyncCloudflare(api_token=APP_SECRET, base_url=server))
        apps = client.calls.sfu
        return lambda: apps.create(account_id=APP_ID, name="demo")

    async def openai() -> AsyncCall:
        from openai import AsyncOpenAI

        client = await stack.enter_async_context(AsyncOpenAI(api_key=APP_SECRET, base_url=server))
        chat = client.chat.completions
        return lambda: chat.create(model="demo", messages=[{"role": "user", "content": "Hello"}])

    async def livekit() -> AsyncCall:
        from livekit import api

        client = await stack.enter_async_context(api.LiveKitAPI(server, "key", APP_SECRET))
        return lambda: client.room.create_room(api.CreateRoomRequest(name="demo"))

    makers = {BASE: plain, OURS: ours, FAST: fast, CLOUDFLARE: cloudflare, OPENAI: openai, LIVEKIT: livekit}
    calls: dict[str, AsyncCall] = {}
    left_out: list[str] = []
    for name, make in makers.items():
        try:
            calls[name] = await make()
        except (ImportError, ConfigurationError) as error:
            left_out.append(f"{name} ({_why(error)})")
    _must_be_equal({name: await call() for name, call in calls.items() if name in (BASE, OURS, FAST)})
    return calls, left_out


def _why(error: Exception) -> str:
    return f"{error.name} is not installed" if isinstance(error, ImportError) else str(error)


def _must_be_equal(values: dict[str, object]) -> None:
    odd = [name for name, value in values.items() if value != values[BASE]]
    if odd:
        raise AssertionError(f"{' and '.join(odd)} made another value of the same answer")
