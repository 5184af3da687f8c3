"""Data channels as values: ids, and the moments at which time alone changes something."""

from __future__ import annotations

import pytest
from attrs import evolve

from cfrealtime.emulator.data_channels import ChannelLocator, DataChannel
from cfrealtime.emulator.media.plan import ChannelRef, Delivery
from cfrealtime.emulator.rules import data_channels, data_transport, lifetime
from cfrealtime.emulator.state import Session
from cfrealtime.emulator.wire_data_channels import LocalChannel, RemoteChannel

POLICY = Delivery()
SPEAKER = Session(
    "speaker",
    "demo",
    touched_at=0.0,
    connected_at=0.0,
    data_channels=True,
    channels={1: DataChannel(1, "chat", POLICY, since=0.0, open=True)},
)
VIEWER = evolve(SPEAKER, session_id="viewer", channels={})
SESSIONS = {"speaker": SPEAKER, "viewer": VIEWER}


def never(session_id: str, mid: str) -> None:
    return None


def subscribe(*flags: bool, now: float = 100.0) -> dict[str, Session]:
    wanted = RemoteChannel(ChannelLocator("speaker", "chat"), POLICY, *flags)
    changed, _ = data_channels.allocate(SESSIONS, "viewer", [wanted], now, [None])
    return {**SESSIONS, **changed}


def test_a_session_whose_ids_are_used_up_gets_no_more_channels():
    last = DataChannel(65_534, "last", POLICY, since=0.0, ended="closed")
    sessions = {"viewer": evolve(VIEWER, channels={65_534: last})}
    changed, (item,) = data_channels.allocate(sessions, "viewer", [LocalChannel("more", POLICY)], 0.0, [None])
    assert item.answer()["errorCode"] == "transport_unavailable_error"
    assert changed == {}


def test_a_call_gives_back_only_the_sessions_it_changed():
    assert subscribe(False, False)["speaker"] is SPEAKER
    assert subscribe(False, True)["speaker"].channels[1].reply_from == ChannelRef("viewer", 1)


@pytest.mark.parametrize(("now", "status"), [(129.9, "initializing"), (130.0, "inactive")])
def test_an_unacknowledged_channel_is_torn_down_at_its_moment_and_not_before(now, status):
    sessions = subscribe(True, False)
    viewer = sessions["viewer"]
    assert lifetime.next_change(viewer, never) == 130.0
    viewer = lifetime.aged(viewer, never, now)
    assert data_transport.status(sessions, viewer, viewer.channels[1]) == status
    assert (lifetime.next_change(viewer, never) == float("inf")) is (status == "inactive")


def test_what_is_reported_of_an_ended_channel_changes_nothing():
    ended, _ = data_channels.close(SPEAKER, [1])
    for report in (data_transport.opened, data_transport.acknowledged, data_transport.hung_up):
        assert report(ended, 1) is ended
        assert report(ended, 9) is ended
