"""The messages between adapters and WebSockets."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cfrealtime.emulator.adapters.messages import Message, decode, encode

U32 = st.integers(0, 2**32 - 1)


def test_a_message_is_written_as_protocol_buffers_write_it():
    assert encode(Message(b"ab", sequence=300, timestamp=1)) == bytes.fromhex("08ac02 1001 2a026162")
    assert encode(Message(b"")) == b""


@given(st.builds(Message, st.binary(max_size=300), U32, U32))
def test_what_is_written_is_read_again(message):
    assert decode(encode(message)) == message


def test_fields_come_in_any_order_and_unknown_ones_are_skipped():
    raw = bytes.fromhex("2a0161 1807 22020102 3dffffffff 39ffffffffffffffff 1009 0808")
    assert decode(raw) == Message(b"a", sequence=8, timestamp=9)


def test_the_last_of_several_payloads_counts():
    assert decode(bytes.fromhex("2a0161 2a0162")) == Message(b"b")


@pytest.mark.parametrize(
    "raw",
    [
        "08",  # a number that does not come
        "08ffffffffffffffffffff01",  # one that does not end
        "2a0561",  # fewer bytes than announced
        "2aff",
        "3d0000",  # half a fixed number
        "0000",  # a field without a number
        "0b",  # a group
        "0e",  # of no known kind
    ],
)
def test_what_is_cut_off_or_of_an_unknown_kind_is_no_message(raw):
    assert decode(bytes.fromhex(raw)) is None


@given(st.binary(max_size=64))
def test_any_bytes_are_a_message_or_none(data):
    assert decode(data) is None or isinstance(decode(data), Message)
