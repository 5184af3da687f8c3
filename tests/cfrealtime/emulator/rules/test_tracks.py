"""What becomes of tracks, as values: our offers, their answers, layers, and sections that go both ways."""

from __future__ import annotations

from math import inf

import pytest
from attrs import evolve

from cfrealtime.emulator.refusals import ItemError, RefusalError
from cfrealtime.emulator.rules import closing, lifetime, publishing, subscribing
from cfrealtime.emulator.sdp import NewReceive, OfferedSection
from cfrealtime.emulator.state import Locator, Publication, Session, Simulcast, Subscription
from cfrealtime.emulator.wire import InvitedEntry, RemoteEntry

MIC = Publication("0", "audio", "mic", since=100.0)
SESSION = Session("s", "demo", touched_at=100.0, publications={"0": MIC}, connected_at=101.0)
ASKED = publishing.invited(InvitedEntry("camera", "video"), "s0")
WAITING = publishing.with_publication(SESSION, ASKED)
CAMERA = evolve(ASKED, since=0.0, rids=("h", "f", "q"))
BACK = Subscription("s0", "video", Locator("other", "camera"), answered_at=1.0, both_ways=True)


def section(**changes) -> OfferedSection:
    return evolve(
        OfferedSection("s0", "video", "sendonly", stopped=False, rids=(), msid_track=None), **changes
    )


def entry(carrier: str | None) -> RemoteEntry:
    return RemoteEntry(Locator("other", "camera"), None, carrier=carrier)


def test_names_are_taken_by_what_is_published_and_by_earlier_entries():
    entries = [InvitedEntry(name, "audio") for name in ("mic", "new", "new", "broken")]
    fault = ItemError("backend_error", "asked for")
    verdicts = publishing.invite(SESSION, entries, [None, None, None, fault])
    assert verdicts == (publishing.REPEATED, entries[1], publishing.REPEATED, fault)


def test_a_name_whose_publication_ended_is_free():
    ended = evolve(SESSION, publications={"0": evolve(MIC, ended="collected")})
    (verdict,) = publishing.invite(ended, [InvitedEntry("mic", "audio")], [None])
    assert isinstance(verdict, InvitedEntry)


def test_layers_are_asked_for_only_where_they_are_wanted():
    assert publishing.section_for(InvitedEntry("a", "video")) == NewReceive("video")
    layered = publishing.section_for(InvitedEntry("a", "video", layered=True))
    assert layered == NewReceive("video", ("q", "h", "f"))


@pytest.mark.parametrize(
    ("sections", "ended", "rids"),
    [
        ([section(rids=("q", "f"))], None, ("q", "f")),
        ([section(direction="inactive")], None, ()),
        ([section(stopped=True)], "stopped", ()),
        ([], "stopped", ()),
    ],
)
def test_an_answer_decides_what_was_asked_for(sections, ended, rids):
    after = publishing.answered(WAITING, sections, 200.0)
    publication = after.publications["s0"]
    assert (publication.since, publication.ended, publication.rids) == (200.0, ended, rids)
    assert after.publications["0"] is MIC


def test_an_answer_that_decides_nothing_changes_nothing():
    assert publishing.answered(SESSION, [section()], 200.0) is SESSION


def test_what_is_not_answered_yet_is_not_late():
    assert ASKED.since == inf
    aged = lifetime.aged(WAITING, lambda *_: None, 1e6)
    assert (aged.publications["0"].ended, aged.publications["s0"].ended) == ("collected", None)


@pytest.mark.parametrize(
    ("simulcast", "wanted"),
    [
        (None, ()),
        (Simulcast(), ()),
        (Simulcast("h"), ("h",)),
        (Simulcast("x"), ("x",)),
        (Simulcast("h", priority_ordering="asciibetical"), ("h",)),
        (Simulcast("h", rid_not_available="asciibetical"), ("h", "f", "q")),
        (Simulcast("x", rid_not_available="asciibetical"), ("x", "f", "h", "q")),
    ],
)
def test_the_layers_that_may_be_sent(simulcast, wanted):
    assert subscribing.wanted_rids(CAMERA, simulcast) == wanted
    assert subscribing.wanted_rids(MIC, simulcast) == ()


def test_a_carrier_is_a_live_publication_that_goes_both_ways():
    both = evolve(CAMERA, both_ways=True)
    session = publishing.with_publication(SESSION, both)
    assert subscribing.carrier(session, entry("camera")) == "s0"
    assert subscribing.carrier(session, entry(None)) is None
    over = publishing.with_publication(SESSION, evolve(both, ended="forced"))
    for held, name in ((session, "mic"), (session, "nobody"), (over, "camera")):
        with pytest.raises(RefusalError) as refused:
            subscribing.carrier(held, entry(name))
        assert (refused.value.status, refused.value.code) == (400, "invalid_params")


def test_what_a_section_cannot_carry():
    assert subscribing.unfit("video", CAMERA, None) is None
    assert subscribing.unfit("audio", CAMERA, None).code == "update_track_error"
    lacking = subscribing.unfit("video", CAMERA, "av1/90000;profile=0")
    assert lacking.code == "update_track_error"
    assert "av1" in lacking.description


def test_a_close_ends_both_ways_at_once_and_can_be_repeated():
    session = subscribing.with_subscriptions(publishing.with_publication(SESSION, CAMERA), [BACK])
    after, items = closing.close(session, ["s0", "s0"], forced=True)
    assert [error and error.code for _, error in items] == [None, "close_track_error"]
    assert after.publications["s0"].ended == "forced"
    assert after.subscriptions["s0"].closed
    assert after.publications["0"].ended is None
