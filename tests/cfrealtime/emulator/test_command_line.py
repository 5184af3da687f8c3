"""The emulator as a process: what it prints, how it stops, and what it says when it cannot start."""

from __future__ import annotations

import json
import re
import shlex
import signal
import socket
import subprocess
import sys
import time
from contextlib import ExitStack

import httpx
import pytest

from cfrealtime.emulator.media import network
from tests.cfrealtime.emulator.media.light_peer import LightPeer
from tests.cfrealtime.emulator.peer import Peer, local
from tests.cfrealtime.emulator.process import ADVICE, COMMAND, running
from tests.cfrealtime.emulator.sdp.endpoint import M, blocks, value
from tests.servers import free_port


def environment(line: str) -> dict[str, str]:
    """What a shell makes of a line."""
    shell = subprocess.run(
        ["/bin/sh", "-c", f"{line}\nenv"], capture_output=True, text=True, check=True, env={}
    )
    return dict(re.findall(r"^(CLOUDFLARE_\w+)=(.*)$", shell.stdout, re.MULTILINE))


def described(*arguments: str, stack: ExitStack) -> dict:
    """The JSON of an emulator that runs until the stack is closed."""
    _, line = stack.enter_context(running("--json", "--port", "0", *arguments))
    return json.loads(line)


def refused(*arguments: str, given: str | None = None) -> str:
    """What a command that cannot start says."""
    done = subprocess.run(
        [*COMMAND, *arguments], capture_output=True, text=True, timeout=90, check=False, input=given
    )
    assert (done.returncode, done.stdout) == (2, "")
    return done.stderr


@pytest.fixture
def stack():
    with ExitStack() as stack:
        yield stack


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM])
def test_one_line_is_to_be_copied_and_the_end_is_clean(ending):
    with running("--port", "0", "--app", "one=t wo", "--turn-key", "key=token") as (process, line):
        told = environment(line)
        base_url = told.pop("CLOUDFLARE_REALTIME_BASE_URL")
        assert told == {
            "CLOUDFLARE_REALTIME_APP_ID": "one",
            "CLOUDFLARE_REALTIME_APP_SECRET": "t wo",
            "CLOUDFLARE_TURN_KEY_ID": "key",
            "CLOUDFLARE_TURN_API_TOKEN": "token",
        }
        headers = {"Authorization": "Bearer t wo"}
        assert httpx.post(f"{base_url}/apps/one/sessions/new", headers=headers).status_code == 201
        process.send_signal(ending)
        rest, words = process.communicate(timeout=60)
        assert (process.returncode, rest) == (0, "")
        assert words.startswith("Cloudflare Realtime, emulated. What happens: http://127.0.0.1:")
        assert words.splitlines()[1:] == ADVICE


def test_faults_leave_no_traces_of_their_own_though_it_stops_in_the_middle_of_one():
    faults = ("--fault", "lose_answer nth=1", "--fault", "stall nth=2")
    with running("--port", "0", *faults) as (process, line), httpx.Client(timeout=60) as client:
        url = environment(line)["CLOUDFLARE_REALTIME_BASE_URL"] + "/apps/demo/sessions/new"
        headers = {"Authorization": "Bearer secret"}
        with pytest.raises(httpx.TransportError):
            client.post(url, headers=headers)
        with client.stream("POST", url, headers=headers) as answer:
            assert answer.status_code == 201
            process.send_signal(signal.SIGTERM)
            _, words = process.communicate(timeout=60)
            assert process.returncode == 0
            assert words.splitlines()[1:] == ADVICE


def test_json_tells_everything_that_a_program_needs(stack):
    told = described("--app", "one=1", "--app", "two=2", stack=stack)
    assert told["apps"] == [{"id": "one", "secret": "1"}, {"id": "two", "secret": "2"}]
    assert told["turn_keys"] == [{"id": "demo-turn", "token": "turn-secret"}]
    assert told["environment"]["CLOUDFLARE_REALTIME_BASE_URL"] == told["base_url"]
    assert told["udp"]["host"] == "127.0.0.1"
    assert httpx.get(told["page"]).status_code == 200
    for app in told["apps"]:
        url, headers = f"{told['base_url']}/apps/{app['id']}/sessions/new", {"Authorization": "Bearer 1"}
        assert httpx.post(url, headers=headers).status_code == (201 if app["id"] == "one" else 401)


async def test_all_sessions_use_the_one_udp_port_that_was_asked_for(stack):
    port = free_port()
    told = described("--udp-port", str(port), stack=stack)
    headers = {"Authorization": "Bearer secret"}
    async with httpx.AsyncClient(
        base_url=told["base_url"].removesuffix("/v1"), headers=headers, timeout=60
    ) as client:
        lights = [LightPeer() for _ in range(3)]
        for light in lights:
            peer = await Peer.join(client)
            offer = {"type": "offer", "sdp": light.offer(M("audio", "0", ssrc=1))}
            answer = await peer.post_tracks([local("0", "mic")], sessionDescription=offer)
            sdp = answer.json()["sessionDescription"]["sdp"]
            assert value(blocks(sdp)[0], "candidate").split()[5] == str(port)
            await light.connect(sdp)
        sessions = (await client.get("/_emulator/state")).json()["sessions"]
        assert [session["connected"] for session in sessions] == [True] * 3
        for light in lights:
            await light.close()


async def test_an_advertised_name_stands_in_the_address_and_its_number_in_descriptions(stack):
    told = described("--advertise", "localhost", stack=stack)
    assert told["base_url"].startswith("http://localhost:")
    assert told["udp"]["host"] == "127.0.0.1"
    headers = {"Authorization": "Bearer secret"}
    async with httpx.AsyncClient(
        base_url=told["base_url"].removesuffix("/v1"), headers=headers, timeout=60
    ) as client:
        response = await (await Peer.join(client)).publish("mic")
        candidate = value(blocks(response.json()["sessionDescription"]["sdp"])[0], "candidate")
        assert candidate.split()[4:6] == ["127.0.0.1", str(told["udp"]["port"])]


def test_faults_come_from_the_command_line_and_from_a_file(stack, tmp_path):
    file = tmp_path / "faults.json"
    file.write_text('[{"kind": "delay", "seconds": 0.1}, "silence session=#1"]')
    told = described("--fault", "refuse nth=9", "--faults", str(file), "--seed", "5", stack=stack)
    faults = httpx.get(f"{told['page']}faults").json()
    assert faults["seed"] == 5
    assert [fault["kind"] for fault in faults["faults"]] == ["refuse", "delay", "silence"]


def test_adapters_to_localhost_can_be_refused_as_the_service_does(stack):
    told = described("--refuse-localhost-adapters", stack=stack)
    track = {"location": "local", "trackName": "a", "endpoint": "ws://localhost:1", "inputCodec": "pcm"}
    url, headers = f"{told['base_url']}/apps/demo/adapters/websocket/new", {"Authorization": "Bearer secret"}
    (item,) = httpx.post(url, headers=headers, json={"tracks": [track]}).json()["tracks"]
    assert item["errorCode"] == "websocket_localhost_not_allowed"


def test_a_port_that_is_taken_is_named():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert refused("--port", str(port)) == (
            f"Port {port} of 127.0.0.1 is taken: choose another with --port, or 0 for any.\n"
        )


def test_a_media_port_that_is_taken_is_named():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        assert refused("--port", "0", "--udp-port", str(port)) == (
            f"UDP port {port} of 127.0.0.1 is taken: choose another with --udp-port, or 0 for any.\n"
        )


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ("--port 70000", "--port: 70000 is not a port from 0 to 65535"),
        ("--app demo", "--app: it is of the form ID=SECRET, and both have to be there"),
        ("--turn-key =token", "--turn-key: it is of the form ID=TOKEN, and both have to be there"),
        ("--app a/b=c", "--app: a/b has a slash in it"),
        ("--app a=1 --app b=2 --app a=3", "--app a is there twice."),
        ("--host 0.0.0.0", "let them in with --allow-remote or --advertise"),
        ("--host 192.0.2.7 --allow-remote", "192.0.2.7 is not an address of this machine"),
        ("--host 2001:db8::1 --allow-remote", "media travel over IPv4 only"),
        ("--host nowhere.invalid --allow-remote", "nowhere.invalid is no address that can be listened on"),
        ("--advertise nowhere.invalid", "--advertise: nowhere.invalid is no IPv4 address"),
        ("--advertise 0.0.0.0", "--advertise: 0.0.0.0 is no machine's address: say the one under which"),
        ("--fault flood", "--fault: kind is none of delay,"),
        ("--fault delay\\ seconds=" + "[" * 5000, "--fault: seconds is not a number"),
        ("--fault kill_session\\ session=a", "There is no session a that could end."),
        ("--faults missing.json", "--faults: missing.json cannot be read: No such file"),
    ],
)
def test_what_is_wrong_is_said_in_words(arguments, words):
    parts = arguments.replace("\\ ", "\0").split()
    assert words in refused("--port", "0", *(part.replace("\0", " ") for part in parts))


def test_a_file_that_is_no_json_is_named():
    assert "--faults: - is not JSON: Expecting value" in refused("--faults", "-", given="soon")
    assert "--faults: - is not JSON: maximum recursion" in refused("--faults", "-", given="[" * 100_000)


@pytest.mark.parametrize("name", ["0.0.0.0", "0", "224.0.0.1", "255.255.255.255", "::", "", "a b"])
def test_what_nobody_can_send_to_is_not_advertised(name):
    with pytest.raises(ValueError, match=r"is no machine's address|is no IPv4 address"):
        network.found_under(name)


def test_a_name_by_which_only_this_machine_finds_it_gets_a_remark():
    assert network.only_here("vm", "127.0.1.1").startswith("vm is 127.0.1.1 here, so only this machine finds")
    assert network.only_here("localhost", "127.0.0.1") is None
    assert network.only_here("127.0.0.1", "127.0.0.1") is None
    assert network.only_here("emulator", "192.0.2.7") is None


def ended(redirections: str, *arguments: str) -> tuple[int, str]:
    """The exit code of an emulator whose output goes elsewhere, and what it said on standard error."""
    command = shlex.join([*COMMAND, "--port", "0", *arguments])
    done = subprocess.run(
        ["/bin/bash", "-c", f"{command} {redirections}; exit ${{PIPESTATUS[0]}}"],
        stderr=subprocess.PIPE,
        text=True,
        timeout=90,
        check=False,
    )
    return done.returncode, done.stderr


def test_it_ends_without_a_word_more_when_nobody_reads():
    code, words = ended("| true")
    assert (code, words.splitlines()[1:]) == (141, ADVICE)
    assert words.startswith("Cloudflare Realtime, emulated.")


def test_output_that_cannot_be_written_is_not_taken_for_a_port():
    code, words = ended(">/dev/full", "--advertise", "127.1")
    assert code == 2
    assert words.splitlines()[1:] == [
        network.only_here("127.1", "127.0.0.1"),
        "Standard output takes nothing: No space left on device.",
    ]


def test_it_runs_with_closed_outputs():
    port = free_port()
    command = f"exec {shlex.join(COMMAND)} --port {port} >&- 2>&-"
    with (
        httpx.Client(timeout=60) as client,
        subprocess.Popen(["/bin/sh", "-c", command], stdout=subprocess.DEVNULL) as process,
    ):
        try:
            while not answers(client, f"http://127.0.0.1:{port}/_emulator/state"):
                assert process.poll() is None
                time.sleep(0.05)
            process.terminate()
            assert process.wait(60) == 0
        finally:
            process.kill()


def answers(client: httpx.Client, url: str) -> bool:
    try:
        return client.get(url).status_code == 200
    except httpx.TransportError:
        return False


def test_blocked_udp_is_said_before_anything_starts(monkeypatch):
    class Deaf(socket.socket):
        def sendto(self, *_):
            raise PermissionError(1, "Operation not permitted")

    assert network.udp_problem() is None
    monkeypatch.setattr(socket, "socket", Deaf)
    assert network.udp_problem().startswith("UDP is blocked on this machine (Operation not permitted), so no")


def test_a_missing_extra_says_what_to_install():
    code = (
        "import sys; sys.modules['uvicorn'] = None\n"
        "from cfrealtime.emulator.__main__ import main; sys.exit(main(['--port', '0']))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=90, check=False
    )
    assert done.returncode == 2
    assert done.stderr == "The emulator needs uvicorn: pip install 'cfrealtime[emulator]'\n"


def test_the_package_itself_imports_without_the_extra():
    code = (
        "import sys; sys.modules.update(starlette=None, uvicorn=None, aiortc=None)\n"
        "import cfrealtime.emulator as emulator\n"
        "import cfrealtime.emulator.rules.order\n"
        "try: emulator.Emulator\n"
        "except ModuleNotFoundError as error: print(error)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=90, check=False
    )
    assert done.stdout == "The emulator needs starlette: pip install 'cfrealtime[emulator]'\n"
    assert not done.stderr


def test_it_is_ready_soon():
    """Processor time is what it takes; how long that is depends on who else is at work."""
    code = (
        "import os, sys, time\n"
        "from cfrealtime.emulator.__main__ import main\n"
        "write = sys.stdout.write\n"
        "def ready(text):\n"
        "    write(f'{time.process_time():.2f}'); sys.stdout.flush(); os._exit(0)\n"
        "sys.stdout.write = ready\n"
        "main(['--port', '0'])"
    )
    took = min(
        float(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout)
        for _ in range(2)
    )
    assert took < 1.5
