"""A stage in front of every target, and the place where behaviours are written down."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncGenerator, Callable

import pytest

from tests.conformance import environment
from tests.conformance.callers import Callers, taking_calls
from tests.conformance.preflight import check
from tests.conformance.stage import Stage
from tests.conformance.target import Target, emulated, serviced


def pytest_sessionstart() -> None:
    """Say what is wrong with the environment once, and not a hundred times."""
    try:
        if environment.is_live():
            asyncio.run(check())
    except environment.UnusableError as error:
        raise pytest.UsageError(str(error)) from None


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Every rule is asked of every target."""
    if "target" in metafunc.fixturenames:
        metafunc.parametrize("target", environment.targets(_module(metafunc.module.__name__)), indirect=True)


def _module(name: str) -> str:
    return name.rpartition(".")[2]


@pytest.fixture
async def target(request: pytest.FixtureRequest) -> AsyncGenerator[Target]:
    async with emulated() if request.param == "emulator" else serviced() as target:
        yield target


@pytest.fixture
async def stage(target: Target) -> AsyncGenerator[Stage]:
    stage = Stage(target)
    yield stage
    await stage.sweep()


@pytest.fixture
async def callers(target: Target) -> AsyncGenerator[Callers]:
    """Our WebSocket server, where adapters find it."""
    assert target.way is not None
    async with taking_calls(target.way) as callers:
        yield callers


@pytest.fixture(autouse=True)
def rule(request: pytest.FixtureRequest, record_property: Callable[[str, object], None]) -> None:
    """Say which rule a test is about, and of whom it is asked."""
    if "target" not in request.fixturenames:
        return
    text = inspect.getdoc(request.function)
    assert text is not None, "a test of conformance states its rule"
    assert text.startswith(("[documented] ", "[seen] ", "[unproven] ")), text
    record_property("rule", " ".join(text.split()))
    record_property("target", request.node.callspec.params["target"])
    reason = environment.left_out(_module(request.module.__name__))
    if reason is not None:
        record_property("left out", reason)


@pytest.fixture
def measured(record_property: Callable[[str, object], None]) -> Callable[[str], None]:
    """Record a figure, to be read beside what was met."""
    return lambda text: record_property("measured", text)


@pytest.fixture
def met(record_property: Callable[[str, object], None]) -> Callable[..., None]:
    """Record a behaviour; one that nobody knew is a failure, so that it is looked at."""

    def record(behaviour: str, *known: str) -> None:
        record_property("met", behaviour)
        assert behaviour in known, f"met a behaviour that was not known: {behaviour}"

    return record
