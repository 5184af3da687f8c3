"""Whether the next exchange of a session may begin, in both colours."""

from __future__ import annotations

import gc

import httpx
import pytest

from cfrealtime import (
    ExchangeOpenError,
    InvalidRequestError,
    LocalTrack,
    NotAcceptableError,
    OutcomeUnknownError,
    RemoteTrack,
    ServerError,
)
from tests.cfrealtime.colours import COLOURS
from tests.cfrealtime.either import play
from tests.cfrealtime.negotiating import SDP, Service, refusal

pytestmark = pytest.mark.parametrize("colour", COLOURS)
LOCAL, REMOTE = [LocalTrack("0", "camera")], [RemoteTrack("s2", "camera")]
LOST = httpx.ReadTimeout("late")


@pytest.fixture
def service():
    return Service()


@pytest.fixture
def start(colour, service):
    """Runs `scenario(session)`, or `scenario(session, client)`, on a client of this service."""

    def start(scenario, **options):
        async def on_client(client):
            return await scenario(client.session("s1"))

        return play(colour, on_client, transport=service.transport, **options)

    return start


async def in_turn(session, calls, **options):
    """A block with some calls in it."""
    async with session.negotiate(**options) as exchange:
        return await calls(exchange)


async def nothing(_):
    pass


async def still_fit(session):
    """Whether another exchange may begin."""
    try:
        await in_turn(session, nothing, timeout=0)
    except ExchangeOpenError as error:
        if f"The exchange of session {session.id} is unfinished" not in str(error):
            raise
        return False
    return True


async def publish(exchange):
    await exchange.publish("v=0", LOCAL)


async def publish_twice(exchange):
    await exchange.publish("v=0", LOCAL)
    await exchange.publish("v=0", LOCAL)


async def subscribe(exchange):
    result = await exchange.subscribe(REMOTE)
    assert result.description.sdp == SDP
    await exchange.renegotiate("v=0")


async def close(exchange):
    await exchange.close_tracks(["0"], offer="v=0")
    await exchange.close_tracks(["0"], force=True)


async def look(exchange):
    await exchange.get_state()
    await exchange.update_tracks([RemoteTrack("s2", "camera", mid="0")])


@pytest.mark.parametrize("calls", [publish, publish_twice, subscribe, close, look])
def test_after_an_exchange_in_good_order_the_next_may_begin(start, calls):
    async def scenario(session):
        await in_turn(session, calls)
        return await still_fit(session)

    assert start(scenario)


def test_leaving_with_an_offer_that_was_not_answered_is_an_error(start):
    async def scenario(session):
        with pytest.raises(ExchangeOpenError, match=r"not answered with renegotiate\(\)"):
            await in_turn(session, lambda exchange: exchange.subscribe(REMOTE))
        return await still_fit(session)

    assert not start(scenario)


@pytest.mark.parametrize(("calls", "fit"), [(publish, False), (subscribe, True), (look, True)])
def test_an_error_in_the_block_matters_where_an_answer_was_to_be_applied(start, calls, fit):
    async def calls_and_error(exchange):
        await calls(exchange)
        raise ZeroDivisionError

    async def scenario(session):
        with pytest.raises(ZeroDivisionError):
            await in_turn(session, calls_and_error)
        return await still_fit(session)

    assert start(scenario) is fit


@pytest.mark.parametrize(
    ("operation", "calls"),
    [("tracks/new", publish), ("tracks/new", subscribe), ("renegotiate", subscribe), ("tracks/close", close)],
)
@pytest.mark.parametrize("outcome", [LOST, (502, None)], ids=["lost", "edge"])
def test_an_unknown_outcome_freezes_the_session(start, service, operation, calls, outcome):
    service.next(operation, outcome)

    async def scenario(session):
        with pytest.raises(OutcomeUnknownError):
            await in_turn(session, calls)
        return await still_fit(session)

    assert not start(scenario)


def test_an_unknown_outcome_that_was_caught_freezes_the_session_all_the_same(start, service):
    service.next("tracks/new", LOST)

    async def calls(exchange):
        with pytest.raises(OutcomeUnknownError):
            await publish(exchange)
        await publish(exchange)

    async def scenario(session):
        with pytest.raises(ExchangeOpenError, match="nobody knows"):
            await in_turn(session, calls)
        return await still_fit(session)

    assert not start(scenario)


def test_a_call_that_is_broken_off_freezes_the_session(start, service):
    service.next("tracks/new", KeyboardInterrupt)

    async def scenario(session):
        with pytest.raises(KeyboardInterrupt):
            await in_turn(session, publish)
        return await still_fit(session)

    assert not start(scenario)


@pytest.mark.parametrize("operation", ["tracks/update", ""])
def test_a_lost_call_that_is_no_exchange_freezes_nothing(start, service, operation):
    service.next(operation, *[LOST] * 3)

    async def scenario(session):
        with pytest.raises(OutcomeUnknownError):
            await in_turn(session, look)
        return await still_fit(session)

    assert start(scenario, max_retries=0)


def test_a_refusal_freezes_nothing(start, service):
    service.next("tracks/new", refusal(406, "invalid_session_description"))

    async def calls(exchange):
        with pytest.raises(NotAcceptableError):
            await publish(exchange)
        await publish(exchange)

    async def scenario(session):
        await in_turn(session, calls)
        return await still_fit(session)

    assert start(scenario)


def test_a_refusal_that_names_what_it_has_done_freezes_the_session(start, service):
    service.next("tracks/new", refusal(500, "internal_error", {"mid": "0"}))

    async def calls(exchange):
        with pytest.raises(ServerError, match="internal_error"):
            await publish(exchange)

    async def scenario(session):
        with pytest.raises(ExchangeOpenError):
            await in_turn(session, calls)
        return await still_fit(session)

    assert not start(scenario)


def test_whoever_does_not_get_their_turn_in_time_is_told(start):
    async def scenario(session):
        async with session.negotiate():
            with pytest.raises(ExchangeOpenError, match=r"did not end within 0\.005 s"):
                await in_turn(session, nothing, timeout=0.005)
        return await still_fit(session)

    assert start(scenario)


def test_all_handles_and_twins_of_a_client_share_one_queue(colour, service):
    async def scenario(client):
        twin = client.with_options(timeout=3).with_options(max_retries=0)
        others = [client.session("s1"), twin.session("s1")]
        async with client.session("s1").negotiate():
            for other in others:
                with pytest.raises(ExchangeOpenError):
                    await in_turn(other, nothing, timeout=0)
            await in_turn(client.session("s2"), nothing, timeout=0)

    play(colour, scenario, transport=service.transport)


def test_a_queue_is_forgotten_with_the_last_handle(colour, service):
    async def scenario(client):
        queues = client._caller.queues._queues
        held = client.session("s0")
        for session in [held, *[client.session(f"s{n}") for n in range(1, 9)]]:
            await in_turn(session, nothing)
        assert len(queues) == 2
        del held, session
        gc.collect()
        return len(queues)

    assert play(colour, scenario, transport=service.transport) == 0


def test_calls_outside_the_block_are_refused(start, service):
    async def scenario(session):
        turn = session.negotiate()
        with pytest.raises(InvalidRequestError, match="new_tracks on session s1 was not sent"):
            await turn.publish("v=0", LOCAL)
        async with turn as exchange:
            await exchange.get_state()
        with pytest.raises(InvalidRequestError, match="not this caller's turn"):
            await exchange.close_tracks(["0"], force=True)

    start(scenario)
    assert service.seen == [("", 0)]


def test_a_turn_within_a_turn_is_refused_instead_of_waited_for(start):
    async def scenario(session):
        async with session.negotiate() as exchange:
            with pytest.raises(ExchangeOpenError, match="this block has the turn already"):
                exchange.negotiate()

    start(scenario)


def test_raw_answers_belong_to_the_exchange_like_others(start):
    async def calls(exchange):
        raw = await exchange.with_raw_response.subscribe(REMOTE)
        assert (raw.status, raw.value.description.sdp) == (200, SDP)

    async def scenario(session):
        with pytest.raises(ExchangeOpenError, match=r"not answered with renegotiate\(\)"):
            await in_turn(session, calls)
        return await still_fit(session)

    assert not start(scenario)


def many(count):
    return [RemoteTrack("s2", f"camera-{n}") for n in range(count)]


@pytest.mark.parametrize(
    ("count", "sizes"), [(1, [1]), (64, [64]), (65, [64, 1]), (128, [64, 64]), (130, [64, 64, 2])]
)
def test_a_large_subscription_is_one_whole_exchange_for_each_64(start, service, count, sizes):
    offers = []

    async def answer(offer):
        offers.append(offer.sdp)
        return "v=0 ours"

    async def scenario(session):
        async with session.negotiate() as exchange:
            return await exchange.subscribe_all(iter(many(count)), answer)

    result = start(scenario)
    assert [track.track_name for track in result.tracks] == [track.track_name for track in many(count)]
    assert (result.description, result.requires_renegotiation) == (None, False)
    assert service.seen == [entry for size in sizes for entry in (("tracks/new", size), ("renegotiate", 0))]
    assert offers == [SDP] * len(sizes)


@pytest.mark.parametrize(
    ("operation", "outcome", "known"),
    [
        ("tracks/new", LOST, 64),
        ("tracks/new", refusal(410, "session_error"), 64),
        ("tracks/new", (200, {"tracks": [{"mid": "7"}]}), 65),
        ("renegotiate", LOST, 128),
    ],
    ids=["lost", "refused", "no offer", "answer lost"],
)
def test_a_large_subscription_that_fails_keeps_what_was_done(start, service, operation, outcome, known):
    service.next(operation, None, outcome)

    async def answer(_):
        return "v=0 ours"

    async def scenario(session):
        async with session.negotiate() as exchange:
            await exchange.subscribe_all(many(130), answer)

    with pytest.raises(Exception, match="session s1") as caught:
        start(scenario)
    assert len(caught.value.partial.ok) == known


def test_items_that_failed_are_in_the_result_and_need_no_answer(start, service):
    service.next("tracks/new", (200, {"tracks": [{"errorCode": "empty_track_error"}]}))

    async def scenario(session):
        async with session.negotiate() as exchange:
            return await exchange.subscribe_all(REMOTE, None)

    assert [track.error.code for track in start(scenario).failed] == ["empty_track_error"]


@pytest.mark.parametrize("tracks", [[], [LocalTrack("0", "camera")]])
def test_what_cannot_be_subscribed_is_refused_before_anything_is_sent(start, service, tracks):
    async def scenario(session):
        async with session.negotiate() as exchange:
            with pytest.raises(InvalidRequestError, match="subscribe_all on session s1 was not sent"):
                await exchange.subscribe_all(tracks, None)
        return await still_fit(session)

    assert start(scenario)
    assert service.seen == []
