"""What the client says and when: joining, grants, gaps, epochs, drops."""

import pytest

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]

JOINED = "media (microphone,camera)"


async def test_everything_rides_in_join_and_is_reported_together(enter, ben):
    client = await enter(ben, audio=True, video=True)
    taken = await client.until_sent(JOINED)
    assert taken[0] == "join [microphone,camera]"
    assert taken.index("applied") < taken.index("media connected ()") < taken.index(JOINED)
    assert "negotiate" not in taken


async def test_a_viewer_offers_nothing_and_receives(enter, ben):
    client = await enter(ben)
    assert (await client.until_sent("answer"))[0] == "join"
    await client.until("room.participants.some((p) => p.tracks.get('camera')?.stream)")


async def test_a_microphone_opened_later_is_published(enter):
    client = await enter()
    await client.run("await room.setMuted('microphone', false)")
    taken = await client.until_sent("media (microphone)")
    assert taken == [
        "join",
        "negotiate",
        "offer [microphone]",
        "applied",
        "media connected ()",
        "media (microphone)",
    ]


async def test_a_gap_asks_for_a_snapshot(enter):
    client = await enter()
    await client.run("fake.say('delta', {since: 7, revision: 8, participants: [], left: []})")
    assert (await client.until_sent("snapshot")) == ["join", "snapshot"]


async def test_a_delta_that_is_already_known_changes_nothing(enter, ben):
    client = await enter(ben)
    await client.run("fake.revision = 5; fake.say('snapshot', {revision: 5, participants: [], mids: {}})")
    await client.run(
        "fake.say('delta', {since: 3, revision: 4, participants: [], left: [{id: 'x', reason: 'y'}]})"
    )
    assert "snapshot" not in await client.run("return fake.taken()")


async def test_a_dead_publication_is_published_anew_once(enter):
    client = await enter(audio=True, video=True)
    await client.until_sent(JOINED)
    dead = "fake.own = fake.own.map((p) => p.source === 'camera' ? {...p, state: 'dead'} : p); fake.change()"
    await client.run(f"{dead}; fake.change()")
    taken = await client.until_sent(JOINED)
    assert taken == ["negotiate", "offer [camera]", "applied", JOINED]


async def test_a_publication_may_die_again_under_the_same_id(enter):
    client = await enter(audio=True)
    await client.until_sent("media (microphone)")
    for _ in range(2):
        await client.run("fake.own[0] = {...fake.own[0], id: 'mic', state: 'dead'}; fake.change()")
        await client.until_sent("media (microphone)")
        await client.run("fake.own[0] = {...fake.own[0], id: 'mic', state: 'live'}; fake.change()")


async def test_what_is_published_anew_leaves_the_connection_and_the_others_alone(enter, ben):
    client = await enter(ben, audio=True, video=True)
    await client.until("room.participants.some((p) => p.id === 'ben' && p.tracks.get('camera')?.stream)")
    await client.until_sent(JOINED)
    await client.run(
        "window.states = []; const [pc] = connections;"
        "pc.onicegatheringstatechange = () => states.push(pc.iceGatheringState);"
        "pc.oniceconnectionstatechange = () => states.push(pc.iceConnectionState)"
    )
    for source in ("microphone", "camera", "microphone"):  # the microphone's section is the first of all
        dead = f"fake.own.map((p) => p.source === '{source}' ? {{...p, state: 'dead'}} : p)"
        await client.run(f"fake.own = {dead}; fake.change()")
        await client.until(f"fake.log.some((m) => m.type === 'media' && m.sending.includes('{source}'))")
        await client.run("fake.taken()")
    assert await client.run("return states") == []
    # What has ended keeps no section but the first.
    sections = "connections[0].localDescription.sdp.match(/^m=(audio|video)/gm).length"
    assert await client.run(f"return {sections}") <= 5


async def test_a_source_that_ends_while_its_packets_are_counted_is_not_told_to_send(enter):
    slow = """
      const getStats = RTCRtpSender.prototype.getStats;
      window.counted = new Promise((count) => (window.count = count));
      window.ended = new Promise((end) => (window.end = end));
      RTCRtpSender.prototype.getStats = async function () {
        const report = await getStats.call(this);
        const sends = ({ kind, bytesSent }) => kind === "video" && bytesSent > 0;
        if (![...report.values()].some(sends)) return report;
        count();
        await ended;
        return report;
      };
    """
    client = await enter(audio=True, setup=slow)
    await client.until_sent("media (microphone)")
    await client.run("await room.publish('board', picture()); await counted; room.unpublish('board'); end()")
    await client.run("await room.publish('slides', picture())")
    taken = await client.until_sent("media (microphone,slides)")
    assert [said for said in taken if said.startswith("media")] == ["media (microphone,slides)"]


async def test_a_source_replaced_while_it_is_offered_sends_the_newer_track(enter):
    client = await enter(audio=True)
    await client.until_sent("media (microphone)")
    await client.run("fake.slowness = 200; room.publish('board', picture()).catch(() => {})")
    await client.until_sent("offer [board]")
    await client.run("room.unpublish('board'); window.newer = picture(); await room.publish('board', newer)")
    sent = "window.connections.at(0).getSenders().some((sender) => sender.track === newer)"
    assert await client.run(f"return {sent}")


async def test_an_offer_of_an_older_epoch_is_ignored(enter):
    client = await enter(audio=True)
    await client.until_sent("media (microphone)")
    await client.run("fake.say('offer', {exchange: 9, epoch: 0, sdp: 'old', mids: {}})")
    await client.run("await room.publish('board', picture())")
    assert "media failed (microphone)" not in await client.run("return fake.taken()")


async def test_a_description_that_cannot_be_set_gets_a_new_connection(enter, ben):
    client = await enter(ben, audio=True)
    await client.until_sent("media (microphone)")
    await client.run("fake.say('offer', {exchange: 9, epoch: fake.epoch, sdp: 'nonsense', mids: {}})")
    taken = await client.until_sent("media (microphone)")
    # The answer to Ben's tracks may be among them.
    assert [one for one in taken if one != "answer"][:2] == [
        "media failed (microphone)",
        "offer [microphone]",
    ]
    await client.until("room.state === 'connected'")
    await client.until("room.participants.some((p) => !p.isSelf && p.tracks.get('camera')?.stream)")
    assert await client.told("error") == ["negotiation_failed"]


async def test_what_is_refused_for_good_does_not_keep_the_next_from_being_published(enter):
    client = await enter(audio=True)
    await client.until_sent("media (microphone)")
    await client.run("fake.refusals = [{code: 'not_allowed'}]")
    refused = "return room.publish('board', picture()).then(() => 'taken', (error) => error.code)"
    assert await client.run(refused) == "not_allowed"
    assert await client.run(refused) == "taken"
    taken = await client.until_sent("media (microphone,board)")
    assert taken.count("negotiate") == 2


async def test_a_lapsed_grant_is_asked_for_again(enter):
    client = await enter(audio=True)
    await client.until_sent("media (microphone)")
    await client.run("fake.refusals = [{code: 'no_grant'}, {code: 'stale'}]")
    await client.run("await room.publish('board', picture())")
    taken = await client.until_sent("media (microphone,board)")
    assert taken[:6] == ["negotiate", "offer [board]"] * 3


async def test_one_refused_source_does_not_cost_the_others(enter):
    client = await enter(audio=True)
    await client.until_sent("media (microphone)")
    await client.run("fake.refusals = [{code: 'publish_failed', source: 'board'}]")
    both = "[room.publish('board', picture()), room.publish('map', picture())]"
    settled = await client.run(f"return (await Promise.allSettled({both})).map((s) => s.status)")
    assert settled == ["rejected", "fulfilled"]
    await client.until_sent("media (microphone,map)")


async def test_a_source_given_up_before_its_grant_offers_nothing(enter):
    client = await enter(audio=True)
    await client.until_sent("media (microphone)")
    code = "room.publish('board', picture()).catch((error) => (window.code = error.code))"
    await client.run(f"{code}; room.unpublish('board'); await new Promise((next) => setTimeout(next, 300))")
    assert await client.run("return [window.code, ...fake.taken()]") == ["unpublished", "negotiate"]


async def test_a_source_given_up_while_it_is_offered_is_unpublished_afterwards(enter):
    client = await enter(audio=True)
    await client.until_sent("media (microphone)")
    await client.run("fake.slowness = 200; room.publish('board', picture()).catch(() => {})")
    await client.until_sent("offer [board]")
    await client.run("room.unpublish('board')")
    assert await client.until_sent("unpublish board") == ["applied", "unpublish board"]


async def test_a_drop_is_resumed_and_what_changed_is_said(enter):
    client = await enter(audio=True)
    await client.until_sent("media (microphone)")
    await client.run("fake.drop(); room.setMuted('microphone', true)")
    assert await client.run("return [room.state, room.send('lost')]") == ["reconnecting", False]
    taken = await client.until_sent("media connected (microphone)")
    assert taken == ["resume", "mute microphone", "media connected (microphone)"]
    assert await client.run("return room.state") == "connected"


async def test_an_unknown_token_joins_anew_with_everything(enter):
    client = await enter(audio=True, video=True)
    await client.until_sent(JOINED)
    await client.run("fake.knowsTokens = false; fake.drop()")
    taken = await client.until_sent(JOINED)
    assert taken[:2] == ["resume", "join [microphone,camera]"]


async def test_a_closed_room_and_a_host_that_refuses_are_final(enter):
    for end, reason in (
        ("fake.say('closed', {reason: 'removed'})", "removed"),
        ("fake.refuse('why')", "why"),
        ("fake.say('welcome', {protocol: 2})", "protocol_unknown"),
    ):
        client = await enter(audio=True)
        await client.run(end)
        assert await client.run("return [room.state, room.reason]") == ["closed", reason]
        assert (
            await client.run("return room.setMuted('microphone', true).catch((e) => e.code)") == "not_joined"
        )


REFUSING = """
const { RoomError } = await import("/rooms.js");
Object.assign(window, {
  attempts: 0,
  ticket() {
    attempts += 1;
    throw attempts === 1 ? new Error("offline") : new RoomError("expired", "Too late.");
  },
});
"""


async def test_an_address_that_is_refused_is_final_in_the_hosts_own_words(enter):
    client = await enter(setup=REFUSING)
    told = """
      const { Room } = await import("/rooms.js");
      const room = new Room(window.ticket), events = [];
      room.on("state", ({ state, reason }) => events.push([state, reason]));
      room.on("error", ({ code, message }) => events.push([code, message]));
      const joining = await room.join().catch(({ code, message }) => [code, message]);
      return { joining, events, attempts };
    """
    refusal = ["expired", "Too late."]
    assert await client.run(told) == {
        "joining": refusal,
        "events": [["preparing", None], ["connecting", None], refusal, ["closed", "expired"]],
        "attempts": 2,  # the first was no refusal
    }


async def test_a_channel_that_refuses_at_once_is_as_final(enter):
    client = await enter()
    told = """
      const { join, RoomError } = await import("/rooms.js");
      const channel = () => { throw new RoomError("expired", "Too late."); };
      return await join("/", { channel }).catch(({ code }) => code);
    """
    assert await client.run(told) == "expired"


async def test_unknown_messages_and_garbage_are_passed_over(enter, ben):
    client = await enter(ben)
    await client.until_sent("answer")
    await client.run("fake.say('of_a_later_version'); fake.say('toString'); fake.say('joined')")
    assert await client.run("return room.participants.length") == 2
