"""Security: what clients may know, name and send."""

from __future__ import annotations

import json
import logging

import pytest

from tests.cfrealtime_rooms.scenarios.scene import intercept, release, say, scene

pytestmark = pytest.mark.looptime


@pytest.mark.parametrize("what", ["participant", "epoch", "exchange", "grant", "track"])
async def test_the_ids_of_others_open_nothing(what):
    """Ids of others: participant, epoch, exchange, track."""
    async with scene() as stage:
        ann, bob, eve = await stage.meet("ann", "bob", "eve")
        kept = intercept(ann, "offer")
        await bob.publish("screen")
        await stage.until(ann, "AwaitingAnswer")
        before, errors = stage.epochs(), len(eve.errors)
        track = {"mid": "9", "source": "x", "kind": "video"}
        match what:
            case "participant":
                say(eve, "message", text="hi", to=["p-nobody"])
            case "epoch":
                say(eve, "media", epoch=ann.epoch + 1, state="failed")
            case "exchange":
                say(eve, "answer", exchange=kept[0]["exchange"] + 50, sdp=kept[0]["sdp"])
                say(eve, "applied", exchange=kept[0]["exchange"])
            case "grant":
                say(eve, "offer", grant=kept[0]["exchange"], sdp="v=0", tracks=[track])
            case "track":
                say(eve, "unpublish", source="screen")  # bob's, not eve's
        await stage.rest(1)
        assert len(eve.errors) > errors
        assert stage.epochs() == before
        assert ("bob", "screen") in eve.receiving()
        assert (ann.errors, bob.errors) == ([], [])
        await release(ann, "offer", kept)
        await stage.rest()
        stage.check(ann, bob, eve)


@pytest.mark.parametrize(
    "message",
    [
        {"type": "message", "text": "x" * 70_000},
        {"type": "answer", "exchange": 1, "sdp": "x" * 270_000},
        {"type": "offer", "grant": 1, "sdp": "x" * 270_000, "tracks": []},
        {"type": "join", "name": "x" * 70_000},
    ],
    ids=["message", "answer", "offer", "name"],
)
async def test_oversized_messages_and_sdp_are_refused_before_they_are_read(message):
    """Oversized messages and SDP."""
    async with scene() as stage:
        ann, eve = await stage.meet("ann", "eve")
        eve.send_raw(json.dumps(message))
        await stage.rest(1)
        assert [error.code for error in eve.errors] == ["too_large"]
        assert eve.closed is None
        stage.check(ann, eve)


async def test_no_secret_and_no_word_of_the_provider_reaches_clients_or_logs(caplog):
    """No secret, SDP or provider text in errors and logs."""
    caplog.set_level(logging.DEBUG, "cfrealtime_rooms")
    told = []
    canary = {"errorCode": "internal_error", "errorDescription": "canary-provider-text"}
    async with scene() as stage:
        (bob,) = await stage.meet("bob")
        stage.wire.rewrite("new_tracks", lambda answer: {**answer, "tracks": [canary]}, times=2)
        stage.wire.rewrite("close_tracks", lambda answer: canary)
        ann = await stage.arrive("ann")
        receive = ann.receive

        async def overheard(text):
            told.append(text)
            await receive(text)

        ann.receive = overheard
        await ann.join()
        say(ann, "answer", exchange=99, sdp="canary-sdp")
        await stage.rest(40)
        sessions = [session for session, _ in stage.sessions().values() if session]
        shown = " ".join([*told, caplog.text])
        secrets = ("canary-", ann.peer.ufrag, bob.token, "secret", *sessions)
        assert [word for word in secrets if word in caplog.text] == []
        assert [word for word in ("canary-", "internal_error", *sessions) if word in shown] == []
