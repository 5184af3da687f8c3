"""Every engine takes certificates, proxies and limits from where httpx takes them."""

from __future__ import annotations

import logging
import re
import socket
import sys
import threading
from contextlib import suppress

import httpx
import pytest

from cfrealtime import (
    AsyncRealtime,
    AsyncTurn,
    ConfigurationError,
    NotSentError,
    OutcomeUnknownError,
    Realtime,
    TracksResult,
    Turn,
    _direct,
)
from cfrealtime._environment import proxy_for, trusted
from tests.cfrealtime.certificates import Authority
from tests.cfrealtime.colours import run_alone
from tests.cfrealtime.engines import AIOHTTP, OURS, PUBLISHED, publish, talk
from tests.cfrealtime.raw_server import Server, answer_of

each_of_ours = pytest.mark.parametrize("engine", OURS, ids=str)
OK = answer_of(PUBLISHED)
VARIABLES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "SSL_CERT_FILE", "SSL_CERT_DIR")


@pytest.fixture(autouse=True)
def environment(monkeypatch):
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    return monkeypatch.setenv


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("certificates"))


def ok(peer, _):
    peer.send(OK)


@each_of_ours
def test_a_certificate_that_nobody_vouches_for_is_named(engine, authority):
    with Server(ok, authority.server()) as server:
        (outcome,) = talk(engine, server.base, publish)
        assert server.requests == []
    assert isinstance(outcome, NotSentError)
    assert "certificate verify failed" in str(outcome)


@each_of_ours
def test_the_authorities_of_the_environment_are_trusted(engine, authority, environment):
    environment("SSL_CERT_FILE", str(authority.file))
    with Server(ok, authority.server()) as server:
        outcomes = talk(engine, server.base, publish, publish)
        assert server.connections == 1
    assert [type(outcome) for outcome in outcomes] == [TracksResult, TracksResult]


@each_of_ours
def test_a_certificate_of_another_host_is_refused(engine, authority, environment):
    environment("SSL_CERT_FILE", str(authority.file))
    with Server(ok, authority.server("elsewhere.test")) as server:
        (outcome,) = talk(engine, server.base, publish)
        assert server.requests == []
    assert isinstance(outcome, NotSentError)
    assert "elsewhere.test" in str(outcome) or "localhost" in str(outcome)


@pytest.mark.parametrize("content", [None, b"no certificate"])
def test_a_file_of_authorities_that_cannot_be_read_is_named(content, environment, tmp_path):
    file = tmp_path / "authorities.pem"
    if content is not None:
        file.write_bytes(content)
    environment("SSL_CERT_FILE", str(file))
    for make in (Realtime, AsyncRealtime, lambda *pair: AsyncRealtime(*pair, engine="aiohttp")):
        with pytest.raises(ConfigurationError, match="SSL_CERT_FILE"):
            make("app", "hunter2")


def test_trust_is_what_httpx_trusts(environment, authority):
    for value in (None, str(authority.file)):
        if value is not None:
            environment("SSL_CERT_FILE", value)
        ours, theirs = trusted(), httpx.create_ssl_context()
        assert ours.cert_store_stats() == theirs.cert_store_stats()
        for what in ("verify_mode", "check_hostname", "minimum_version", "options", "verify_flags"):
            assert getattr(ours, what) == getattr(theirs, what)


def test_limits_are_those_of_httpx():
    from httpx._config import DEFAULT_LIMITS

    assert DEFAULT_LIMITS.max_connections == _direct.MAX_CONNECTIONS
    assert DEFAULT_LIMITS.max_keepalive_connections == _direct.MAX_KEEPALIVE
    assert DEFAULT_LIMITS.keepalive_expiry == _direct.KEEPALIVE_EXPIRY


def tunnel(peer, request):
    """What a proxy does with CONNECT."""
    host, _, port = request.line.split()[1].rpartition(":")
    with socket.create_connection((host, int(port))) as far:
        peer.send(b"HTTP/1.1 200 Connection established\r\n\r\n")
        back = threading.Thread(target=pour, args=(far, peer.sock))
        back.start()
        pour(peer.sock, far)
        back.join()


def pour(source, target):
    with suppress(OSError):
        while piece := source.recv(65536):
            target.sendall(piece)
    for sock in (source, target):
        with suppress(OSError):
            sock.shutdown(socket.SHUT_RDWR)


@each_of_ours
def test_a_proxy_for_https_is_asked_for_a_tunnel(engine, authority, environment):
    environment("SSL_CERT_FILE", str(authority.file))
    with Server(ok, authority.server()) as server, Server(tunnel) as proxy:
        environment("HTTPS_PROXY", f"http://me:pa%20ss@{proxy.address}")
        outcomes = talk(engine, server.base, publish, publish)
        assert [request.line for request in proxy.requests] == [f"CONNECT localhost:{server.port} HTTP/1.1"]
    assert [type(outcome) for outcome in outcomes] == [TracksResult, TracksResult]
    # me:pa ss
    assert proxy.requests[0].header("proxy-authorization") == "Basic bWU6cGEgc3M="
    assert proxy.requests[0].header("authorization") is None
    assert server.requests[0].header("proxy-authorization") is None


@each_of_ours
@pytest.mark.parametrize("variable", ["HTTP_PROXY", "http_proxy", "ALL_PROXY"])
def test_a_proxy_for_http_is_handed_the_request(engine, variable, environment):
    with Server(ok) as proxy:
        environment(variable, f"http://me:pass@{proxy.address}")
        (outcome,) = talk(engine, "http://sfu.test/v1", publish)
    assert isinstance(outcome, TracksResult)
    assert proxy.requests[0].line == "POST http://sfu.test/v1/apps/app/sessions/s1/tracks/new HTTP/1.1"
    assert proxy.requests[0].header("host") == "sfu.test"
    assert proxy.requests[0].header("proxy-authorization") == "Basic bWU6cGFzcw=="


@each_of_ours
def test_hosts_that_need_no_proxy_get_none(engine, environment):
    with Server(ok) as server, Server(ok) as proxy:
        environment("HTTP_PROXY", f"http://{proxy.address}")
        environment("NO_PROXY", "example.com, 127.0.0.1")
        (outcome,) = talk(engine, server.base, publish)
        assert (server.connections, proxy.connections) == (1, 0)
    assert isinstance(outcome, TracksResult)


@each_of_ours
def test_a_proxy_that_refuses_sent_nothing(engine, environment):
    refusal = answer_of(b"provider prose", b"407 provider prose")
    with Server(lambda peer, _: peer.send(refusal)) as proxy:
        environment("ALL_PROXY", f"http://{proxy.address}")
        tunnelled, plain = (talk(engine, f"{scheme}://sfu.test", publish)[0] for scheme in ("https", "http"))
    assert isinstance(tunnelled, NotSentError)
    assert "the proxy answered 407" in str(tunnelled)
    # Where there is no tunnel nobody can tell the proxy's answer from the service's.
    assert plain.status == 407
    assert "prose" not in str(tunnelled) + str(plain)


@each_of_ours
def test_a_proxy_that_hangs_up_or_hangs_sent_nothing(engine, environment):
    for answer in (lambda peer, _: peer.hang_up(), lambda peer, _: peer.hold()):
        with Server(answer) as proxy:
            environment("HTTPS_PROXY", f"http://{proxy.address}")
            (outcome,) = talk(engine, "https://sfu.test", publish, timeout=1.0)
            assert proxy.wait_until_all_are_gone()
        # The blocking colour cannot tell whose answer it waited for.
        assert isinstance(outcome, NotSentError if engine.colour == "async" else OutcomeUnknownError)


def test_aiohttp_reaches_a_proxy_by_tls(authority, environment):
    environment("SSL_CERT_FILE", str(authority.file))
    certificate = authority.server()
    with Server(ok, certificate) as server, Server(tunnel, certificate) as proxy:
        environment("HTTPS_PROXY", f"https://localhost:{proxy.port}")
        (outcome,) = talk(AIOHTTP, server.base, publish)
        assert len(proxy.requests) == 1
    assert isinstance(outcome, TracksResult)


@each_of_ours
def test_netrc_is_not_read(engine, environment, tmp_path):
    file = tmp_path / "netrc"
    file.write_text("machine 127.0.0.1 login me password canary\n")
    file.chmod(0o600)
    environment("NETRC", str(file))
    with Server(ok) as server:
        (outcome,) = talk(engine, server.base, publish)
    assert isinstance(outcome, TracksResult)
    assert server.requests[0].header("authorization") == "Bearer hunter2"


ADDRESSES = [
    "https://rtc.live.cloudflare.com/v1",
    "http://127.0.0.1:8787",
    "http://localhost:1/v1",
    "https://[::1]/x",
]
SETTINGS = [
    {},
    {"HTTPS_PROXY": "http://secure:1"},
    {"HTTP_PROXY": "plain:1", "ALL_PROXY": "http://all:1"},
    {"all_proxy": "https://all:1"},
    *(
        {"ALL_PROXY": "http://all:1", "HTTPS_PROXY": "http://secure:1", "NO_PROXY": exception}
        for exception in (
            "*",
            "x.example, *",
            "cloudflare.com",
            ".cloudflare.com",
            "rtc.live.cloudflare.com",
            ".rtc.live.cloudflare.com",
            "ve.cloudflare.com",
            "RTC.live.Cloudflare.com",
            "127.0.0.1,::1",
            "127.0.0.0/8",
            "localhost",
            "LOCALHOST,",
            "localhost:1",
            "127.0.0.1:1",
            "https://*.cloudflare.com",
            "http://cloudflare.com",
            "all://localhost",
        )
    ),
]


@pytest.mark.parametrize("settings", SETTINGS, ids=str)
def test_proxies_are_chosen_as_httpx_chooses_them(settings, environment):
    for name, value in settings.items():
        environment(name, value)
    with httpx.Client(verify=False) as client:
        for address in ADDRESSES:
            transport = client._transport_for_url(httpx.URL(address))
            pool = transport._pool
            theirs = None if transport is client._transport else pool._proxy_url
            ours = proxy_for(address)
            assert (ours and httpx.URL(ours).host.encode()) == (theirs and theirs.host), address


@pytest.mark.parametrize(
    ("proxy", "words"), [("socks5://proxy.test:1", "SOCKS"), ("ftp://me:pass@proxy.test", "proxy")]
)
def test_a_proxy_that_an_engine_cannot_use_is_refused(proxy, words, environment, monkeypatch):
    monkeypatch.setitem(sys.modules, "socksio", None)
    environment("ALL_PROXY", proxy)
    for make in (Realtime, AsyncRealtime, lambda *pair: AsyncRealtime(*pair, engine="aiohttp")):
        with pytest.raises(ConfigurationError, match=words) as caught:
            make("app", "hunter2")
        assert "pass" not in str(caught.value).replace("passed", "")


@each_of_ours
def test_no_log_shows_a_secret(engine, authority, environment, caplog):
    caplog.set_level(logging.DEBUG)
    environment("SSL_CERT_FILE", str(authority.file))
    with Server(ok, authority.server()) as server, Server(tunnel) as proxy:
        environment("HTTPS_PROXY", f"http://me:canary@{proxy.address}")
        talk(engine, server.base, publish)
    with Server(ok) as proxy:
        environment("HTTP_PROXY", f"http://me:canary@{proxy.address}")
        talk(engine, "http://sfu.test", publish)
        assert len(proxy.requests) == 1
    # Nobody is there any more.
    (outcome,) = talk(engine, "http://sfu.test", publish)
    assert isinstance(outcome, NotSentError)
    shown = caplog.text + str(outcome) + repr(outcome.__context__)
    assert not re.search(r"hunter2|canary|bWU6Y2FuYXJ5|v=0", shown)


def test_the_log_of_httpx_hides_the_user_names_of_turn(caplog):
    caplog.set_level(logging.DEBUG)
    transport = httpx.MockTransport(lambda _: httpx.Response(200, json={}))
    Turn("key", "hunter2", transport=transport).revoke("1738:canary")
    assert "[hidden]" in caplog.text
    assert "canary" not in caplog.text


def test_an_engine_that_does_not_exist_or_is_not_installed_is_named(monkeypatch):
    for make in (AsyncRealtime, AsyncTurn):
        with pytest.raises(ConfigurationError, match="'curl' will not do"):
            make("app", "hunter2", engine="curl")
    monkeypatch.delitem(sys.modules, "cfrealtime.aio.fast")
    monkeypatch.setitem(sys.modules, "aiohttp", None)
    with pytest.raises(ConfigurationError, match=r'pip install "cfrealtime\[fast\]"'):
        AsyncRealtime("app", "hunter2", engine="aiohttp")


@pytest.mark.parametrize("name", ["http_client", "transport"])
def test_aiohttp_takes_nothing_of_httpx(name):
    given = httpx.AsyncClient(verify=False) if name == "http_client" else httpx.MockTransport(print)
    with pytest.raises(ConfigurationError, match="pass neither"):
        AsyncRealtime("app", "hunter2", engine="aiohttp", **{name: given})


def test_a_turn_key_has_the_same_choice():
    async def generate():
        async with AsyncTurn("key", "hunter2", base_url=server.base, engine="aiohttp") as turn:
            return await turn.generate_ice_servers(60)

    answer = answer_of(b'{"iceServers": [{"urls": ["stun:stun.test"]}]}', b"201 Created")
    with Server(lambda peer, _: peer.send(answer)) as server:
        assert run_alone(generate()).servers
    assert server.requests[0].header("authorization") == "Bearer hunter2"
