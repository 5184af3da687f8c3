"""What a lane does about a failed call: the table, and that the core goes by it in each of its cells."""

from __future__ import annotations

from itertools import product
from typing import get_args

import pytest

from cfrealtime.models import RemoteTrack
from cfrealtime_rooms.core.actions import Emit, Send
from cfrealtime_rooms.core.calls import (
    ApiCall,
    Close,
    Failed,
    Look,
    NewSession,
    Publish,
    Renegotiate,
    Subscribe,
    Update,
)
from cfrealtime_rooms.core.events import SessionReplaced
from cfrealtime_rooms.core.failures import (
    FAILURES,
    PATIENCE,
    AtFirst,
    Failure,
    Reaction,
    Replace,
    fail,
    kind_of,
)
from cfrealtime_rooms.core.notices import Error
from cfrealtime_rooms.core.phases import Calling
from cfrealtime_rooms.core.tracks import ClientOffer, Retry, WaitingTrack
from cfrealtime_rooms.core.turn import Turn
from tests.cfrealtime_rooms.core.driver import pair, refused

EXAMPLES = {
    Failure.GONE: (refused(410), refused(404, "empty_track_error")),
    Failure.UNKNOWN: (Failed("unknown"), refused(500), refused(503, "temporarily_unavailable_error")),
    Failure.CREDENTIALS: (refused(401), refused(403)),
    Failure.UNREACHED: (Failed("not_sent"), refused(429), refused(429, "retryable_transient_error")),
    Failure.TRACKS: (refused(400, "empty_track_error"), refused(425, "not_found_track_error")),
    Failure.NOT_YET: (refused(425), refused(503, "retryable_transient_error")),
    Failure.UNREADABLE: (refused(400), refused(413)),
    Failure.OUT_OF_STEP: (refused(406),),
    Failure.REFUSED: (refused(409, "odd"), refused(422)),
}
EVERY_CELL = pytest.mark.parametrize(
    ("cls", "failure"),
    list(product(FAILURES, Failure)),
    ids=lambda one: one.name if isinstance(one, Failure) else one.__name__,
)


def test_the_table_has_every_call_and_every_failure():
    assert set(FAILURES) == set(get_args(ApiCall))
    assert {frozenset(row) for row in FAILURES.values()} == {frozenset(Failure)} == {frozenset(EXAMPLES)}


@pytest.mark.parametrize("failure", Failure, ids=lambda failure: failure.name)
def test_of_what_kind_a_failure_is(failure):
    assert {kind_of(example) for example in EXAMPLES[failure]} == {failure}


class Scene:
    """Ann, who publishes and receives, with a call under way that has failed before."""

    def __init__(self, cls: type[ApiCall], tries: int, source: str) -> None:
        driver = pair()
        self.ann = driver.member("ann")
        self.lane = lane = self.ann.lane
        lane.phase = Calling(99)
        lane.offer = ClientOffer(3, "v=0", (WaitingTrack("5", source, "video", False, "t"),), False)
        lane.call_retry = Retry(tries, 0.0) if tries else None
        (received,) = lane.subscriptions.values()
        bob = driver.member("bob").publications["microphone"]
        received.locator = bob.locator
        self.publication = bob.id
        moved = RemoteTrack(bob.locator.session_id, bob.locator.track_name)
        session = lane.session_id
        self.call = {
            NewSession: NewSession(),
            Publish: Publish(session, "v=0", ()),
            Subscribe: Subscribe(session, (moved,)),
            Update: Update(session, (moved,)),
            Renegotiate: Renegotiate(session, "v=0"),
            Close: Close(session, ("9",)),
            Look: Look(session),
        }[cls]
        self.turn = Turn(driver.room, driver.machine.rules, driver.now, lambda prefix: f"{prefix}-new")

    def fails(self, failed: Failed) -> Reaction | Replace:
        """What the lane is seen to do."""
        fail(self.turn, self.ann, self.call, failed)
        lane, actions = self.lane, self.turn.actions
        errors = [a.notice.code for a in actions if isinstance(a, Send) and isinstance(a.notice, Error)]
        if self.ann.lane is not lane:
            (event,) = (
                a.event for a in actions if isinstance(a, Emit) and isinstance(a.event, SessionReplaced)
            )
            return Replace(event.reason, self.turn.room.debts[lane.session_id].again)
        if errors:
            assert lane.offer is None
            return {"bad_sdp": Reaction.BAD_SDP, "publish_failed": Reaction.GIVE_BACK}[errors[0]]
        assert lane.offer is not None
        waits, tracks_wait = lane.call_retry is not None, self.publication in lane.retries
        seen = (waits, tracks_wait, lane.look, lane.close_retry is not None, lane.repeat == self.call)
        return {
            (True, False, False, False, False): Reaction.WAIT,
            (True, False, False, False, True): Reaction.REPEAT,
            (True, False, True, False, False): Reaction.LOOK,
            (False, True, True, False, False): Reaction.LOOK_AND_TRACKS_WAIT,
            (False, True, False, False, False): Reaction.TRACKS_WAIT,
            (False, False, False, True, False): Reaction.CLOSES_WAIT,
        }[seen]


@EVERY_CELL
@pytest.mark.parametrize("tries", [0, PATIENCE - 2, PATIENCE - 1])
def test_what_the_core_does_is_what_the_table_says(cls, failure, tries):
    verdict = FAILURES[cls][failure]
    if isinstance(verdict, AtFirst):
        verdict = verdict.last if tries == PATIENCE - 1 else verdict.first
    for example in EXAMPLES[failure]:
        new = Scene(cls, tries, "screen").fails(example)
        known = Scene(cls, tries, "microphone").fails(example)
        if verdict is Reaction.GIVE_UP:
            assert (new, known) == (Reaction.GIVE_BACK, Reaction.WAIT)
        else:
            assert new == known == verdict
