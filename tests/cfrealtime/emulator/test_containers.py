"""The emulator in a container: what the README says to run, in a network of its own, heard from outside."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

import cfrealtime.emulator
from tests.cfrealtime.emulator.container import Network, network, published
from tests.cfrealtime.emulator.peer import remote
from tests.cfrealtime.emulator.process import COMMAND, running
from tests.cfrealtime.emulator.talkers import heard, listening, talking
from tests.servers import free_port

README = Path(cfrealtime.emulator.__file__).with_name("README.md").read_text(encoding="utf-8")


@pytest.fixture
def inside():
    with network() as network_:
        yield network_


@asynccontextmanager
async def emulator(inside: Network, *arguments: str) -> AsyncGenerator[dict]:
    """The description of an emulator that runs in a container."""
    # Where it shares this machine's ports with those that are published, it must leave them alone.
    host = () if inside.own else ("--host", inside.address)
    with running("--json", *arguments, *host, enter=inside.enter) as (process, line):
        assert line, process.stderr.read()
        yield json.loads(line)


async def hear_each_other(base_url: str) -> None:
    """One peer speaks and another one hears it, each through the address that descriptions name."""
    headers = {"Authorization": "Bearer secret"}
    base = base_url.removesuffix("/v1")
    async with (
        httpx.AsyncClient(base_url=base, headers=headers, timeout=60) as client,
        talking(client, 1000, b"alice") as (alice, _),
        listening(client, remote(alice.id, "mic")) as (_, ears, _),
    ):
        await ears.until(lambda: heard(ears, b"alice"))


async def test_the_command_of_the_readme_is_heard_through_published_ports(inside):
    file = re.search(r"^```dockerfile\n(.+?)^```", README, re.MULTILINE | re.DOTALL)[1]
    entry = json.loads(re.search(r"^ENTRYPOINT (.+)$", file, re.MULTILINE)[1])
    line = re.search(r"^    docker run (.+)$", README, re.MULTILINE)[1]
    (tag,) = re.findall(r"^    docker build -t (\S+) \.$", README, re.MULTILINE)
    # Others may be using the ports of the README on this machine.
    http, udp = free_port(), free_port()
    options, arguments = line.replace("8787", str(http)).replace("8788", str(udp)).split(f" {tag} ")
    ports = re.findall(r"-p ([\d.]+):(\d+):\2(?:/(udp))?", options)
    assert [(int(port), protocol) for _, port, protocol in ports] == [(http, ""), (udp, "udp")]
    assert entry == ["python", *COMMAND[1:]]
    through = [(host, int(port), protocol or "tcp") for host, port, protocol in ports]
    async with (
        emulator(inside, "--port", str(http), *shlex.split(arguments)) as told,
        published(inside.address, *through),
    ):
        assert (told["base_url"], told["udp"]) == (
            f"http://127.0.0.1:{http}/v1",
            {"host": "127.0.0.1", "port": udp},
        )
        await hear_each_other(told["base_url"])


async def test_beside_other_containers_it_is_found_under_its_own_address(inside):
    async with emulator(inside, "--allow-remote", "--host", "0.0.0.0", "--port", "0") as told:
        assert told["udp"]["host"] == inside.address
        await hear_each_other(told["base_url"])
