"""The HTTP door itself: bytes that are no request, and requests with odd paths, headers and bodies."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from urllib.parse import quote

import httpx
from hypothesis import given
from hypothesis import strategies as st

from tests.cfrealtime.emulator.fuzz.street import SECRETS, Street, mutations, some

REQUEST = (
    b"POST /v1/apps/demo/sessions/new HTTP/1.1\r\nhost: emulator\r\n"
    b"authorization: Bearer x\r\ncontent-length: 2\r\n\r\n{}"
)
CHUNKS = (
    b"PUT /v1/apps/demo/sessions/a/renegotiate HTTP/1.1\r\nhost: emulator\r\nexpect: 100-continue\r\n"
    b"transfer-encoding: chunked\r\n\r\n1\r\n{\r\n1\r\n}\r\n0\r\n\r\n"
)
UPGRADE = (
    b"GET /_emulator/ HTTP/1.1\r\nhost: emulator\r\nconnection: upgrade\r\nupgrade: websocket\r\n"
    b"sec-websocket-version: 13\r\nsec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
)
FAULT = (
    b"POST /_emulator/faults HTTP/1.1\r\nhost: emulator\r\norigin: http://emulator\r\n"
    b'content-length: 23\r\n\r\n"refuse session=nobody"'
)
ANY = st.builds(quote, st.text(st.characters(exclude_categories=["Cs"]), max_size=8), safe=st.just(""))
PART = ANY | st.sampled_from(
    ["demo", "sessions", "new", "..", "%2e%2e", "", "tracks", "adapters", "websocket", "turn", "keys"]
)
OWN = ANY | st.sampled_from(["faults", "journal", "state", "f1", "page.js", "..", "%2e%2e", ""])
PATH = st.builds(
    lambda root, parts: "/".join((root, *parts)), st.sampled_from(["/v1", ""]), st.lists(PART, max_size=7)
) | st.lists(OWN, max_size=3).map(lambda parts: "/".join(("/_emulator", *parts)))
HEADER = st.binary(max_size=20).map(lambda b: bytes(o for o in b if o >= 32 and o != 127))


async def say(street: Street, data: bytes) -> bytes:
    """Raw bytes to the server; what it says before it hangs up or a moment has passed."""
    url = street.client.base_url
    reader, writer = await asyncio.open_connection(url.host, url.port)
    writer.write(data)
    writer.write_eof()
    said = b""
    with suppress(TimeoutError, ConnectionError):
        async with asyncio.timeout(2):
            said = await reader.read()
    writer.close()
    return said


@some(40)
@given(data=st.binary(max_size=300) | st.sampled_from([REQUEST, CHUNKS, UPGRADE, FAULT]).flatmap(mutations))
async def test_bytes_that_are_hardly_a_request_are_refused(street: Street, data):
    said = await say(street, data)
    assert said == b"" or 100 <= int(said.split()[1]) < 500
    await street.undisturbed()


@some(150)
@given(
    method=st.sampled_from(["GET", "POST", "PUT", "DELETE", "OPTIONS", "HEAD", "PATCH"]),
    path=PATH,
    query=st.binary(max_size=10).map(quote).map(str.encode),
    authorization=HEADER,
    authorized=st.booleans(),
    body=st.binary(max_size=60),
)
async def test_any_path_is_answered(street: Street, method, path, query, authorization, authorized, body):
    secret = SECRETS["app"].encode() if authorized else b"x" + authorization + b"x"
    # Not by the street's client, which holds every answer against the document: most of these are in none.
    async with httpx.AsyncClient(base_url=street.client.base_url, verify=False, timeout=60) as client:
        url = street.client.base_url.copy_with(path=path, query=query)
        headers = {b"authorization": b"Bearer " + secret}
        response = await client.request(method, url, headers=headers, content=body)
    assert response.status_code < 500
    await street.undisturbed()
