"""A whole meeting and everything that can go wrong in it, at DEBUG: nothing secret is seen anywhere."""

from __future__ import annotations

import asyncio
import logging

import httpx
import pytest

from cfrealtime import (
    AsyncRealtime,
    EgressAdapter,
    Hooks,
    IngestAdapter,
    LocalDataChannel,
    LocalTrack,
    Realtime,
    RealtimeError,
    RemoteDataChannel,
    RemoteTrack,
    SessionDescription,
)
from cfrealtime.emulator import Emulator, ManualMediaPlane
from cfrealtime.testing import ServedEmulator
from tests.cfrealtime.canaries import FINGERPRINT, UFRAG, Cage
from tests.cfrealtime.colours import COLOURS
from tests.cfrealtime.either import Awaited
from tests.cfrealtime.emulator.adapters.endpoint import Endpoint
from tests.cfrealtime.emulator.sdp.endpoint import M, answer, describe, stopped
from tests.cfrealtime.operations import CASES
from tests.cfrealtime.virtual import virtually

SECRET, TOKEN, PROSE, ENDPOINT = "canary-secret", "canary-token", "canary-prose", "canary-endpoint"
SECTIONS = (M("audio", "0"), M("video", "1"))
OFFER = describe(*SECTIONS, ufrag=UFRAG, fingerprint=FINGERPRINT)
CLOSING = describe(SECTIONS[0], stopped(SECTIONS[1]), ufrag=UFRAG, fingerprint=FINGERPRINT)
TRACKS = [LocalTrack("0", "microphone"), LocalTrack("1", "camera")]
IN, OUT = f"wss://user:{ENDPOINT}@host/in?token={ENDPOINT}", f"wss://host/{ENDPOINT}"
NO_SDP = f"v=0 {UFRAG}"
ENGINES = ["blocking", "async", "aiohttp", "blocking http_client", "async http_client"]


def fail(_):
    raise ZeroDivisionError


@pytest.fixture
def cage(capsys):
    cage = Cage(SECRET, TOKEN, PROSE, ENDPOINT, "hunter2")
    with cage.listening():
        yield cage
    cage.shown += capsys.readouterr()
    assert cage.found() == []


def play(engine, base_url, hooks, scene):
    """Play a scene with a client of some kind."""
    options = {"base_url": base_url, "hooks": hooks, "timeout": 60.0}
    if engine.startswith("blocking"):
        given = {"http_client": httpx.Client()} if "http_client" in engine else {}
        with Realtime("demo", SECRET, **options, **given) as client:
            asyncio.run(scene(Awaited(client)), debug=True)
        for one in given.values():
            one.close()
        return

    async def main():
        given = {"http_client": httpx.AsyncClient()} if "http_client" in engine else {}
        given |= {"engine": "aiohttp"} if engine == "aiohttp" else {}
        async with AsyncRealtime("demo", SECRET, **options, **given) as client:
            await scene(client)
        if "http_client" in engine:
            await given["http_client"].aclose()

    asyncio.run(main(), debug=True)


class Scene:
    """What people do in a meeting, and what they do wrong."""

    def __init__(self, cage, faults):
        self.cage, self.faults = cage, faults

    async def __call__(self, client):
        self.cage.meet(client)
        alice = await self.publish(client)
        await self.subscribe(client, alice)
        await self.talk(client)
        await self.adapt(client, alice)
        await self.relay(client)
        await self.go_wrong(client)

    async def keep(self, call):
        """The result of a call, shown."""
        result = await call
        self.cage.meet(result)
        description = getattr(result, "description", None)
        if description is not None:
            self.cage.keep_secret(description.sdp)
        return result

    async def fails(self, call):
        """Show the error of a call."""
        with pytest.raises((RealtimeError, ValueError)) as caught:
            await call
        self.cage.fail(caught.value)

    async def publish(self, client):
        alice = await client.new_session(correlation_id="visit")
        await self.keep(alice.publish(OFFER, TRACKS))
        await asyncio.sleep(0.1)
        await self.keep(alice.with_raw_response.get_state())
        return alice

    async def subscribe(self, client, alice):
        bob = await client.new_session()
        wanted = [RemoteTrack(alice.id, name) for name in ("microphone", "camera", "screen")]
        offered = await self.keep(bob.subscribe(wanted))
        with pytest.raises(RealtimeError) as caught:
            offered.raise_for_items()
        self.cage.fail(caught.value)
        answered = SessionDescription.answer(answer(offered.description.sdp, UFRAG, FINGERPRINT))
        self.cage.meet([answered, wanted])
        await bob.renegotiate(answered)
        await asyncio.sleep(0.4)
        mid = next(iter(offered.by_mid))
        await self.keep(bob.update_tracks([RemoteTrack(alice.id, "camera", mid=mid)]))
        await self.keep(bob.close_tracks([mid], force=True))
        await self.keep(alice.close_tracks(["1"], offer=CLOSING))

    async def talk(self, client):
        ann, bob = await client.new_session(), await client.new_session()
        for session in (ann, bob):
            established = await self.keep(session.establish_data_channels())
            await session.renegotiate(answer(established.description.sdp, UFRAG, FINGERPRINT))
        await asyncio.sleep(0.2)
        await self.keep(ann.publish_data_channels([LocalDataChannel("chat")]))
        chat = RemoteDataChannel(ann.id, "chat")
        (heard,) = (await self.keep(bob.subscribe_data_channels([chat]))).ok
        await self.keep(bob.update_data_channels([RemoteDataChannel(ann.id, "chat", can_reply=True)]))
        await self.keep(bob.close_data_channels([heard.id]))

    async def adapt(self, client, alice):
        egress = EgressAdapter(alice.id, "microphone", OUT, "pcm")
        refusing = IngestAdapter("sorry", f"{OUT}/refuse")
        self.cage.meet([egress, refusing])
        made = await self.keep(client.adapters.create([IngestAdapter("music", IN), egress, refusing]))
        await self.keep(client.adapters.close([each.adapter_id for each in made.ok]))
        await self.fails(client.adapters.create([IngestAdapter("music", f"http://{ENDPOINT}")]))

    async def relay(self, client):
        turn = client.turn("demo-turn", TOKEN)
        self.cage.meet(turn)
        servers = await self.keep(turn.generate_ice_servers(60, custom_identifier="visit"))
        (relay,) = [server for server in servers.servers if server.username]
        self.cage.canaries |= {relay.username, relay.credential}
        await turn.revoke(relay.username)
        await self.fails(turn.revoke(f"../{relay.username}"))
        self.faults.answer_with("revoke_turn_credential", 500)
        await self.fails(client.with_options(max_retries=0).turn("demo-turn", TOKEN).revoke(relay.username))
        await self.fails(client.turn("demo-turn", f"{TOKEN}-wrong").generate_ice_servers(60))

    async def go_wrong(self, client):
        faults, session = self.faults, await client.new_session()
        await self.fails(session.publish(NO_SDP, TRACKS))
        await self.fails(session.publish(OFFER, [RemoteTrack("s1", "camera")]))
        await self.fails(session.renegotiate(NO_SDP))
        faults.lose_answer("new_tracks")
        await self.fails(session.publish(OFFER, TRACKS))
        faults.lose_answer("new_session")
        await client.new_session()
        faults.answer_with("get_session", 429, code=PROSE.replace("-", " "), retry_after=60)
        await self.fails(session.get_state())
        faults.answer_with("get_session", 503, code="backend_error", nth=None)
        await self.fails(session.get_state())
        with pytest.raises(RealtimeError) as caught:
            async with session.negotiate() as exchange:
                await exchange.renegotiate(NO_SDP)
        self.cage.fail(caught.value)


@pytest.mark.parametrize("engine", ENGINES)
def test_nothing_secret_is_seen_in_a_meeting(engine, cage):
    emulator = Emulator(
        {"demo": SECRET},
        ManualMediaPlane(connect_after=0),
        turn_keys={"demo-turn": TOKEN},
        dial=Endpoint().dial,
    )
    hooks = Hooks.of(cage.hooks, Hooks(fail, fail, fail, fail))
    with ServedEmulator(emulator) as server:
        play(engine, server.base_url, hooks, Scene(cage, server.faults))
    assert {type(error).__name__ for error in cage.errors} >= {
        "AuthenticationError",
        "InvalidRequestError",
        "ItemsFailedError",
        "NotAcceptableError",
        "OutcomeUnknownError",
        "RateLimitError",
        "ServerError",
    }
    loggers = {text.split(" ")[0] for text in cage.shown}
    assert {"cfrealtime", "asyncio"} <= loggers
    assert ("httpx" in loggers) is ("http_client" in engine)


BODIES = {
    "a refusal in prose": (400, {"errorCode": "invalid_params", "errorDescription": PROSE}),
    "prose for a code": (406, {"errorCode": f"{PROSE} and more", "errorDescription": NO_SDP}),
    "a web page": (200, f"<html>{PROSE}</html>"),
    "a bad gateway": (502, f"<html>{PROSE}</html>"),
    "half a document": (200, f'{{"sessionDescription": {{"type": "offer", "sdp": "{NO_SDP}'),
    "fields of wrong types": (200, {"sessionDescription": PROSE, "tracks": PROSE, "iceServers": [PROSE]}),
    "items among refusals": (503, {"errorCode": "backend_error", "tracks": [{"mid": "0", "sdp": NO_SDP}]}),
    "a refusal in a success": (200, {"errorCode": "internal_error", "errorDescription": PROSE}),
    "fields nobody knows": (200, {"sessionId": "s1", "tracks": [{"errorDescription": PROSE, "pwd": PROSE}]}),
}


def call_everything(cage, colour, transport):
    """Call every operation, and show what comes of it."""
    for case in CASES:
        ended = virtually(colour, case.call, transport=transport, hooks=cage.hooks, max_retries=1)
        assert ended.error is None or isinstance(ended.error, RealtimeError)
        cage.meet([ended.value, ended.error])


@pytest.mark.parametrize("colour", COLOURS)
@pytest.mark.parametrize("body", BODIES)
def test_nothing_secret_is_seen_of_any_answer(body, colour, cage):
    status, content = BODIES[body]
    document = {"text": content} if isinstance(content, str) else {"json": content}
    call_everything(cage, colour, httpx.MockTransport(lambda _: httpx.Response(status, **document)))
    assert len(cage.shown) > len(CASES)


@pytest.mark.parametrize("colour", COLOURS)
@pytest.mark.parametrize(
    "error", [httpx.ReadError, httpx.RemoteProtocolError, httpx.DecodingError, ConnectionResetError]
)
def test_nothing_secret_is_seen_of_any_broken_connection(error, colour, cage):
    def broken(_):
        # What a library says of a connection that broke may quote what came over it.
        raise error(PROSE)

    call_everything(cage, colour, httpx.MockTransport(broken))
    assert len(cage.errors) > len(CASES)


def test_a_cage_notices():
    cage = Cage(SECRET)
    with cage.listening():
        logging.getLogger("somebody.else").debug("it is %s", SECRET)
    cage.fail(ValueError(UFRAG))
    cage.meet([IngestAdapter(SECRET, IN)])
    assert len({line.partition(":")[0] for line in cage.found()}) == 2
