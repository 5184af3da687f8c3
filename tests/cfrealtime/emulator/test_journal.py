"""What the journal keeps, what a look at it costs, and what it forgets."""

from __future__ import annotations

from itertools import islice

import pytest

from cfrealtime.emulator import Emulator
from cfrealtime.emulator.journal import Entry, Filter, Journal, _File
from cfrealtime.emulator.refusals import Breach
from cfrealtime.emulator.rules.events import Event
from cfrealtime.emulator.rules.leaks import leaks
from tests.cfrealtime.emulator.peer import APP, Peer, client_of, remote
from tests.cfrealtime.emulator.test_tracks import publisher


def called(journal: Journal, operation: str, session_id: str | None = None, *made: str) -> Entry:
    """A call that came and was answered."""
    entry = journal.open(0.0, operation, "demo", session_id)
    journal.finish(entry, 200, {"tracks": [{"mid": mid} for mid in made]})
    journal.close(entry, 0.0)
    return entry


def numbers(journal: Journal, part: str, **wanted) -> list[int]:
    """The numbers of the calls, or of the calls that breaches and events are told with."""
    return [thing.get("n", thing.get("after")) for thing in journal.view(Filter(**wanted))[part]]


class Thing:
    """Something filed that counts how often it is looked at."""

    looks = 0

    def __init__(self, operation: str, session_id: str) -> None:
        self._operation, self.session_id = operation, session_id

    @property
    def operation(self) -> str:
        Thing.looks += 1
        return self._operation


@pytest.mark.looptime
async def test_a_look_shows_no_more_calls_than_were_asked_for_however_many_there_were(monkeypatch):
    emulator, shown = Emulator(), list[int]()
    view = Entry.view
    monkeypatch.setattr(Entry, "view", lambda entry: shown.append(entry.n) or view(entry))
    async with client_of(emulator) as client:
        source, viewer = await publisher(client, "mic"), await Peer.join(client)
        await viewer.subscribe(remote(source.id, "mic"))
        for _ in range(100):
            await client.post(f"{APP}/sessions/new")
        journal = (await client.get("/_emulator/journal?newest=3")).json()
        assert [call["n"] for call in journal["calls"]] == [103, 104, 105]
        assert shown == [105, 104, 103]
        assert [held["since"] for held in journal["held"]] == [2, 4]
        assert journal["counts"] == {"new_session": 102, "new_tracks": 2, "renegotiate": 1}


def test_what_is_found_under_an_operation_and_a_session_is_not_searched_among_all_others():
    file = _File[Thing](10_000)
    for number in range(5_000):
        file.add(Thing("get_session", f"{number % 100}"))
    rare = Thing("renegotiate", "7")
    file.add(rare)
    for wanted, found in (
        (("renegotiate", None), [rare]),
        (("renegotiate", "7"), [rare]),
        (("renegotiate", "8"), []),
        (("close_tracks", "7"), []),
        ((None, "nobody"), []),
    ):
        Thing.looks = 0
        assert list(file.newest(*wanted)) == found
        assert Thing.looks <= 1
    Thing.looks = 0
    assert len(list(islice(file.newest(None, "7"), 2))) == 2
    assert Thing.looks <= 2


def test_breaches_and_events_are_cut_to_the_newest_too():
    journal = Journal()
    for _ in range(5):
        entry = called(journal, "new_tracks", "s")
        journal.breach(entry, Breach("exchange_open", "too early"))
        journal.note(0.0, Event("connection_lost", "s"))
    for part in ("calls", "breaches", "events"):
        assert numbers(journal, part, newest=2) == [4, 5]
        assert numbers(journal, part, newest=0) == []
    assert numbers(journal, "breaches", since=3) == [4, 5]
    assert numbers(journal, "breaches", operation="renegotiate") == []
    assert numbers(journal, "events", session_id="another") == []


def test_a_breach_of_a_call_that_came_late_is_told_by_the_number_of_its_call():
    journal = Journal()
    early = called(journal, "new_tracks", "s")
    called(journal, "new_tracks", "t")
    journal.breach(early, Breach("exchange_open", "too early"))
    assert numbers(journal, "breaches", session_id="s") == [1]
    assert numbers(journal, "breaches", since=1) == []


def test_only_so_many_calls_are_kept_and_their_number_goes_on():
    journal = Journal(kept=3)
    for session_id in ("a", "b", "a", "c"):
        called(journal, "new_tracks", session_id)
    assert numbers(journal, "calls") == [2, 3, 4]
    assert numbers(journal, "calls", session_id="a") == [3]
    assert numbers(journal, "calls", operation="new_tracks", newest=1) == [4]
    assert (journal.count(), journal.count("new_tracks")) == (4, 4)
    called(journal, "renegotiate", "d")
    assert numbers(journal, "calls", session_id="b") == []
    assert len(journal._calls._by_session) == 3


def test_who_made_something_is_known_as_long_as_the_call_is():
    journal = Journal(kept=2)
    session = {"session_id": "s", "correlation_id": None, "exchange": "awaiting_answer", "data_channels": []}
    track = {"status": "active", "location": "local", "mid": "0", "track_name": "mic"}
    state = {"sessions": [{**session, "tracks": [track]}], "adapters": []}

    def since() -> list[int | None]:
        return [leak.since for leak in leaks(state, journal.makers, journal.handled)]

    called(journal, "new_tracks", "s", "0")
    assert since() == [1, 1]
    called(journal, "update_tracks", "s", "0")
    called(journal, "get_session", "s")
    assert since() == [2, 2]  # the first call is forgotten, and what it made is another's
    called(journal, "get_session", "s")
    assert since() == [None, None]
    assert journal.makers._of_items == journal.makers._last == {}


def test_a_call_that_outlives_its_place_in_the_journal_is_still_being_handled():
    journal = Journal(kept=1)
    slow = journal.open(0.0, "new_tracks", "demo", "s")
    called(journal, "get_session", "s")
    assert journal.handled == (slow,)
    journal.finish(slow, 200, {"tracks": [{"mid": "0"}]})
    journal.close(slow, 60.0)
    assert journal.handled == ()
    assert journal.makers._of_items == {}
