"""The whole check: against the emulator, and against everything that can be wrong on the way to it."""

from __future__ import annotations

import asyncio
import datetime
import json
import os
import socket
import ssl
import subprocess
import sys
from contextlib import asynccontextmanager
from email.utils import formatdate
from ipaddress import ip_address

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from cfrealtime.__main__ import main
from cfrealtime._checking.findings import Status
from cfrealtime._checking.network import Network
from cfrealtime._checking.steps import Check
from cfrealtime._core.settings import APP_ID, APP_SECRET, BASE_URL, TURN_API_TOKEN, TURN_KEY_ID
from cfrealtime.emulator import Emulator
from tests.servers import free_port

APP = {APP_ID: "demo", APP_SECRET: "secret"}
TURN = {TURN_KEY_ID: "demo-turn", TURN_API_TOKEN: "turn-secret"}
CANARIES = ("canary-id", "canary-secret", "canary-key", "canary-token")


@pytest.fixture(autouse=True)
def no_proxies(monkeypatch):
    for name in [name for name in os.environ if name.lower().endswith("_proxy")]:
        monkeypatch.delenv(name)


async def check(environment, network=None, seconds=5.0):
    """The findings by step."""
    steps = Check(environment, seconds, network)
    findings = await asyncio.to_thread(lambda: list(steps.run()))
    return {finding.step: finding for finding in findings}


def statuses(findings):
    return {step: finding.status.value for step, finding in findings.items()}


@asynccontextmanager
async def server(handle, tls=None):
    """A server that handles connections, and at the end has none; gives its port."""
    tasks = set()

    async def serve(reader, writer):
        tasks.add(asyncio.current_task())
        try:
            await handle(reader, writer)
        finally:
            writer.close()
            await writer.wait_closed()

    async with await asyncio.start_server(serve, "127.0.0.1", 0, ssl=tls) as started:
        yield started.sockets[0].getsockname()[1]
        for _ in range(5):  # what was accepted last has its turn
            await asyncio.sleep(0)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def answering(body, headers="", tls=None):
    """A server that gives one answer to whatever it is asked."""

    async def handle(reader, writer):
        head = await reader.readuntil(b"\r\n\r\n")
        length = head.lower().partition(b"content-length:")[2].split(b"\r\n")[0]
        await reader.readexactly(int(length or b"0"))
        lines = f"{headers}Content-Length: {len(body)}\r\nConnection: close\r\n"
        writer.write(f"HTTP/1.1 200 OK\r\n{lines}\r\n{body}".encode())
        await writer.drain()

    return server(handle, tls)


def certificate(folder, *, name="localhost", days=1):
    """A certificate signed by itself that ends so many days from now: a server's context, and its file."""
    key = ec.generate_private_key(ec.SECP256R1())
    now = datetime.datetime.now(datetime.UTC)
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "test")])
    names = [x509.DNSName(name), x509.IPAddress(ip_address("127.0.0.1"))]
    made = (
        x509.CertificateBuilder(subject, subject, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=30))
        .not_valid_after(now + datetime.timedelta(days=days))
        .add_extension(
            x509.SubjectAlternativeName(names if name == "localhost" else names[:1]), critical=False
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    public = made.public_bytes(serialization.Encoding.PEM)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    file = folder / "certificate.pem"
    file.write_bytes(public)
    (folder / "both.pem").write_bytes(private + public)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "both.pem")
    return context, str(file)


class Elsewhere(Network):
    """A network on which the service is on another machine, and a STUN server answers, or fails."""

    def __init__(self, port, stun=0.02):
        self._port, self._stun = port, stun

    def resolve(self, host, port, seconds):
        return [(socket.AF_INET, ("192.0.2.1", port))]

    def connect(self, addresses, seconds):
        return super().connect([(socket.AF_INET, ("127.0.0.1", self._port))], seconds)

    def ask_stun(self, host, port, seconds):
        if isinstance(self._stun, OSError):
            raise self._stun
        return self._stun


async def test_everything_works_on_an_emulator():
    async with Emulator() as emulator, emulator.serve() as base_url:
        findings = await check({**APP, **TURN, BASE_URL: base_url})
        assert statuses(findings) == {
            "settings": "ok",
            "name": "ok",
            "connection": "ok",
            "encryption": "not tried",
            "app": "ok",
            "session": "ok",
            "turn": "ok",
            "udp": "not tried",
        }
        assert [credential["revoked"] for credential in emulator.state()["turn_credentials"]] == [True]
        assert emulator.count() == 4


@pytest.mark.parametrize(
    ("change", "step", "words"),
    [
        ({APP_SECRET: "wrong"}, "app", "The App Secret is not the one of this app (401 unauthorized)"),
        ({APP_ID: "wrong"}, "app", "There is no app with this App ID (404 not_found)"),
        (
            {TURN_API_TOKEN: "wrong"},
            "turn",
            "The API token is not the one of this TURN key (401 unauthorized)",
        ),
        ({TURN_KEY_ID: "wrong"}, "turn", "There is no TURN key with this TURN key ID (404 not_found)"),
        ({TURN_KEY_ID: ""}, "turn", f"{TURN_KEY_ID} is not set"),
        ({TURN_KEY_ID: "../up"}, "turn", "characters that none has"),
        ({APP_ID: ""}, "settings", f"{APP_ID} is not set"),
        ({APP_SECRET: "two words"}, "settings", "another character that none has"),
    ],
)
async def test_a_wrong_setting_is_named_and_the_rest_is_tried(change, step, words):
    async with Emulator().serve() as base_url:
        findings = await check({**APP, **TURN, BASE_URL: base_url, **change})
    failed = [name for name, finding in findings.items() if finding.status is Status.FAILED]
    assert failed == [step]
    assert words in findings[step].text
    assert findings["connection"].status is Status.OK


async def test_a_session_that_cannot_be_read_is_told_apart():
    async with Emulator() as emulator, emulator.serve() as base_url:
        emulator.faults.answer_with("get_session", 503, code="backend_error")
        findings = await check({**APP, BASE_URL: base_url})
    assert (findings["app"].status, findings["session"].status) == (Status.OK, Status.FAILED)


async def test_a_dead_port_is_said_to_be_one():
    findings = await check({**APP, **TURN, BASE_URL: f"http://127.0.0.1:{free_port()}/v1"})
    assert "nothing listens" in findings["connection"].text
    assert [findings[step].status for step in ("app", "session", "turn")] == [Status.NOT_TRIED] * 3


async def test_a_name_that_does_not_exist_is_said_to_be_one():
    class Nowhere(Network):
        def resolve(self, host, port, seconds):
            raise socket.gaierror(socket.EAI_NONAME, "prose")

    findings = await check(APP, Nowhere())
    assert findings["name"].text == "There is no address for rtc.live.cloudflare.com."
    assert findings["udp"].status is Status.NOTED


async def test_no_variables_are_named_and_the_network_is_tried_all_the_same():
    async with answering("") as port:
        findings = await check({BASE_URL: "http://elsewhere"}, Elsewhere(port))
    assert f"{APP_ID} and {APP_SECRET} are not set" in findings["settings"].text
    assert (findings["connection"].status, findings["app"].status) == (Status.OK, Status.NOT_TRIED)


async def test_an_address_that_is_none_ends_the_check_and_is_not_repeated():
    findings = await check({**APP, BASE_URL: "http://name:canary@host"})
    assert findings.keys() == {"settings"}
    assert "canary" not in str(findings)


async def test_a_server_of_web_pages_is_not_the_api():
    async with answering("<html>canary</html>") as port:
        findings = await check({**APP, BASE_URL: f"http://127.0.0.1:{port}"})
    assert "not the API" in findings["app"].text
    assert "canary" not in str(findings)


async def test_a_server_that_says_nothing_is_given_up():
    async def listen(reader, _):
        while await reader.read(4096):
            pass

    async with server(listen) as port:
        findings = await check({**APP, BASE_URL: f"http://127.0.0.1:{port}"}, seconds=0.3)
    assert "no complete answer came" in findings["app"].text


@pytest.mark.parametrize(
    ("trusted", "options", "words"),
    [
        (False, {}, "signed by nobody"),
        (True, {"days": -1}, "out of date"),
        (True, {"name": "other.example"}, "not one for 127.0.0.1"),
    ],
)
async def test_a_certificate_is_told_what_is_wrong_with_it(tmp_path, monkeypatch, trusted, options, words):
    tls, file = certificate(tmp_path, **options)
    if trusted:
        monkeypatch.setenv("SSL_CERT_FILE", file)
    async with answering("{}", tls=tls) as port:
        findings = await check({**APP, BASE_URL: f"https://127.0.0.1:{port}"})
    assert words in findings["encryption"].text
    assert findings["app"].status is Status.NOT_TRIED


async def test_a_server_without_tls_is_said_to_be_one():
    async def complain(_, writer):
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    async with server(complain) as port:
        findings = await check({**APP, BASE_URL: f"https://127.0.0.1:{port}"})
    assert "does not speak TLS" in findings["encryption"].text


async def test_tls_that_is_trusted_is_used_by_the_calls(tmp_path, monkeypatch):
    tls, file = certificate(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", file)
    body = json.dumps({"sessionId": "s1"})
    async with answering(body, tls=tls) as port:
        findings = await check({**APP, BASE_URL: f"https://127.0.0.1:{port}"})
    assert findings["encryption"].text.startswith("TLSv1.")
    assert findings["session"].status is Status.OK


@pytest.mark.parametrize(("ahead", "noted"), [(120, True), (0, False)])
async def test_a_clock_is_mentioned_when_it_is_wrong(ahead, noted):
    date = formatdate(datetime.datetime.now(datetime.UTC).timestamp() - ahead, usegmt=True)
    async with answering('{"sessionId": "s1"}', headers=f"Date: {date}\r\n") as port:
        findings = await check({**APP, BASE_URL: f"http://127.0.0.1:{port}"})
    assert ("clock" in findings) is noted
    assert Status.FAILED not in {finding.status for finding in findings.values()}


@pytest.mark.parametrize(
    ("stun", "status"), [(0.02, Status.OK), (TimeoutError(), Status.NOTED), (socket.gaierror(), Status.NOTED)]
)
async def test_udp_is_tried_when_the_service_is_elsewhere(stun, status):
    async with answering('{"sessionId": "s1"}') as port:
        findings = await check({**APP, BASE_URL: f"http://127.0.0.1:{port}"}, Elsewhere(port, stun))
    assert findings["udp"].status is status
    assert findings["encryption"].status is Status.NOTED


async def test_a_proxy_is_asked_in_place_of_the_service_and_its_password_is_not_shown(monkeypatch):
    async with answering('{"sessionId": "s1"}') as port:
        monkeypatch.setenv("HTTP_PROXY", f"http://user:canary@127.0.0.1:{port}")
        findings = await check({**APP, BASE_URL: "http://service.invalid/v1"}, Elsewhere(port))
    assert "a proxy" in findings["name"].text
    assert findings["app"].status is Status.OK
    assert "canary" not in str(findings)


@pytest.mark.parametrize(
    ("variable", "value", "base_url"),
    [
        ("SSL_CERT_FILE", "/nowhere/canary.pem", "https://127.0.0.1:1"),
        ("HTTP_PROXY", "http://canary:port:port", "http://service.invalid"),
    ],
)
@pytest.mark.parametrize("app", [APP, {}], ids=["with an app", "without"])
async def test_what_the_environment_says_of_the_network_can_be_wrong_too(
    variable, value, base_url, app, monkeypatch
):
    monkeypatch.setenv(variable, value)
    async with answering("") as port:
        findings = await check({**app, BASE_URL: base_url}, Elsewhere(port))
    told = [finding for finding in findings.values() if variable in f"{finding.text} {finding.advice}"]
    assert told
    assert {finding.status for finding in told} == {Status.FAILED}
    assert "canary" not in str(findings)


class Stun(asyncio.DatagramProtocol):
    def __init__(self, reply):
        self._reply = reply

    def connection_made(self, transport):
        self._transport = transport

    def datagram_received(self, data, address):
        for answer in self._reply(data):
            self._transport.sendto(answer, address)


@pytest.mark.parametrize("answered", [True, False])
async def test_a_stun_server_is_heard_among_noise(answered):
    def reply(data):
        return [b"noise", *([b"\x01\x01" + data[2:]] if answered else [])]

    loop = asyncio.get_running_loop()
    server, _ = await loop.create_datagram_endpoint(lambda: Stun(reply), ("127.0.0.1", 0))
    port = server.get_extra_info("sockname")[1]
    asking = asyncio.to_thread(Network().ask_stun, "127.0.0.1", port, 5.0 if answered else 0.3)
    if answered:
        assert await asking < 5.0
    else:
        with pytest.raises(TimeoutError):
            await asking
    server.close()


def test_a_name_server_that_hangs_is_given_up(monkeypatch):
    import time

    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: time.sleep(1))
    with pytest.raises(TimeoutError):
        Network().resolve("host", 443, 0.05)


def command(environment, *arguments):
    """The command as a person runs it, with its output going into a pipe."""
    names = (APP_ID, APP_SECRET, BASE_URL, TURN_KEY_ID, TURN_API_TOKEN)
    rest = {name: value for name, value in os.environ.items() if name not in names}
    return subprocess.run(
        [sys.executable, "-m", "cfrealtime", *arguments],
        env={**rest, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


async def test_the_command_tells_and_its_exit_code_says_whether_all_works():
    async with Emulator().serve() as base_url:
        environment = {**APP, BASE_URL: base_url}
        good = await asyncio.to_thread(command, environment, "check")
        bad = await asyncio.to_thread(command, {**environment, APP_SECRET: "wrong"}, "check", "--json")
    assert (good.returncode, good.stderr) == (0, "")
    assert good.stdout.endswith("Everything that was tried works.\n")
    assert bad.returncode == 1
    assert json.loads(bad.stdout)["ok"] is False


@pytest.mark.parametrize(
    ("change", "code"),
    [({}, 0), ({APP_SECRET: "canary-wrong"}, 1), ({APP_ID: "canary-wrong"}, 1), ({APP_ID: "canary/up"}, 1)],
)
async def test_no_value_of_a_variable_but_the_host_is_ever_shown(change, code, monkeypatch, capsys):
    ids, keys = {"canary-id": "canary-secret"}, {"canary-key": "canary-token"}
    given = dict(zip((APP_ID, APP_SECRET, TURN_KEY_ID, TURN_API_TOKEN), CANARIES, strict=True))
    async with Emulator(ids, turn_keys=keys).serve() as base_url:
        for name, value in {**given, BASE_URL: base_url, **change}.items():
            monkeypatch.setenv(name, value)
        codes = [await asyncio.to_thread(main, ["check", *options]) for options in ((), ("--json",))]
    assert codes == [code, code]
    assert "canary" not in "".join(capsys.readouterr())


def test_a_reader_who_leaves_early_gets_no_traceback():
    shell = f'{sys.executable} -m cfrealtime check | head -c 1; echo " ${{PIPESTATUS[0]}}"'
    environment = {**os.environ, BASE_URL: f"http://127.0.0.1:{free_port()}"}
    done = subprocess.run(["bash", "-c", shell], env=environment, capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("c 1\n", "")


@pytest.mark.parametrize("timeout", ["0", "-1", "nan", "inf", "soon"])
def test_a_timeout_that_is_none_is_refused(timeout, capsys):
    with pytest.raises(SystemExit):
        main(["check", f"--timeout={timeout}"])
    assert "--timeout" in capsys.readouterr().err


def test_without_a_command_there_is_help(capsys):
    assert main([]) == 2
    assert "check" in capsys.readouterr().err
