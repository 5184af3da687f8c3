"""RTP and RTCP: any bytes and packets that are nearly right, inside a connection that stands."""

from __future__ import annotations

from contextlib import suppress

import pylibsrtp
from hypothesis import given
from hypothesis import strategies as st

from cfrealtime.emulator.media import rtcp, rtp
from tests.cfrealtime.emulator.fuzz.street import intruder, mutations, some
from tests.cfrealtime.emulator.media.test_forwarder import CAMERA, KEY, MIC, SIMULCAST, VIEW, Room
from tests.cfrealtime.emulator.peer import remote
from tests.cfrealtime.emulator.sdp.endpoint import M
from tests.cfrealtime.emulator.talkers import listening


def packet(**changes) -> bytes:
    fields = {
        "marker": True,
        "payload_type": 96,
        "sequence": 7,
        "timestamp": 3000,
        "ssrc": 7010,
        "extensions": rtp.write_elements([(4, b"1"), (10, b"f"), (1, b"\x85")]),
        "payload": KEY + b"picture",
    }
    return rtp.write(**fields | changes)


RTP = st.one_of(
    mutations(packet()),
    mutations(packet(payload_type=97, ssrc=7011, payload=b"\0\7" + KEY)),
    mutations(packet(extensions=rtp.write_elements([(4, b"1" * 20)]))),
    st.builds(
        packet,
        sequence=st.integers(0, 0xFFFF),
        ssrc=st.sampled_from([1000, 1001, 7010, 7011]) | st.integers(0, 0xFFFFFFFF),
        payload_type=st.sampled_from([96, 97, 98, 106, 45, 111]) | st.integers(0, 127),
        timestamp=st.integers(0, 0xFFFFFFFF),
        payload=st.binary(max_size=40),
    ),
)
SSRC = st.sampled_from([VIEW.ssrc, VIEW.rtx_ssrc, 1000, 7010]) | st.integers(0, 0xFFFFFFFF)
NUMBERS = st.lists(st.integers(0, 0xFFFF), max_size=40)
RTCP = st.one_of(
    mutations(rtcp.sender_report(7010, 1 << 40, 3000, 5, 6) + rtcp.nack(7, VIEW.ssrc, [7, 8, 30])),
    mutations(rtcp.key_frame_request(7, VIEW.ssrc) + rtcp.bandwidth(7, 8_000_000, [1000, 1001])),
    st.builds(rtcp.nack, SSRC, SSRC, NUMBERS),
    st.builds(rtcp.key_frame_request, SSRC, SSRC),
    st.builds(
        rtcp.sender_report,
        SSRC,
        st.integers(0, (1 << 64) - 1),
        st.integers(0, 0xFFFFFFFF),
        st.integers(0, 1 << 40),
        st.integers(0, 1 << 40),
    ),
)


@some(300)
@given(
    said=st.lists(st.tuples(st.booleans(), RTP | RTCP | st.binary(max_size=60)), max_size=20),
    simulcast=st.booleans(),
)
def test_a_forwarder_takes_anything_and_goes_on_with_the_others(said, simulcast):
    room = Room()
    room.join("mallory", [SIMULCAST if simulcast else CAMERA, MIC])
    room.join("bob", sends=[VIEW])
    room.join("alice", [CAMERA])
    room.join("carol", sends=[VIEW])
    for report, data in said:
        for name in ("mallory", "carol"):
            (room.forwarder.rtcp if report else room.forwarder.rtp)(name, data, room.now)
        room.pass_time(0.05)
    room.arrive(20_000, KEY)
    room.pass_time(2)
    room.arrive(20_001, KEY)
    assert room.packets("carol"), "alice's picture"


@some(40)
@given(said=st.lists(RTP | RTCP, min_size=1, max_size=20))
async def test_anything_said_inside_a_connection_disturbs_nobody(street, said):
    sections = (M("audio", "0", ssrc=7000), M("video", "1", ssrc=7010))
    async with intruder(street, *sections) as (peer, light):
        await light.send(packet())
        await light.send(packet(payload_type=111, ssrc=7000, extensions=b""))
        async with listening(street.client, remote(peer.id, "junk0"), remote(peer.id, "junk1")) as (
            _,
            eve,
            _,
        ):
            for data in said:
                with suppress(pylibsrtp.Error):  # what cannot even be encrypted is not sent
                    await light.send(data)
                    await eve.send(data)
            await street.undisturbed()
        assert (await peer.get()).status_code == 200
