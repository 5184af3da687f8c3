"""Schemathesis asks the served emulator whatever openapi/realtime.yaml allows and forbids.

Half of what it makes up is replaced by what exists: a session that publishes, its track, its section, its
description. Otherwise hardly a call would get past the first check of a name.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from zlib import crc32

import httpx
import pytest
import requests
import schemathesis
from hypothesis import Phase, settings
from schemathesis.config import SchemathesisConfig

from cfrealtime.emulator import Emulator, ManualMediaPlane
from cfrealtime.emulator.adapters.dialing import HandshakeFailedError
from cfrealtime.emulator.rules.faults import ClockSpeed, Fault
from cfrealtime.emulator.sdp import Negotiation, NewReceive
from cfrealtime.testing import ServedEmulator
from tests.cfrealtime.emulator.document import DOCUMENT, REFUSALS
from tests.cfrealtime.emulator.sdp.endpoint import LOCAL, M, answer, describe

CONFIG = {
    "seed": 20_261_119,
    "checks": {
        "not_a_server_error": {"expected-statuses": ["2xx", "3xx", "4xx", "503"]},  # adapters: all failed
        # Documents name few statuses, and more is accepted than they describe.
        "negative_data_rejection": {"enabled": False},
        "positive_data_acceptance": {"enabled": False},
        # There is one app, whose secret every call here carries.
        "ignored_auth": {"enabled": False},
    },
}
PARENTS = ("sessionDescription", "tracks", "dataChannels", "dataChannel")
OFFER_OF_OURS = Negotiation(LOCAL).make_offer([NewReceive("audio")])[0]
SECRETS = {"apps": "secret", "turn": "turn-secret"}


async def nobody(_: str) -> Any:
    raise HandshakeFailedError


class Town:
    """What exists: a session that publishes, new ones, ones that are asked for an answer, a credential."""

    def __init__(self, base_url: str) -> None:
        self.base_url = base_url
        self.session = requests.Session()
        self._client = httpx.Client(base_url=base_url, headers={"Authorization": "Bearer secret"}, timeout=60)
        self._calls = 0
        self.publisher = self._publisher()
        self.username = self._credential()

    def session_id(self) -> str:
        """One to call, of another kind each time; what they can do gets less, so they are renewed."""
        self._calls += 1
        if self._calls % 12 == 0:
            self.publisher = self._publisher()
        if self._calls % 6 == 0:
            return self._session()
        return self._asked() if self._calls % 6 == 3 else self.publisher

    def _session(self) -> str:
        return str(self._client.post("/apps/demo/sessions/new").json()["sessionId"])

    def _tracks(self, session_id: str, **body: object) -> None:
        made = self._client.post(f"/apps/demo/sessions/{session_id}/tracks/new", json=body)
        assert made.status_code == 200, made.text

    def _publisher(self) -> str:
        session_id = self._session()
        offer = {"type": "offer", "sdp": describe(M("audio", "0"), M("application", "1", "sendrecv"))}
        tracks = [{"location": "local", "mid": "0", "trackName": "mic"}]
        self._tracks(session_id, sessionDescription=offer, tracks=tracks)
        return session_id

    def _asked(self) -> str:
        session_id = self._session()
        track = {"location": "remote", "sessionId": self.publisher, "trackName": "mic"}
        self._tracks(session_id, tracks=[track])
        return session_id

    def _credential(self) -> str:
        made = self._client.post(
            "/turn/keys/demo-turn/credentials/generate-ice-servers",
            json={"ttl": 100_000},
            headers={"Authorization": "Bearer turn-secret"},
        )
        return next(str(server["username"]) for server in made.json()["iceServers"] if "username" in server)

    def close(self) -> None:
        self._client.close()
        self.session.close()


def parity(value: object) -> bool:
    """True of one half of all objects, the same at any time."""
    return isinstance(value, dict) and bool(crc32(repr(value).encode()) % 2)


def likely(town: Town, parent: str, given: dict[str, Any]) -> dict[str, object]:
    """Fields that make sense in an object under this name."""
    if parent == "sessionDescription":
        sections = (M("audio", "0"), M("application", "1", "sendrecv"), M("video", "2"))
        return {"type": "offer", "sdp": describe(*sections)}
    if parent in ("dataChannels", "dataChannel"):
        name = "chat" if parent == "dataChannels" else "server-events"
        return {"location": "local", "dataChannelName": name, "sessionId": town.publisher, "id": 2}
    local = {"location": "local", "trackName": "cam", "mid": "2", "inputCodec": "pcm"}
    remote = {"location": "remote", "trackName": "mic", "sessionId": town.publisher, "outputCodec": "pcm"}
    return (remote if given.get("location") == "remote" else local) | {"endpoint": "ws://bot.example/"}


def settle(town: Town, value: Any, parent: str = "") -> Any:
    """The same body; in every other place with names of what exists."""
    if isinstance(value, list):
        return [settle(town, item, parent) for item in value]
    if not isinstance(value, dict):
        return value
    settled = {key: settle(town, item, key) for key, item in value.items()}
    if parent in PARENTS and parity(value):
        settled |= likely(town, parent, settled)
    return settled


SCHEMA = schemathesis.openapi.from_path(DOCUMENT, config=SchemathesisConfig.from_dict(CONFIG))


@pytest.fixture(scope="module")
def town() -> Iterator[Town]:
    emulator = Emulator(media=ManualMediaPlane(connect_after=0), dial=nobody)
    emulator.faults.add(Fault(ClockSpeed(100)))
    with ServedEmulator(emulator) as server:
        town = Town(server.base_url)
        yield town
        town.close()


@SCHEMA.parametrize()
@settings(max_examples=15, derandomize=True, deadline=None, phases=(Phase.explicit, Phase.generate))
def test_every_answer_is_as_declared(case: schemathesis.Case, town: Town) -> None:
    known = {"appId": "demo", "keyId": "demo-turn", "sessionId": town.session_id(), "username": town.username}
    for name, value in case.path_parameters.items():
        if crc32(value.encode()) % 4:
            case.path_parameters[name] = known[name]
    case.body = settle(town, case.body)
    if case.path.endswith("/renegotiate") and parity(case.body):
        case.body["sessionDescription"] = {"type": "answer", "sdp": answer(OFFER_OF_OURS)}
    kind = case.path.split("/")[1]
    headers = {"Authorization": f"Bearer {SECRETS[kind]}"}
    response = case.call_and_validate(base_url=town.base_url, headers=headers, session=town.session)
    operation = case.operation.definition.raw["operationId"]
    # 405: a method or a name was made up with which it is no operation.
    assert response.status_code < 400 or response.status_code in REFUSALS[operation] | {405}
