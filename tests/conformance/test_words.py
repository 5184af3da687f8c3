"""The suite's own parts that compute: whom to ask, and what is said in the end."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest
import respx

from tests.conformance.environment import NEEDED, SERVICE, UnusableError, is_live, targets
from tests.conformance.preflight import check, check_way
from tests.conformance.table import Table, verdict, words
from tests.conformance.target import Way
from tests.servers import free_port

APP = {"CLOUDFLARE_REALTIME_APP_ID": "a", "CLOUDFLARE_REALTIME_APP_SECRET": "b"}
KEY = {"CLOUDFLARE_TURN_KEY_ID": "c", "CLOUDFLARE_TURN_API_TOKEN": "d"}
WAY = {"CFREALTIME_CONFORMANCE_WEBSOCKET": "wss://e"}
LIVE = {"CFREALTIME_CONFORMANCE": "live"}


@pytest.fixture(autouse=True)
def set_nothing(monkeypatch):
    for name in APP | KEY | WAY | LIVE | {"CLOUDFLARE_REALTIME_BASE_URL": ""}:
        monkeypatch.delenv(name, raising=False)


def set_all(monkeypatch, environment: dict[str, str]) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)


@pytest.mark.parametrize(
    ("environment", "module", "asked"),
    [
        ({}, "test_order", ["emulator"]),
        (APP | KEY, "test_order", ["emulator"]),
        (LIVE | APP, "test_order", ["emulator", "service"]),
        (LIVE | APP, "test_turn", ["emulator"]),
        (LIVE | APP | KEY, "test_turn", ["emulator", "service"]),
        (LIVE | APP | KEY, "test_adapters_at_work", ["emulator"]),
        (LIVE | APP | WAY, "test_adapters_at_work", ["emulator", "service"]),
    ],
)
def test_the_service_is_asked_by_who_wants_it_and_can(monkeypatch, environment, module, asked):
    set_all(monkeypatch, environment)
    assert targets(module) == asked


@pytest.mark.parametrize("module", NEEDED)
def test_what_needs_more_is_a_module_of_ours(module):
    assert Path(__file__).with_name(f"{module}.py").exists()


@pytest.mark.parametrize(
    ("environment", "words"),
    [
        (LIVE, "APP_ID and CLOUDFLARE_REALTIME_APP_SECRET are not set"),
        (LIVE | {"CLOUDFLARE_REALTIME_APP_ID": "a"}, "CLOUDFLARE_REALTIME_APP_SECRET is not set"),
        ({"CFREALTIME_CONFORMANCE": "yes"}, "CFREALTIME_CONFORMANCE is 'yes'"),
    ],
)
def test_who_wants_it_and_cannot_is_told_why(monkeypatch, environment, words):
    set_all(monkeypatch, environment)
    with pytest.raises(UnusableError, match=words):
        is_live()


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (401, "refuses CLOUDFLARE_REALTIME_APP_SECRET"),
        (404, "knows no app a"),
        (502, "502 in place of 201"),
    ],
)
@respx.mock
async def test_credentials_that_are_wrong_are_named(monkeypatch, status, words):
    set_all(monkeypatch, LIVE | APP)
    respx.post(f"{SERVICE}/apps/a/sessions/new").respond(status, text="<html>the secret is hidden</html>")
    with pytest.raises(UnusableError, match=words) as raised:
        await check()
    assert "hidden" not in str(raised.value)


@respx.mock
async def test_a_token_of_turn_that_is_wrong_is_named(monkeypatch):
    set_all(monkeypatch, LIVE | APP | KEY)
    respx.post(f"{SERVICE}/apps/a/sessions/new").respond(201)
    respx.post(path__regex="generate-ice-servers").respond(403)
    with pytest.raises(UnusableError, match="TURN_API_TOKEN with 403"):
        await check()


async def test_nobody_at_the_base_address(monkeypatch):
    set_all(monkeypatch, LIVE | APP | {"CLOUDFLARE_REALTIME_BASE_URL": f"http://127.0.0.1:{free_port()}/v1"})
    with pytest.raises(UnusableError, match=r"/v1 cannot be asked \(ConnectError\)"):
        await check()


async def test_an_address_that_leads_to_us_is_found_out_by_taking_it():
    port = free_port()
    await check_way(Way(f"ws://127.0.0.1:{port}", port))
    with pytest.raises(UnusableError, match=f"does not lead to port {port} of this machine"):
        await check_way(Way(f"ws://127.0.0.1:{free_port()}", port))
    with pytest.raises(UnusableError, match="is not the URL of a WebSocket"):
        await check_way(Way("https://bot.example", port))


async def test_a_port_that_cannot_be_had_is_named():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(UnusableError, match=f"Nobody can listen on port {port}"):
            await check_way(Way(f"ws://127.0.0.1:{port}", port))


def test_what_differs_is_said_first_and_what_is_new_is_said_to_be():
    rules = {
        "[documented] It holds.": {"emulator": ["holds"], "service": ["holds"]},
        "[unproven] Who knows.": {"emulator": ["200"], "service": [verdict(passed=False, met="418")]},
    }
    told = words(rules).splitlines()
    assert told[:4] == [
        "Where they differ:",
        "  Who knows.",
        "      emulator: 200",
        "      service: 418 (not known so far)",
    ]
    assert (
        told[-1] == "2 rules asked of emulator and service, 1 of them with different answers; 1 do not hold."
    )


def test_a_failure_on_the_way_to_a_test_counts(pytester_report):
    table = Table()
    table.pytest_runtest_logreport(pytester_report("setup", "failed"))
    table.pytest_runtest_logreport(pytester_report("teardown", "passed"))
    assert table.rules == {"[seen] It.": {"emulator": ["does not hold"]}}


def test_figures_alone_are_no_difference():
    rules = {"[seen] It waits.": {"emulator": ["held; measured: 9 s"], "service": ["held; measured: 11 s"]}}
    assert words(rules).endswith("0 of them with different answers; 0 do not hold.")


def test_figures_stand_beside_what_was_met_and_what_was_not_asked_stands_last(pytester_report):
    table = Table()
    table.pytest_runtest_logreport(
        pytester_report(
            "call", "passed", met="held", measured="9 s", **{"left out": "X is not set: it leads to us"}
        )
    )
    told = words(table.rules, table.left_out)
    assert "      emulator: held; measured: 9 s" in told
    assert "Not asked of the service, because X is not set: it leads to us:\n  It." in told


@pytest.fixture
def pytester_report():
    def report(when: str, outcome: str, **told: str) -> pytest.TestReport:
        properties = [("rule", "[seen] It."), ("target", "emulator"), *told.items()]
        return pytest.TestReport("it", ("", 0, ""), {}, outcome, None, when, user_properties=properties)

    return report
