"""Every operation of the API as a facade call, with an answer that it takes."""

from __future__ import annotations

from attrs import frozen

from cfrealtime import (
    EgressAdapter,
    IngestAdapter,
    LocalDataChannel,
    LocalTrack,
    NewTrack,
    RemoteDataChannel,
    RemoteTrack,
)

BASE = "https://rtc.live.cloudflare.com/v1"
APP = f"{BASE}/apps/app"
SESSION = f"{APP}/sessions/s1"
OFFER = {"sessionDescription": {"type": "offer", "sdp": "v=0 offer"}, "requiresImmediateRenegotiation": True}
ANSWER = {"sessionDescription": {"type": "answer", "sdp": "v=0 answer"}}
TRACK = {"tracks": [{"mid": "0", "trackName": "camera"}]}
CHANNEL = {"dataChannels": [{"dataChannelName": "chat", "id": 2}]}
ADAPTER = {"tracks": [{"trackName": "music", "adapterId": "a1", "sessionId": "s9"}]}


@frozen
class Case:
    """One way to call one operation. `once` says that it is never repeated after an unknown outcome."""

    name: str
    operation: str
    method: str
    url: str
    call: object
    answer: object
    once: bool
    status: int = 200
    read: bool = False

    def __str__(self):
        return self.name


def session(action):
    """A call on a session of a client."""
    return lambda client: action(client.session("s1"))


def turn(action):
    """A call on a TURN key of a client."""
    return lambda client: action(client.turn("key", "token"))


def of(name, operation, method, url, call, answer, *, once, status=200, read=False):
    """A case."""
    return Case(name, operation, method, url, call, answer, once, status, read)


CASES = [
    of(
        "new_session",
        "new_session",
        "POST",
        f"{APP}/sessions/new",
        lambda client: client.new_session(),
        {"sessionId": "s9"},
        once=False,
        status=201,
    ),
    of(
        "get_state",
        "get_session",
        "GET",
        SESSION,
        session(lambda s: s.get_state()),
        {"tracks": []},
        once=False,
        read=True,
    ),
    of(
        "publish",
        "new_tracks",
        "POST",
        f"{SESSION}/tracks/new",
        session(lambda s: s.publish("v=0", [LocalTrack("0", "camera")])),
        ANSWER | TRACK,
        once=True,
    ),
    of(
        "publish_all",
        "new_tracks",
        "POST",
        f"{SESSION}/tracks/new",
        session(lambda s: s.publish_all("v=0")),
        ANSWER | TRACK,
        once=True,
    ),
    of(
        "publish_without_offer",
        "new_tracks",
        "POST",
        f"{SESSION}/tracks/new",
        session(lambda s: s.publish_without_offer([NewTrack("camera", "video")])),
        OFFER | TRACK,
        once=True,
    ),
    of(
        "subscribe",
        "new_tracks",
        "POST",
        f"{SESSION}/tracks/new",
        session(lambda s: s.subscribe([RemoteTrack("p", "camera")])),
        OFFER | TRACK,
        once=True,
    ),
    of(
        "renegotiate",
        "renegotiate",
        "PUT",
        f"{SESSION}/renegotiate",
        session(lambda s: s.renegotiate("v=0")),
        {},
        once=True,
    ),
    of(
        "update_tracks",
        "update_tracks",
        "PUT",
        f"{SESSION}/tracks/update",
        session(lambda s: s.update_tracks([RemoteTrack("p", "camera", mid="0")])),
        TRACK,
        once=True,
    ),
    of(
        "close_by_force",
        "close_tracks",
        "PUT",
        f"{SESSION}/tracks/close",
        session(lambda s: s.close_tracks(["0"], force=True)),
        TRACK,
        once=False,
    ),
    of(
        "close_with_offer",
        "close_tracks",
        "PUT",
        f"{SESSION}/tracks/close",
        session(lambda s: s.close_tracks(["0"], offer="v=0")),
        ANSWER | TRACK,
        once=True,
    ),
    of(
        "establish",
        "establish_datachannels",
        "POST",
        f"{SESSION}/datachannels/establish",
        session(lambda s: s.establish_data_channels()),
        OFFER | {"dataChannel": {"id": 0, "dataChannelName": "server-events"}},
        once=True,
    ),
    of(
        "publish_channels",
        "new_datachannels",
        "POST",
        f"{SESSION}/datachannels/new",
        session(lambda s: s.publish_data_channels([LocalDataChannel("chat")])),
        CHANNEL,
        once=True,
    ),
    of(
        "subscribe_channels",
        "new_datachannels",
        "POST",
        f"{SESSION}/datachannels/new",
        session(lambda s: s.subscribe_data_channels([RemoteDataChannel("p", "chat")])),
        CHANNEL,
        once=True,
    ),
    of(
        "update_channels",
        "update_datachannels",
        "PUT",
        f"{SESSION}/datachannels/update",
        session(lambda s: s.update_data_channels([RemoteDataChannel("p", "chat", can_reply=True)])),
        CHANNEL,
        once=True,
    ),
    of(
        "close_channels",
        "close_datachannels",
        "PUT",
        f"{SESSION}/datachannels/close",
        session(lambda s: s.close_data_channels([2])),
        CHANNEL,
        once=False,
    ),
    of(
        "ingest",
        "new_websocket_adapters",
        "POST",
        f"{APP}/adapters/websocket/new",
        lambda client: client.adapters.create([IngestAdapter("music", "wss://host/in")]),
        ADAPTER,
        once=True,
    ),
    of(
        "egress",
        "new_websocket_adapters",
        "POST",
        f"{APP}/adapters/websocket/new",
        lambda client: client.adapters.create([EgressAdapter("p", "camera", "wss://host/out", "jpeg")]),
        ADAPTER,
        once=True,
    ),
    of(
        "close_adapters",
        "close_websocket_adapters",
        "POST",
        f"{APP}/adapters/websocket/close",
        lambda client: client.adapters.close(["a1"]),
        {"tracks": [{"adapterId": "a1"}]},
        once=False,
    ),
    of(
        "ice_servers",
        "generate_ice_servers",
        "POST",
        f"{BASE}/turn/keys/key/credentials/generate-ice-servers",
        turn(lambda t: t.generate_ice_servers(3600)),
        {"iceServers": [{"urls": ["turn:host:3478"]}]},
        once=False,
        status=201,
    ),
    of(
        "revoke",
        "revoke_turn_credential",
        "POST",
        f"{BASE}/turn/keys/key/credentials/user/revoke",
        turn(lambda t: t.revoke("user")),
        None,
        once=False,
        status=204,
    ),
]
