"""How clients are made, what they show, and what one client does on several event loops."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from types import ModuleType

import httpx
import pytest

from cfrealtime import (
    AsyncRealtime,
    AsyncTurn,
    ConfigurationError,
    Hooks,
    InvalidRequestError,
    OutcomeUnknownError,
    Realtime,
    SessionState,
    Turn,
)
from cfrealtime._core.headers import Headers
from tests.cfrealtime.colours import run_alone

VARIABLES = ("CLOUDFLARE_REALTIME_APP_ID", "CLOUDFLARE_REALTIME_APP_SECRET", "CLOUDFLARE_REALTIME_BASE_URL")
CLIENTS = pytest.mark.parametrize("client", [Realtime, AsyncRealtime])


def test_importing_the_package_imports_no_client():
    code = "import cfrealtime, sys; print({'httpx', 'cattrs', 'cfrealtime._generated'} & sys.modules.keys())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


@CLIENTS
def test_settings_come_from_the_environment(client, monkeypatch):
    for name, value in zip(VARIABLES, ("app", "hunter2", "http://localhost:8787/v1"), strict=True):
        monkeypatch.setenv(name, value)
    assert repr(client()) == f"{client.__name__}(app_id='app', base_url='http://localhost:8787/v1')"


@CLIENTS
def test_missing_settings_are_named(client, monkeypatch):
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(ConfigurationError, match=f"{VARIABLES[0]} and {VARIABLES[1]}"):
        client()


def reachable(value, seen=None):
    """Every object that can be reached from a value through attributes, slots and containers."""
    seen = {} if seen is None else seen
    if id(value) in seen or isinstance(value, (str, bytes, int, float, type(None), ModuleType, type)):
        return seen
    seen[id(value)] = value
    slots = [
        getattr(value, name, None) for cls in type(value).__mro__ for name in getattr(cls, "__slots__", ())
    ]
    items = value.values() if isinstance(value, dict) else value if isinstance(value, (list, tuple)) else ()
    for part in [*getattr(value, "__dict__", {}).values(), *slots, *items]:
        reachable(part, seen)
    return seen


@CLIENTS
def test_no_repr_on_the_way_to_the_secret_shows_it(client):
    made = client("app", "hunter2", hooks=Hooks(request=print))
    session = made.session("s1")
    turn = made.turn("key", "hunter2")
    parts = [made, session, made.adapters, turn, session.negotiate(), made.with_options(timeout=3)]
    parts += [part.with_raw_response for part in parts]
    found = [*reachable(parts).values()]
    assert any(isinstance(part, Headers) for part in found)
    # The header lines hold it as they are, in a tuple that only Headers knows.
    shown = [part for part in found if "hunter2" in repr(part) and not isinstance(part, tuple)]
    assert shown == []


@CLIENTS
def test_a_session_id_that_is_none_is_refused_without_a_call(client):
    with pytest.raises(InvalidRequestError, match="session id"):
        client("app", "hunter2").session("../other")


def test_handles_show_their_id():
    client, on_asyncio = Realtime("app", "hunter2"), AsyncRealtime("app", "hunter2")
    assert repr(client.session("s1")) == "Session('s1')"
    assert repr(on_asyncio.session("s1")) == "AsyncSession('s1')"
    assert repr(client.session("s1").negotiate()) == "Negotiation('s1')"
    assert repr(client.turn("key", "hunter2")) == "Turn(key_id='key')"


@CLIENTS
def test_a_client_and_a_transport_of_ones_own_exclude_each_other(client):
    kind = httpx.Client if client is Realtime else httpx.AsyncClient
    with pytest.raises(ConfigurationError, match="http_client= or transport=, not both"):
        client("app", "hunter2", http_client=kind(), transport=httpx.MockTransport(print))


@CLIENTS
@pytest.mark.parametrize(
    "options", [{"timeout": 0}, {"timeout": float("inf")}, {"max_retries": -1}, {"max_retries": True}]
)
def test_options_that_cannot_be_are_refused_at_once(client, options):
    name = next(iter(options))
    with pytest.raises(ConfigurationError, match=f"{name}="):
        client("app", "hunter2", **options)
    with pytest.raises(ConfigurationError, match=f"{name}="):
        client("app", "hunter2").with_options(**options)


async def keep_alive_server(reader, writer):
    while await reader.readuntil(b"\r\n\r\n"):
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
        await writer.drain()


async def serve_and_ask(client_of):
    """Ask twice, over a connection that stays open, and close it."""
    connections = 0

    async def serve(reader, writer):
        nonlocal connections
        connections += 1
        try:
            await keep_alive_server(reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        client = client_of(port)
        states = [await client.session("s1").get_state() for _ in range(2)]
        await client.aclose()
    return states, connections


def test_one_connection_serves_many_calls():
    states, connections = run_alone(
        serve_and_ask(lambda port: AsyncRealtime("app", "hunter2", base_url=f"http://127.0.0.1:{port}"))
    )
    assert states == [SessionState(), SessionState()]
    assert connections == 1


def test_one_async_client_works_on_one_loop_after_the_other(respx_mock):
    respx_mock.get(path__startswith="/v1/apps/app").respond(json={})
    client = AsyncRealtime("app", "hunter2")
    states = [run_alone(client.session("s1").get_state()) for _ in range(3)]
    assert states == [SessionState()] * 3


@pytest.mark.looptime
async def test_the_deadline_covers_a_body_that_stalls():
    class Stalls(httpx.AsyncByteStream):
        async def __aiter__(self):
            yield b"{"
            await asyncio.sleep(3600)

    transport = httpx.MockTransport(lambda _: httpx.Response(200, stream=Stalls()))
    async with AsyncRealtime("app", "hunter2", transport=transport, timeout=10) as client:
        start = asyncio.get_running_loop().time()
        with pytest.raises(OutcomeUnknownError):
            await client.session("s1").renegotiate("v=0")
        assert asyncio.get_running_loop().time() - start == pytest.approx(10)


@pytest.mark.looptime
async def test_a_cancelled_call_is_cancelled_and_nothing_else():
    async def never(_):
        await asyncio.sleep(3600)

    async with AsyncRealtime("app", "hunter2", transport=httpx.MockTransport(never)) as client:
        call = asyncio.create_task(client.new_session())
        await asyncio.sleep(1)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call


@pytest.mark.parametrize("client", [Turn, AsyncTurn])
def test_a_turn_client_with_other_options_shares_everything_else(client):
    turn = client("key", "token", timeout=5)
    other = turn.with_options(max_retries=0)
    assert (other._caller.options.timeout, other._caller.options.max_retries) == (5, 0)
    assert turn._caller.options.max_retries == 2
    assert other._caller.engine is turn._caller.engine
