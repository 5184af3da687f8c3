"""The examples, served as they serve themselves. Credentials are made up: nothing here calls the service."""

import asyncio
import importlib.util
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from types import ModuleType

import pytest
import uvicorn
from aiohttp import ClientSession
from aiohttp.test_utils import TestServer

from cfrealtime import AsyncRealtime

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


@pytest.fixture
def load(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], ModuleType]:
    """Import an example anew."""
    monkeypatch.setenv("CLOUDFLARE_REALTIME_APP_ID", "demo")
    monkeypatch.setenv("CLOUDFLARE_REALTIME_APP_SECRET", "secret")
    monkeypatch.setenv("CLOUDFLARE_REALTIME_BASE_URL", "http://127.0.0.1:9/v1")

    def example(path: str) -> ModuleType:
        name = "example_" + path.removesuffix(".py").replace("/", "_")
        spec = importlib.util.spec_from_file_location(name, EXAMPLES / path)
        assert spec is not None
        assert spec.loader is not None
        monkeypatch.syspath_prepend((EXAMPLES / path).parent)  # as `python examples/…` does
        module = importlib.util.module_from_spec(spec)
        monkeypatch.setitem(sys.modules, name, module)  # FastAPI resolves annotations by the module's name
        spec.loader.exec_module(module)
        return module

    return example


@asynccontextmanager
async def _uvicorn(app: object) -> AsyncIterator[str]:
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="warning", timeout_graceful_shutdown=1))
    task = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
        assert not task.done()
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        await task


@asynccontextmanager
async def _aiohttp(app: object) -> AsyncIterator[str]:
    async with TestServer(app) as server:
        yield str(server.make_url("")).rstrip("/")


@pytest.fixture(params=["fastapi", "aiohttp"])
async def host(request: pytest.FixtureRequest, load) -> AsyncIterator[ClientSession]:
    """A client of each example in turn."""
    if request.param == "fastapi":
        serving = _uvicorn(load("01_fastapi/app.py").app)
    else:
        serving = _aiohttp(load("02_aiohttp/server.py").create_app())
    async with serving as url, ClientSession(url) as session:
        yield session


@pytest.fixture(params=["01_fastapi", "02_aiohttp", "03_http_events", "04_entry_token"])
async def page_host(request: pytest.FixtureRequest, load) -> AsyncIterator[ClientSession]:
    """A client of everything that serves the page."""
    serving = {
        "01_fastapi": lambda: _uvicorn(load("01_fastapi/app.py").app),
        "02_aiohttp": lambda: _aiohttp(load("02_aiohttp/server.py").create_app()),
        "03_http_events": lambda: _aiohttp(load("03_http_events/http_events.py").create_app()),
        "04_entry_token": lambda: _uvicorn(
            load("04_entry_token/doorkeeper.py").create_app(AsyncRealtime(), b"k" * 32)
        ),
    }[request.param]
    async with serving() as url, ClientSession(url) as session:
        yield session


@pytest.fixture
async def fastapi_host(load) -> AsyncIterator[ClientSession]:
    """A client of the FastAPI example."""
    async with _uvicorn(load("01_fastapi/app.py").app) as url, ClientSession(url) as session:
        yield session
