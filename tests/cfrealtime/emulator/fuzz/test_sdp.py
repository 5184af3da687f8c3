"""Descriptions that are nearly right, at every door that takes one."""

from __future__ import annotations

import json

from hypothesis import given, settings
from hypothesis import strategies as st

from cfrealtime.emulator.sdp import Negotiation, NewSend, SdpError
from tests.cfrealtime.emulator.fuzz.street import Street, some
from tests.cfrealtime.emulator.peer import Peer, local, remote
from tests.cfrealtime.emulator.sdp.endpoint import LOCAL, M, answer, describe
from tests.cfrealtime.emulator.sdp.test_negotiation import CAMERA, publisher
from tests.cfrealtime.emulator.sdp.test_refusals import ATTRIBUTES

SECTIONS = (
    M("audio", "0"),
    M("video", "1", rids=("q", "h", "f")),
    M("application", "2", "sendrecv"),
    M("video", "3", "recvonly"),
)
WORD = st.sampled_from(
    [
        "0",
        "-1",
        "65536",
        "99999999999999999999",
        "s0",
        "audio",
        "m=",
        "a=mid:0",
        "=",
        ":",
        "\0",
        "٣",
        "\ud800",
        "é",
        " ",
    ]
) | st.text(max_size=12)
LINE = st.sampled_from(
    [
        "m=video 9 UDP/TLS/RTP/SAVPF 96 96",
        "m=audio 0 RTP/AVP",
        "m=application 9 UDP/DTLS/SCTP webrtc-datachannel",
        "a=group:BUNDLE 0 0 1 9",
        "a=mid:0",
        "a=rtpmap:96 VP8/90000",
        "a=rtpmap:300 opus/x/2",
        "a=fmtp:97 apt=97",
        "a=extmap:0 urn:x",
        "a=extmap:99999 urn:ietf:params:rtp-hdrext:sdes:mid",
        "a=rid:q recv pt=96;max-width=x",
        "a=simulcast:send q;h;~f,g recv a",
        "a=ssrc-group:FID 1 1 1",
        "a=ssrc:99999999999 cname:x",
        "a=fingerprint:sha-256 AB",
        "a=fingerprint:none",
        "a=setup:holdconn",
        "a=sctp-port:x",
        "a=max-message-size:-1",
        "a=candidate:1",
        "a=ice-ufrag:",
        "a=inactive",
        *(f"a={name}{ending}" for name in ATTRIBUTES for ending in ("", ":", ": ")),
    ]
) | st.text(max_size=30)

DROP, DOUBLE, SWAP, INSERT, WORDS = range(5)
EDIT = st.tuples(st.integers(0, 4), st.integers(0, 200), st.integers(0, 20), LINE, WORD)


def changed(sdp: str, edits: list[tuple[int, int, int, str, str]], ending: str) -> str:
    """The description after some edits of its lines and of words in them."""
    lines = sdp.strip().split("\r\n")
    for what, where, other, line, word in edits:
        at = where % len(lines)
        if what == DROP and len(lines) > 1:
            del lines[at]
        elif what == DOUBLE:
            lines.insert((at + other) % len(lines), lines[at])
        elif what == SWAP:
            lines[at], lines[other % len(lines)] = lines[other % len(lines)], lines[at]
        elif what == INSERT:
            lines.insert(at, line)
        else:
            words = lines[at].replace(":", " :").split(" ")
            words[other % len(words)] = word
            lines[at] = " ".join(words).replace(" :", ":")
    return ending.join(lines) + ending


OFFER = st.builds(
    changed,
    st.sampled_from([describe(*SECTIONS), describe(SECTIONS[0]), describe(SECTIONS[2])]),
    st.lists(EDIT, max_size=5),
    st.sampled_from(["\r\n", "\n", "\r\n\r\n"]),
)
EDITS = st.lists(EDIT, max_size=5)


async def say(peer: Peer, method: str, door: str, body: object) -> int:
    """Call with JSON in ASCII, in which even half a character can be written; gives the status."""
    url = f"{peer.path}/{door}"
    return (await peer.client.request(method, url, content=json.dumps(body))).status_code


async def fate(peer: Peer) -> None:
    """Whatever was said, the session is there or over, and what it holds can be told."""
    assert (await peer.get()).status_code in (200, 410)


@settings(max_examples=200, deadline=None)
@given(offers=st.lists(OFFER, min_size=1, max_size=3), answers=st.lists(EDITS, max_size=2))
def test_what_is_refused_changes_nothing_and_what_is_answered_can_be_read(offers, answers):
    negotiation = Negotiation(LOCAL)
    for offer in offers:
        before = negotiation.media({})
        try:
            text = negotiation.answer_offer(offer, ["0", "1"])
        except SdpError:
            assert negotiation.media({}) == before
        else:
            asked, told = Negotiation.inspect(offer), Negotiation.inspect(text)
            assert [(s.kind, s.mid) for s in told] == [(s.kind, s.mid) for s in asked]
    codecs = publisher(CAMERA).receive_codecs("1")
    for edits in answers:
        if not negotiation.open_offer:
            ours, _ = negotiation.make_offer([NewSend("video", codecs)])
        before = negotiation.media({})
        try:
            negotiation.accept_answer(changed(answer(ours), edits, "\r\n"))
        except SdpError:
            assert negotiation.media({}) == before
            assert negotiation.open_offer


@some(60)
@given(offer=OFFER, named=st.booleans(), again=OFFER)
async def test_any_offer_is_answered_or_refused(street: Street, offer, named, again):
    peer = await Peer.join(street.client)
    for sdp in (offer, again):
        tracks = [local("0", "mic"), local("1", "cam")]
        body = {"sessionDescription": {"type": "offer", "sdp": sdp}}
        body |= {"tracks": tracks} if named else {"autoDiscover": True}
        assert await say(peer, "POST", "tracks/new", body) in (200, 400, 406, 410)
    await fate(peer)
    await street.undisturbed()


@some(60)
@given(edits=EDITS, again=EDITS)
async def test_any_answer_is_accepted_or_refused(street: Street, edits, again):
    peer = await Peer.join(street.client)
    response = await peer.post_tracks([remote(street.alice.id, "mic"), remote(street.alice.id, "mic")])
    offer = response.json()["sessionDescription"]["sdp"]
    for changes in (edits, again):
        description = {"type": "answer", "sdp": changed(answer(offer), changes, "\r\n")}
        status = await say(peer, "PUT", "renegotiate", {"sessionDescription": description})
        assert status in (200, 400, 406)
    await fate(peer)
    await street.undisturbed()


@some(60)
@given(offer=OFFER, closing=OFFER)
async def test_any_offer_at_the_other_doors_is_answered_or_refused(street: Street, offer, closing):
    peer = await Peer.join(street.client)
    description = {"type": "offer", "sdp": offer}
    status = await say(peer, "POST", "datachannels/establish", {"sessionDescription": description})
    assert status in (200, 400, 406)
    body = {
        "tracks": [{"mid": "0"}, {"mid": "2"}],
        "force": False,
        "sessionDescription": {"type": "offer", "sdp": closing},
    }
    assert await say(peer, "PUT", "tracks/close", body) in (200, 400, 406, 410, 425)
    await fate(peer)
    await street.undisturbed()
