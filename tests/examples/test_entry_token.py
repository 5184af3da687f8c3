"""Who comes in with a token, who does not and why, and what a token allows."""

import base64
import io
import json
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, redirect_stdout
from types import SimpleNamespace
from urllib.parse import parse_qs, urlsplit

import httpx
import jwt
import pytest
from aiohttp import ClientSession
from websockets.asyncio.client import connect as open_socket
from websockets.exceptions import InvalidStatus

from cfrealtime import AsyncRealtime
from cfrealtime.emulator import Emulator, UdpMediaPlane
from cfrealtime_rooms import Permissions
from cfrealtime_rooms.testing import RefusedError
from cfrealtime_rooms.testing.light import LightPeer
from cfrealtime_rooms.testing.websocket import WebSocketParticipant, connect
from tests.examples.conftest import EXAMPLES, _uvicorn

KEY = "k" * 32
REFUSALS = {
    "no_token": 401,
    "broken_token": 401,
    "forged_token": 401,
    "other_token": 401,
    "expired_token": 401,
    "wrong_room": 403,
    "no_ticket": 403,
}


@pytest.fixture
def entry(load):
    return load("04_entry_token/entry.py")


@pytest.fixture
def invitation(entry):
    """Ana's, with changes."""

    def invite(**changes):
        stated = {"room": "standup", "identity": "u1", "name": "Ana", "permissions": Permissions()}
        return entry.Invitation(**{**stated, "expires": int(time.time()) + 60, **changes})

    return invite


@pytest.fixture
def token(entry, invitation):
    return lambda **changes: entry.issued(invitation(**changes), KEY.encode())


class Door:
    """The host, seen from outside."""

    def __init__(self, url: str, client: ClientSession) -> None:
        self.url, self.client = url, client

    async def ask(self, token: str | None, room: str = "standup") -> tuple[int, dict]:
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        async with self.client.post("/entry", params={"room": room}, headers=headers) as response:
            return response.status, await response.json()

    async def address(self, token: str, room: str = "standup") -> str:
        """Of a WebSocket, with a ticket."""
        status, given = await self.ask(token, room)
        assert status == 200
        return f"{self.url.replace('http', 'ws', 1)}/rooms/{room}?ticket={given['ticket']}"

    @asynccontextmanager
    async def guest(self, token: str, **options) -> AsyncIterator[WebSocketParticipant]:
        async with connect(await self.address(token), peer_factory=LightPeer, **options) as participant:
            yield participant


@pytest.fixture
async def door(load) -> AsyncIterator[Door]:
    async with AsyncExitStack() as stack:
        emulator = await stack.enter_async_context(Emulator(media=UdpMediaPlane()))
        transport = httpx.ASGITransport(emulator.app)
        realtime = AsyncRealtime("demo", "secret", base_url="http://emulator/v1", transport=transport)
        app = load("04_entry_token/doorkeeper.py").create_app(realtime, KEY.encode())
        url = await stack.enter_async_context(_uvicorn(app))
        yield Door(url, await stack.enter_async_context(ClientSession(url)))


async def test_two_with_tokens_meet(door, token):
    ben = token(identity="u2", name="Ben")
    async with door.guest(token(), name="whoever") as ana, door.guest(ben) as ben:
        await ben.wait_until(lambda: ben.hears("Ana") and ben.sees("Ana"))  # the name is the token's
        await ana.wait_until(lambda: len(ana.receiving()) == 2)
        ana.say("hello")
        await ben.wait_until(lambda: [one.text for one in ben.messages] == ["hello"])


async def test_who_may_only_watch_receives_and_cannot_publish(door, token):
    rights = Permissions(publish=frozenset(), message=False)
    watcher = token(identity="u2", name="Vi", permissions=rights)
    async with door.guest(token()), door.guest(watcher, sources=()) as vi:
        await vi.wait_until(lambda: len(vi.receiving()) == 2)
        with pytest.raises(RefusedError, match="not_allowed"):
            await vi.publish("camera")
        vi.say("let me speak")
        await vi.wait_until(lambda: [error.code for error in vi.errors] == ["not_allowed"] * 2)


async def test_the_same_invitation_twice_is_one_person_in_one_place(door, token):
    link = token()
    async with door.guest(link) as older, door.guest(link) as newer:
        await older.wait_until(lambda: older.closed is not None)
        assert older.closed == "replaced"
        assert not newer.others


def claims(**changes) -> dict:
    stated = {"aud": "meeting", "room": "standup", "sub": "u1", "name": "Ana", "exp": int(time.time()) + 60}
    return {**stated, "publish": None, "subscribe": True, "message": True, **changes}


def packed(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


def unsigned(**changes) -> str:
    return f"{packed({'alg': 'none'})}.{packed(claims(**changes))}."


async def refused(door: Door, token: str | None, room: str = "standup") -> str:
    """The code of a refusal; its form is the same for all."""
    status, body = await door.ask(token, room)
    assert body.keys() == {"code", "message"}
    assert status == REFUSALS[body["code"]]
    assert body["message"].endswith(".")
    return body["code"]


async def test_who_has_no_token_or_a_piece_of_one_is_told_so(door, token):
    assert await refused(door, None) == await refused(door, "") == "no_token"
    whole = token()
    for piece in (
        whole[:-2],  # no base64 has such a length; one less may be a signature, and wrong
        whole[:40],
        whole.rpartition(".")[0],
        "hello",
        f"{whole}.x",
        "ü.ü.ü",
    ):
        assert await refused(door, piece) == "broken_token", piece


async def test_a_token_that_was_changed_or_signed_by_somebody_else_opens_nothing(
    door, token, entry, invitation
):
    header, content, signature = token().split(".")
    another = packed(claims(room="board"))
    none = packed({"alg": "none"})
    for forged in (
        f"{header}.{another}.{signature}",
        f"{none}.{content}.{signature}",
        unsigned(),
        f"{header}.{content}.{'A' * 43}",
        entry.issued(invitation(), b"another key" * 3),
    ):
        assert await refused(door, forged, room="board") == "forged_token"


async def test_a_token_of_yesterday_has_expired_and_one_of_this_second_too(door, token):
    for expires in (0, int(time.time())):
        assert await refused(door, token(expires=expires)) == "expired_token"


async def test_a_token_opens_its_own_room_only(door, token):
    assert await refused(door, token(), room="board") == "wrong_room"
    assert await refused(door, token(), room="") == "wrong_room"


async def test_what_our_key_has_signed_for_something_else_is_no_invitation(door):
    without = {name: value for name, value in claims().items() if name != "publish"}
    wrong = [
        *({"aud": "log-in"}, {"sub": ""}, {"name": " "}, {"name": "x" * 65}, {"exp": 1e12}),
        *({"publish": "all"}, {"publish": [1]}, {"message": 1}),
    ]
    for said in (*(claims(**one) for one in wrong), without, {}):
        assert await refused(door, jwt.encode(said, KEY, "HS256")) == "other_token", said


async def opened(address: str) -> tuple[int, str]:
    """The answer to a WebSocket that is not accepted."""
    with pytest.raises(InvalidStatus) as denied:
        async with open_socket(address, proxy=None):
            pass
    response = denied.value.response
    return response.status_code, json.loads(response.body)["code"]


async def test_a_websocket_without_a_fresh_ticket_is_refused_before_it_is_accepted(door, token):
    address = await door.address(token())
    bare = address.split("?")[0]
    assert await opened(bare) == (403, "no_ticket")
    assert await opened(f"{bare}?ticket={token()}") == (403, "no_ticket")
    async with open_socket(address, proxy=None):
        assert await opened(address) == (403, "no_ticket")  # used
    elsewhere = (await door.address(token())).replace("/standup", "/board")
    assert await opened(elsewhere) == (403, "no_ticket")


def test_a_ticket_is_good_for_a_while_only(entry, invitation, monkeypatch):
    tickets, now = entry.Tickets(), time.monotonic()
    monkeypatch.setattr(entry, "time", SimpleNamespace(monotonic=lambda: now))
    old, older = tickets.issue(invitation()), tickets.issue(invitation())
    assert tickets.redeem(old, room="standup").name == "Ana"
    now += entry.TICKET_LIFETIME
    with pytest.raises(entry.RefusedError):
        tickets.redeem(older, room="standup")


def link(load, *arguments: str) -> str:
    """What issue.py prints."""
    said = io.StringIO()
    with redirect_stdout(said):
        load("04_entry_token/issue.py").main(arguments)
    return said.getvalue().strip()


async def test_a_link_that_was_issued_lets_in_with_what_it_allows(door, entry, load, monkeypatch):
    monkeypatch.setenv("MEETING_ENTRY_KEY", KEY)
    for asked, rights in [
        ((), Permissions()),
        (("--watch",), Permissions(publish=frozenset())),
        (
            ("--publish", "microphone", "--no-chat"),
            Permissions(publish=frozenset({"microphone"}), message=False),
        ),
    ]:
        url = urlsplit(link(load, "stand up", "Ana", *asked))
        token = url.fragment.removeprefix("token=")
        assert parse_qs(url.query) == {"room": ["stand up"]}
        assert entry.checked(token, KEY.encode(), room="stand up").permissions == rights
        status, given = await door.ask(token, room="stand up")
        publish = None if rights.publish is None else sorted(rights.publish)
        assert (status, given["room"], given["name"], given["publish"]) == (200, "stand up", "Ana", publish)
    late = urlsplit(link(load, "standup", "Ana", "--hours", "0"))
    assert await refused(door, late.fragment.removeprefix("token=")) == "expired_token"


def test_a_key_that_is_missing_or_short_is_named(load, monkeypatch):
    for key in ("", "short"):
        monkeypatch.setenv("MEETING_ENTRY_KEY", key)
        with pytest.raises(SystemExit, match="Set MEETING_ENTRY_KEY to a secret of at least 32 characters"):
            link(load, "standup", "Ana")


def test_the_readme_lists_every_refusal():
    readme = (EXAMPLES / "04_entry_token/README.md").read_text(encoding="utf-8")
    rows = [line.split("|")[1:3] for line in readme.splitlines() if line.startswith("| `") and "_" in line]
    listed = {code.strip(" `"): int(status) for code, status in rows if status.strip().isdigit()}
    assert listed == REFUSALS
