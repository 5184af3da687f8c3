"""The emulator behind a real HTTP server."""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import socket
import urllib.request

import httpx
import pytest

from cfrealtime.emulator import Emulator, ManualMediaPlane
from tests.cfrealtime.emulator.peer import Peer, codes, remote, until


def client_at(base_url: str) -> httpx.AsyncClient:
    root = base_url.removesuffix("/v1")
    return httpx.AsyncClient(base_url=root, headers={"Authorization": "Bearer secret"}, timeout=60)


async def test_a_server_on_any_free_port_is_ready_at_once_and_gone_afterwards():
    emulator = Emulator()
    async with emulator.serve() as base_url, client_at(base_url) as client:
        peer = await Peer.join(client)
        assert codes(await peer.publish("mic")) == [None]
        assert (await client.get("/_emulator/journal")).json()["breaches"] == []
    with pytest.raises(httpx.ConnectError):
        async with client_at(base_url) as client:
            await client.get("/_emulator/state")
    assert emulator.count() == 2


async def test_a_port_that_is_taken_is_an_error_of_the_system():
    async with Emulator().serve() as base_url:
        port = httpx.URL(base_url).port
        with pytest.raises(OSError, match="in use"):
            async with Emulator().serve(port=port):
                pass


NEW_SESSION = b"POST /v1/apps/demo/sessions/new HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer secret\r\n\r\n"


def by_socket(url: httpx.URL) -> None:
    with socket.create_connection((url.host, url.port), timeout=60) as connection:
        connection.sendall(NEW_SESSION)
        assert connection.recv(1) == b""
    raise ConnectionError


def by_http_client(url: httpx.URL) -> None:
    connection = http.client.HTTPConnection(url.host, url.port, timeout=60)
    with contextlib.closing(connection):
        connection.request("POST", "/v1/apps/demo/sessions/new", headers={"Authorization": "Bearer secret"})
        connection.getresponse()


def by_urllib(url: httpx.URL) -> None:
    request = urllib.request.Request(f"{url}/apps/demo/sessions/new", method="POST")
    request.add_header("Authorization", "Bearer secret")
    urllib.request.urlopen(request, timeout=60)


def by_httpx(url: httpx.URL) -> None:
    httpx.post(f"{url}/apps/demo/sessions/new", headers={"Authorization": "Bearer secret"}, timeout=60)


@pytest.mark.parametrize("call", [by_socket, by_http_client, by_urllib, by_httpx])
@pytest.mark.parametrize(("fault", "landed"), [("refuse", 0), ("lose_answer", 1)])
async def test_a_broken_connection_brings_not_a_byte_of_an_answer(call, fault, landed, caplog):
    emulator = Emulator()
    emulator.faults.add(fault)
    async with emulator.serve() as base_url:
        with pytest.raises((ConnectionError, httpx.RemoteProtocolError, httpx.ReadError)):
            await asyncio.to_thread(call, httpx.URL(base_url))
    assert len(emulator.state()["sessions"]) == landed
    assert caplog.records == []


async def test_after_a_broken_connection_the_next_one_is_answered():
    emulator = Emulator()
    emulator.faults.refuse("new_session", nth=2)
    async with emulator.serve() as base_url, client_at(base_url) as client:
        await Peer.join(client)
        with pytest.raises(httpx.RemoteProtocolError, match="without sending a response"):
            await Peer.join(client)
        await Peer.join(client)


async def test_a_caller_who_hangs_up_is_noticed_and_his_call_goes_on():
    media = ManualMediaPlane(automatic=False)
    emulator = Emulator(media=media)
    async with emulator.serve() as base_url:
        async with client_at(base_url) as hasty:
            peer = await Peer.join(hasty)
            await peer.publish("mic")
            waiting = asyncio.create_task(peer.post_tracks([remote("x", "a")]))
            await until(lambda: emulator.count("new_tracks") == 2)
            waiting.cancel()
            await asyncio.wait([waiting])
        media.connect(peer.id)
        async with client_at(base_url) as patient:
            peer.client = patient
            assert codes(await peer.force_close("0")) == [None]
            await until(lambda: emulator.journal()["calls"][2]["status"] == 200)
        assert emulator.journal()["breaches"] == []


@pytest.mark.parametrize("door", ["/v1/apps/demo/sessions/new", "/_emulator/faults"])
async def test_a_caller_who_hangs_up_before_he_has_said_it_all_is_nothing_to_complain_of(caplog, door):
    async with Emulator().serve() as base_url:
        url = httpx.URL(base_url)
        reader, writer = await asyncio.open_connection(url.host, url.port)
        writer.write(f"POST {door} HTTP/1.1\r\nhost: emulator\r\ncontent-length: 20\r\n\r\n{{".encode())
        writer.write_eof()
        assert await reader.read() == b""
        writer.close()
        await writer.wait_closed()
    assert caplog.records == []


async def test_a_server_stops_although_a_call_waits():
    emulator = Emulator(media=ManualMediaPlane(automatic=False))
    async with emulator.serve() as base_url, client_at(base_url) as client:
        peer = await Peer.join(client)
        await peer.publish("mic")
        waiting = asyncio.create_task(peer.post_tracks([remote("x", "a")]))
        await until(lambda: emulator.count("new_tracks") == 2)
        stopping = asyncio.get_running_loop().time()
    assert asyncio.get_running_loop().time() - stopping < 3
    with pytest.raises(httpx.TransportError):
        await waiting


async def test_an_answer_does_not_wait_for_the_client_to_acknowledge_its_head():
    async with Emulator().serve() as base_url, client_at(base_url) as client:
        peer = await Peer.join(client)
        taken = [1.0]
        while min(taken) > 0.035 and len(taken) < 200:  # a busy machine is slow now and then
            before = asyncio.get_running_loop().time()
            await peer.get()
            taken.append(asyncio.get_running_loop().time() - before)
    assert min(taken) < 0.035, "Linux acknowledges after 40 ms"
