"""SCTP: chunks of any kind, nearly right ones, and data channel messages that make no sense."""

from __future__ import annotations

from aiortc import RTCDataChannel, RTCDataChannelParameters
from aiortc.rtcsctptransport import CHUNK_TYPES, Chunk, DataChunk, serialize_packet
from hypothesis import given
from hypothesis import strategies as st

from tests.cfrealtime.emulator.fuzz.street import intruder, mutations, some
from tests.cfrealtime.emulator.sdp.endpoint import M

DATA = M("application", "0", "sendrecv")


def data_chunk(protocol: int, payload: bytes, stream: int = 0, tsn: int = 1) -> DataChunk:
    chunk = DataChunk(flags=3)
    chunk.tsn, chunk.stream_id, chunk.stream_seq, chunk.protocol = tsn, stream, 0, protocol
    chunk.user_data = payload
    return chunk


class Raw(Chunk):
    """A chunk of any type with any body."""

    def __init__(self, kind: int, flags: int, body: bytes) -> None:
        super().__init__(flags=flags, body=body)
        self.type = kind


KIND = st.sampled_from(sorted(CHUNK_TYPES)) | st.integers(0, 255)
CHUNK = st.builds(Raw, KIND, st.integers(0, 255), st.binary(max_size=60)) | st.builds(
    data_chunk,
    st.sampled_from([50, 51, 53, 56, 57]) | st.integers(0, 0xFFFFFFFF),
    st.binary(max_size=40) | mutations(b"\x03\0\0\0\0\0\0\0\0\4\0\0junk"),
    st.integers(0, 0xFFFF),
    st.integers(0, 0xFFFFFFFF),
)


@some(30)
@given(
    chunks=st.lists(CHUNK, min_size=1, max_size=10),
    tagged=st.booleans(),
    noise=st.lists(st.binary(min_size=1, max_size=60), max_size=5),
)
async def test_any_chunk_disturbs_nobody(street, chunks, tagged, noise):
    async with intruder(street, DATA, M("audio", "1", ssrc=7000)) as (peer, light):
        await light.open_data_channels()
        await light.until(lambda: light.sctp.state == "connected")
        tag = light.sctp._remote_verification_tag if tagged else 0
        for chunk in chunks:
            await light.dtls._send_data(serialize_packet(5000, 5000, tag, chunk))
        for data in noise:
            await light.dtls._send_data(data)
        await street.undisturbed()
        assert (await peer.get()).status_code == 200


@some(30)
@given(
    said=st.lists(st.tuples(st.integers(0, 6), st.binary(max_size=300) | st.text(max_size=50)), max_size=10)
)
async def test_any_message_on_any_channel_disturbs_nobody(street, said):
    async with intruder(street, DATA, M("audio", "1", ssrc=7000)) as (peer, light):
        await light.open_data_channels()
        await light.until(lambda: light.sctp.state == "connected")
        channels = {}
        for number, message in said:
            if number not in channels:
                parameters = RTCDataChannelParameters(label="junk", negotiated=True, id=number)
                channels[number] = RTCDataChannel(light.sctp, parameters)
            channels[number].send(message)
        await street.undisturbed()
        assert (await peer.get()).status_code == 200
