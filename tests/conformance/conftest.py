"""A stage in front of every target, and the place where behaviours are written down."""

from __future__ import annotations

import inspect
from collections.abc import AsyncGenerator, Callable

import pytest

from tests.conformance.stage import Stage
from tests.conformance.target import Target, emulated, serviced, targets


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Every rule is asked of every target."""
    if "target" in metafunc.fixturenames:
        names = targets(turn=metafunc.module.__name__.endswith("test_turn"))
        metafunc.parametrize("target", names, indirect=True)


@pytest.fixture
async def target(request: pytest.FixtureRequest) -> AsyncGenerator[Target]:
    async with emulated() if request.param == "emulator" else serviced() as target:
        yield target


@pytest.fixture
async def stage(target: Target) -> AsyncGenerator[Stage]:
    stage = Stage(target)
    yield stage
    await stage.sweep()


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


@pytest.fixture
def met(record_property: Callable[[str, object], None]) -> Callable[..., None]:
    """Record a behaviour; one that nobody knew is a failure, so that it is looked at."""

    def record(behaviour: str, *known: str) -> None:
        record_property("met", behaviour)
        assert behaviour in known, f"met a behaviour that was not known: {behaviour}"

    return record
