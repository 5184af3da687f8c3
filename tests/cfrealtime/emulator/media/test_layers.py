"""Which layer of a publication a subscriber gets, in each codec, as bytes."""

from __future__ import annotations

import pytest
from attrs import evolve

from cfrealtime.emulator.media.plan import Codec, Send
from tests.cfrealtime.emulator.media.test_forwarder import KEY, SIMULCAST, VIEW, Room

FRAMES = {
    # Codec key: the first packets of a key frame and of a predicted one, as encoders write them.
    "vp8/90000": (b"\x90\x80\x01\x10\x02\x00\x9d\x01\x2a", b"\x90\x80\x02\x11\x00\x00\x9d\x01\x2a"),
    "h264/90000;packetization-mode=1;profile-level-id=42e0": (
        b"\x78\x00\x04\x67\x42\xe0\x1f\x00\x04\x68\xce\x3c\x80",
        b"\x7c\x81\x9a\x00",
    ),
    "h265/90000;profile-id=1;tier-flag=0;tx-mode=srst": (
        b"\x60\x01\x00\x03\x40\x01\x0c\x00\x03\x42\x01\x01",
        b"\x62\x01\x81\x00",
    ),
    "vp9/90000;profile-id=0": (b"\x8a\x81\x01\x18\x00\x00", b"\xca\x81\x02\x00\x00\x00"),
    "av1/90000;profile=0": (b"\x18\x0a\x0b\x00\x00\x00", b"\x10\x32\x00\x00"),
}


def room_of(*rids: str, codec: Codec | None = None) -> Room:
    """Alice sends the layers q, h and f; Bob may have these of them."""
    room = Room()
    codecs = SIMULCAST.codecs if codec is None else (codec,)
    room.join("alice", [evolve(SIMULCAST, codecs=codecs)])
    room.join("bob", sends=[wanting(*rids, codec=codec)])
    return room


def wanting(*rids: str, codec: Codec | None = None) -> Send:
    return evolve(VIEW, rids=rids) if codec is None else evolve(VIEW, rids=rids, codecs=(codec,))


def seen(room: Room) -> list[bytes]:
    return [packet.payload for packet in room.packets("bob")]


@pytest.mark.parametrize("key", FRAMES, ids=lambda key: key.partition("/")[0])
def test_another_layer_begins_with_its_key_frame_whatever_the_codec(key):
    codec = Codec(96, key, 90_000)
    first, predicted = FRAMES[key]
    room = room_of("q", codec=codec)
    room.layer("q", 1, predicted + b"early")
    room.layer("q", 2, first + b"q")
    room.layer("f", 1, first + b"f")
    room.forwarder.apply("bob", (), [wanting("f", codec=codec)], room.now)
    room.layer("f", 2, predicted + b"f")
    room.layer("q", 3, predicted + b"q")
    room.layer("f", 3, first + b"F")
    room.layer("q", 4, predicted + b"late")
    room.layer("f", 4, predicted + b"F")
    assert seen(room) == [first + b"q", predicted + b"q", first + b"F", predicted + b"F"]
    assert [packet.sequence for packet in room.packets("bob")] == [1, 2, 3, 4]


def test_without_a_fallback_nothing_is_sent_while_the_wanted_layer_does_not_arrive():
    room = room_of("f")
    for sequence in range(1, 30):
        room.layer("q", sequence, KEY)
        room.pass_time(0.1)
    assert seen(room) == []
    room.layer("f", 1, KEY + b"f")
    assert seen(room) == [KEY + b"f"]


def test_without_a_fallback_a_layer_that_falls_silent_is_not_replaced():
    room = room_of("f")
    room.layer("f", 1, KEY + b"f")
    for sequence in range(1, 40):
        room.pass_time(0.1)
        room.layer("q", sequence, KEY)
    assert seen(room) == [KEY + b"f"]


def test_the_layer_in_use_goes_on_until_the_wanted_one_begins():
    room = room_of("q")
    room.layer("q", 1, KEY)
    room.forwarder.apply("bob", (), [wanting("f")], room.now)
    room.layer("q", 2, KEY + b"again")
    assert seen(room) == [KEY, KEY + b"again"]


def test_with_a_fallback_the_first_layer_by_name_that_lives_takes_over():
    room = room_of("h", "f", "q")
    for sequence in range(1, 40):
        room.layer("q", sequence, KEY + b"q")
        if sequence > 10:
            room.layer("f", sequence, KEY + b"f")
        room.pass_time(0.1)
    assert seen(room)[9:12] == [KEY + b"q", KEY + b"q", KEY + b"f"]
    assert set(seen(room)[11:]) == {KEY + b"f"}
    room.layer("h", 1, KEY + b"h")
    assert seen(room)[-1] == KEY + b"h"


def test_without_any_preference_a_layer_that_arrives_is_sent():
    room = room_of()
    room.layer("h", 1, KEY)
    assert seen(room) == [KEY]


def test_the_codec_that_arrives_is_known():
    room = room_of()
    assert room.forwarder.codec("alice", "1") is None
    room.layer("h", 1, KEY)
    assert room.forwarder.codec("alice", "1") == "vp8/90000"
    assert room.forwarder.codec("nobody", "1") is None
