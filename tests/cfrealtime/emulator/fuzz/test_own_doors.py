"""The emulator's own doors, under /_emulator: what is said there is taken, or refused in words."""

from __future__ import annotations

import json
from contextlib import suppress
from urllib.parse import quote, urlencode

import httpx
from hypothesis import given
from hypothesis import strategies as st

from cfrealtime.emulator.rules.fault_forms import describe, write
from cfrealtime.emulator.rules.faults import ON_CALLS
from tests.cfrealtime.emulator.fuzz.street import SECRETS, Street, some
from tests.cfrealtime.emulator.fuzz.test_json import JSON
from tests.cfrealtime.emulator.peer import Peer
from tests.cfrealtime.emulator.rules.test_faults import any_fault

ROOT = "/_emulator"
FAULTS = f"{ROOT}/faults"
NAME = st.sampled_from(["kind", "seconds", "status", "landed", "body", "share", "direction", *ON_CALLS])
NUMBER = st.integers(-1, 3) | st.floats() | st.sampled_from([204, 503, 10**20, 1e999])
DEEP = st.sampled_from([("[", 1500), ('{"a":', 1200), ("9", 4400)]).map(lambda part: part[0] * part[1])
CHANGES = st.just({}) | st.dictionaries(NAME, NUMBER | JSON | DEEP, max_size=2)
OBJECT = st.builds(lambda fault, changes: {**write(fault), **changes}, any_fault(), CHANGES)
WORD = st.builds(lambda name, value: f"{name}={value}", NAME | st.text(max_size=5), NUMBER | DEEP) | st.text()
LINE = st.builds(
    lambda fault, words: " ".join([fault, *words]), any_fault().map(describe), st.lists(WORD, max_size=2)
)


def aimed(fault: object, session: str) -> object:
    """The same fault for this session alone, as far as it is one."""
    if isinstance(fault, str):
        kind, _, rest = fault.partition(" ")
        return f"{kind} session={session} {rest} session={session}"  # a quotation may hide one of them
    return {**fault, "session": session} if isinstance(fault, dict) else fault


def nested(inner: object, depth: int) -> str:
    """JSON with so many `faults` around it."""
    return '{"faults":' * depth + json.dumps(inner) + "}" * depth


async def ask(street: Street, content: str | bytes, headers: dict | None = None) -> httpx.Response:
    """Ask for faults, and check that the answer is one of those there are."""
    response = await street.client.post(FAULTS, content=content, headers=headers)
    if response.status_code != 201:
        assert response.status_code in (400, 403)
        assert response.json()["errorDescription"].endswith(".")
        assert (await street.client.get(FAULTS)).json()["faults"] == []
    return response


@some(40)
@given(
    faults=st.lists(OBJECT | LINE | JSON, max_size=3) | OBJECT | LINE,
    depth=st.integers(0, 2) | st.sampled_from([2000, 6000]),
    origin=st.none() | st.sampled_from(["http://[", "null", ""]),
)
async def test_any_fault_is_taken_or_refused_in_words(street: Street, faults, depth, origin):
    several = faults if isinstance(faults, list) else [faults]
    content = nested([aimed(fault, "nobody") for fault in several], depth)
    try:
        await ask(street, content, {} if origin is None else {"Origin": origin})
        assert (await street.client.get(f"{ROOT}/state")).status_code == 200
        await street.undisturbed()
    finally:
        street.emulator.faults.clear()


@some(15)
@given(
    content=st.binary(max_size=200)
    | DEEP.map(str.encode)
    | st.just(60_000).map(lambda size: b'"' + b"x" * size + b'"')
)
async def test_any_bytes_are_no_fault(street: Street, content):
    assert (await ask(street, content)).status_code == 400
    await street.undisturbed()


@some(15)
@given(fault=OBJECT | LINE, method=st.sampled_from(["GET", "PUT"]))
async def test_what_is_taken_happens_to_its_session_alone(street: Street, fault, method):
    peer = await Peer.join(street.client)
    try:
        await ask(street, json.dumps(aimed(fault, peer.id)))
        headers = {"Authorization": f"Bearer {SECRETS['app']}"}
        # Not by the street's client, which holds every answer against the document: some are spoiled.
        async with httpx.AsyncClient(base_url=street.client.base_url, headers=headers, timeout=0.1) as client:
            with suppress(httpx.TransportError, httpx.DecodingError):
                await client.request(method, peer.path if method == "GET" else f"{peer.path}/tracks/close")
        assert (await street.alice.get()).status_code == 200
        await street.undisturbed()
    finally:
        street.emulator.faults.clear()


VALUE = (
    st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
    | NUMBER.map(str)
    | st.just(5000).map("9".__mul__)
)
NAMES = st.sampled_from(["operation", "session", "since", "newest", "ended", "x"])
QUERY = st.lists(st.tuples(NAMES, VALUE), max_size=3).map(urlencode) | st.binary(max_size=10).map(quote)


@some(60)
@given(door=st.sampled_from(["journal", "state"]), query=QUERY)
async def test_any_query_is_answered_or_refused_in_words(street: Street, door, query):
    response = await street.client.get(f"{ROOT}/{door}?{query}")
    if response.status_code == 400:
        assert response.json()["errorDescription"].endswith(".")
    else:
        assert response.status_code == 200
        assert isinstance(response.json()["calls" if door == "journal" else "sessions"], list)
    await street.undisturbed()
