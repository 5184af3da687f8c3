"""What type checkers refuse. Every exception below is needed: one that is not is itself reported."""

# pyright: strict, reportUnnecessaryTypeIgnoreComment=true

from __future__ import annotations

from typing import Literal

from cfrealtime import (
    AsyncRealtime,
    EgressAdapter,
    IngestAdapter,
    LocalDataChannel,
    LocalTrack,
    NewTrack,
    Realtime,
    RemoteDataChannel,
    RemoteTrack,
    Session,
    Turn,
)

LOCAL = LocalTrack("0", "camera")
REMOTE = RemoteTrack("s2", "camera")


def closing(session: Session, flag: bool) -> None:
    """A close is by force or with an offer: one of them, and none by accident."""
    session.close_tracks(["0"])  # type: ignore[call-overload]
    session.close_tracks(["0"], force=False)  # type: ignore[call-overload]
    session.close_tracks(["0"], force=flag)  # type: ignore[call-overload]
    session.close_tracks(["0"], force=True, offer="v=0")  # type: ignore[call-overload]
    session.close_tracks(["0"], offer=None)  # type: ignore[call-overload]
    session.close_tracks([0], force=True)  # type: ignore[call-overload]
    session.with_raw_response.close_tracks(["0"])  # type: ignore[call-overload]
    session.with_raw_response.close_tracks(["0"], force=True, offer="v=0")  # type: ignore[call-overload]


async def closing_on_asyncio(client: AsyncRealtime) -> None:
    """The same in the other colour."""
    session = client.session("s1")
    await session.close_tracks(["0"])  # type: ignore[call-overload]
    await session.close_tracks(["0"], force=True, offer="v=0")  # type: ignore[call-overload]


def publishing_and_subscribing(session: Session) -> None:
    """Each call takes the one kind of track that it can send."""
    session.publish("v=0", [REMOTE])  # type: ignore[list-item]
    session.publish([LOCAL])  # type: ignore[call-arg, arg-type]
    session.publish_without_offer([LOCAL])  # type: ignore[list-item]
    session.subscribe([LOCAL])  # type: ignore[list-item]
    session.update_tracks([LOCAL])  # type: ignore[list-item]
    session.renegotiate(None)  # type: ignore[arg-type]
    with session.negotiate() as exchange:
        exchange.subscribe_all([LOCAL], str)  # type: ignore[list-item]


def values() -> None:
    """What no request can carry cannot be written."""
    LocalTrack("0")  # type: ignore[call-arg]
    NewTrack("camera", "screen")  # type: ignore[arg-type]
    LocalDataChannel("chat", can_reply=True)  # type: ignore[call-arg]
    RemoteDataChannel("s2", "chat", 3)  # type: ignore[arg-type]
    EgressAdapter("s2", "mix", "wss://example.com", "opus")  # type: ignore[arg-type]
    IngestAdapter("mix", "wss://example.com", "pcm")  # type: ignore[call-arg]
    LOCAL.mid = "1"  # type: ignore[misc]


def data_channels(session: Session) -> None:
    """Only subscribers reply, and ids are numbers."""
    session.publish_data_channels([RemoteDataChannel("s2", "chat")])  # type: ignore[list-item]
    session.subscribe_data_channels([LocalDataChannel("chat")])  # type: ignore[list-item]
    session.close_data_channels(["1"])  # type: ignore[list-item]


def clients(client: Realtime, turn: Turn) -> None:
    """Options are of the kind that they must be."""
    Realtime("app", "secret", 10)  # type: ignore[call-arg, arg-type]
    client.with_options(timeout="10")  # type: ignore[arg-type]
    client.new_session("visit")  # type: ignore[call-arg]
    turn.generate_ice_servers("60")  # type: ignore[arg-type]
    client.with_raw_response.new_session("visit")  # type: ignore[call-arg]


def after_a_turn_in_a_turn(session: Session) -> Literal["never"]:
    """What follows it is not reached, so nothing need be returned."""
    with session.negotiate() as exchange:
        exchange.negotiate()
