"""What time does to a session, as values."""

from __future__ import annotations

import pytest
from attrs import evolve

from cfrealtime.emulator.limits import CONSENT
from cfrealtime.emulator.rules import lifetime
from cfrealtime.emulator.state import Publication, Session

PUBLISHED = Publication("0", "audio", "mic", since=100.0)
SESSION = Session("s", "demo", touched_at=100.0, publications={"0": PUBLISHED}, connected_at=101.0)


def never(session_id: str, mid: str) -> None:
    return None


@pytest.mark.parametrize(("now", "ended"), [(129.9, None), (130.0, "collected")])
def test_a_publication_is_collected_thirty_seconds_after_its_last_packet(now, ended):
    assert lifetime.aged(SESSION, never, now).publications["0"].ended == ended
    later = lifetime.aged(SESSION, lambda *_: 150.0, now + 50)
    assert later.publications["0"].ended == ended


def test_a_publication_that_was_closed_stays_closed():
    closed = evolve(SESSION, publications={"0": evolve(PUBLISHED, ended="forced")})
    assert lifetime.aged(closed, never, 1e6) == closed


@pytest.mark.parametrize(("now", "over"), [(229.9, False), (230.0, True)])
def test_a_session_that_lost_its_connection_ends_thirty_seconds_later(now, over):
    lost = lifetime.lost(SESSION, 200.0, closed=False)
    assert (lifetime.aged(lost, lambda *_: now, now).ended_at is not None) is over


def test_a_recovered_session_lives_on_with_its_first_connection_time():
    lost = lifetime.lost(SESSION, 200.0, closed=False)
    assert lifetime.connected(lost, 210.0) == evolve(SESSION, recovered_at=210.0)


def test_the_tracks_of_a_lost_session_can_be_reused_as_long_as_the_session_can():
    """Real media say that a connection is lost when the last packet is old already."""

    def heard(session_id: str, mid: str) -> float:
        return 185.0

    lost = lifetime.lost(SESSION, 185.0 + CONSENT, closed=False)
    assert lifetime.next_change(lost, heard) == 230.0
    assert lifetime.aged(lost, heard, 229.9) is lost
    assert lifetime.aged(lost, heard, 230.0).ended_at == 230.0


def test_a_session_that_came_back_has_time_to_be_heard_again():
    lost = lifetime.lost(SESSION, 200.0, closed=False)
    back = lifetime.connected(lost, 229.0)
    assert lifetime.aged(back, lambda *_: 185.0, 258.9) is back
    assert lifetime.aged(back, lambda *_: 185.0, 259.0).publications["0"].ended == "collected"
    assert lifetime.aged(back, lambda *_: 230.0, 259.9) is back


def test_a_session_that_ended_never_comes_back():
    over = lifetime.lost(SESSION, 200.0, closed=True)
    assert lifetime.connected(over, 201.0) is over
    assert lifetime.aged(over, never, 1e6) is over


@pytest.mark.parametrize(("ended", "expected"), [(False, 130.0), (True, 700.0)])
def test_the_next_change_is_where_aging_changes_something(ended, expected):
    session = lifetime.lost(SESSION, 100.0, closed=True) if ended else SESSION
    assert lifetime.next_change(session, never) == expected


def test_nothing_changes_before_the_next_change():
    unused = Session("s", "demo", touched_at=5.0)
    moment = lifetime.next_change(unused, never)
    assert lifetime.aged(unused, never, moment - 0.001) is unused
    assert lifetime.aged(unused, never, moment).ended_at == moment
