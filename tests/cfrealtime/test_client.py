"""The two clients and the two session handles offer the same, and show no secrets."""

from __future__ import annotations

import asyncio
import inspect
import subprocess
import sys

import httpx
import pytest

import cfrealtime
from cfrealtime import (
    AsyncRealtime,
    AsyncSession,
    ConfigurationError,
    InvalidRequestError,
    OutcomeUnknownError,
    Realtime,
    Session,
    SessionState,
)
from tests.cfrealtime.colours import run_alone

TWINS = [(Realtime, AsyncRealtime), (Session, AsyncSession)]
RENAMED = {"close": "aclose", "__enter__": "__aenter__", "__exit__": "__aexit__"}
VARIABLES = ("CLOUDFLARE_REALTIME_APP_ID", "CLOUDFLARE_REALTIME_APP_SECRET", "CLOUDFLARE_REALTIME_BASE_URL")


def members(cls):
    return {
        name: value
        for name, value in vars(cls).items()
        if (callable(value) or isinstance(value, property))
        and (not name.startswith("_") or name in {"__init__", *RENAMED, *RENAMED.values()})
    }


def shape(method):
    """Names, kinds, defaults and annotations of the parameters, and what comes back, without the colour."""
    signature = inspect.signature(method)
    parameters = [
        (each.name, each.kind, each.default, str(each.annotation).replace("Async", "").replace("Sync", ""))
        for each in signature.parameters.values()
    ]
    return parameters, str(signature.return_annotation).replace("Async", "")


@pytest.mark.parametrize(("sync", "twin"), TWINS)
def test_both_colours_have_the_same_methods_with_the_same_signatures(sync, twin):
    ours = {
        RENAMED.get(name, name) if sync is Realtime else name: value for name, value in members(sync).items()
    }
    theirs = members(twin)
    assert ours.keys() == theirs.keys()
    for name, method in ours.items():
        if not isinstance(method, property):
            assert shape(method) == shape(theirs[name]), name
            assert bool(inspect.getdoc(method)) or name.startswith("__"), name


def test_the_surface_of_the_session_is_what_it_says_it_is():
    assert members(Session).keys() - {"__init__"} == {
        "id",
        "publish",
        "subscribe",
        "renegotiate",
        "update_tracks",
        "close_tracks",
        "get_state",
    }


def test_the_public_names_are_these_and_all_of_them_exist():
    modules = (cfrealtime.errors.__all__, set(cfrealtime.models.__all__) - {"printable_code", "wire_name"})
    clients = {"AsyncRealtime", "AsyncSession", "Realtime", "Session"}
    assert set(cfrealtime.__all__) == {*modules[0], *modules[1], *clients}
    assert all(getattr(cfrealtime, name) is not None for name in cfrealtime.__all__)
    assert set(cfrealtime.__all__) <= set(dir(cfrealtime))
    with pytest.raises(AttributeError, match="Calls"):
        _ = cfrealtime.Calls


def test_importing_the_package_imports_no_client():
    code = "import cfrealtime, sys; print({'httpx', 'cattrs', 'cfrealtime._generated'} & sys.modules.keys())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


@pytest.mark.parametrize("client", [Realtime, AsyncRealtime])
def test_settings_come_from_the_environment(client, monkeypatch):
    for name, value in zip(VARIABLES, ("app", "hunter2", "http://localhost:8787/v1"), strict=True):
        monkeypatch.setenv(name, value)
    assert repr(client()) == f"{client.__name__}(app_id='app', base_url='http://localhost:8787/v1')"


@pytest.mark.parametrize("client", [Realtime, AsyncRealtime])
def test_missing_settings_are_named(client, monkeypatch):
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(ConfigurationError, match=f"{VARIABLES[0]} and {VARIABLES[1]}"):
        client()


def attributes_of(value, seen=None):
    """Every object that can be reached from a value through attributes and containers of this package."""
    seen = {} if seen is None else seen
    if id(value) in seen or isinstance(value, (str, int, float, type(None))):
        return seen
    seen[id(value)] = value
    for part in [*getattr(value, "__dict__", {}).values()]:
        attributes_of(part, seen)
    return seen


@pytest.mark.parametrize("client", [Realtime, AsyncRealtime])
def test_no_repr_on_the_way_to_the_secret_shows_it(client):
    made = client("app", "hunter2")
    reachable = [*list(attributes_of(made).values()), made.session("s1")]
    assert len(reachable) > 3
    assert not [
        value for value in reachable if "hunter2" in repr(value) and not isinstance(value, (list, bytes))
    ]


@pytest.mark.parametrize("client", [Realtime, AsyncRealtime])
def test_a_session_id_that_is_none_is_refused_without_a_call(client):
    with pytest.raises(InvalidRequestError, match="session id"):
        client("app", "hunter2").session("../other")


def test_handles_show_their_id():
    client = Realtime("app", "hunter2")
    assert repr(client.session("s1")) == "Session('s1')"
    assert repr(AsyncRealtime("app", "hunter2").session("s1")) == "AsyncSession('s1')"


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
