"""Packets protected where they lie are what pylibsrtp itself would make of them."""

from __future__ import annotations

import inspect
import os
from concurrent.futures import ThreadPoolExecutor

import pylibsrtp
import pytest
from pylibsrtp import Policy, Session

from cfrealtime.emulator.media.rtcp import key_frame_request
from cfrealtime.emulator.media.rtp import write
from cfrealtime.emulator.media.srtp import MAX_DATAGRAM, MAX_TRAILER, Place, Protection, as_sent, put_plain

PROFILES = [
    Policy.SRTP_PROFILE_AES128_CM_SHA1_80,
    Policy.SRTP_PROFILE_AEAD_AES_128_GCM,
    Policy.SRTP_PROFILE_AEAD_AES_256_GCM,
]


def rtp(payload: bytes, sequence: int = 1) -> bytes:
    return write(
        marker=False,
        payload_type=96,
        sequence=sequence,
        timestamp=5,
        ssrc=7,
        extensions=b"",
        payload=payload,
    )


def pair(profile: int) -> tuple[Protection, Session]:
    """What protects, and what takes the protection off."""
    key = os.urandom(44)
    ours = Session(Policy(key=key, ssrc_type=Policy.SSRC_ANY_OUTBOUND, srtp_profile=profile))
    return Protection(ours), Session(Policy(key=key, ssrc_type=Policy.SSRC_ANY_INBOUND, srtp_profile=profile))


@pytest.mark.parametrize("profile", PROFILES)
def test_a_packet_comes_out_as_it_went_in(profile):
    protection, other = pair(profile)
    for sequence, size in enumerate((0, 1, 1000, 1400), 1):
        packet = rtp(os.urandom(size), sequence)
        protected = as_sent(packet, protection.put)
        assert protected != packet
        assert other.unprotect(protected) == packet
    report = key_frame_request(1, 7)
    assert other.unprotect_rtcp(as_sent(report, protection.put)) == report


@pytest.mark.parametrize("profile", PROFILES)
def test_the_longest_fits_and_a_longer_one_is_refused(profile):
    protection, other = pair(profile)
    added = len(as_sent(rtp(b""), protection.put)) - 12
    room = MAX_DATAGRAM - added - 12
    longest = rtp(b"v" * room, 2)
    protected = as_sent(longest, protection.put)
    assert (len(protected), other.unprotect(protected)) == (MAX_DATAGRAM, longest)
    for sequence, more in enumerate((1, added, added + 1), 3):
        assert as_sent(rtp(b"v" * (room + more), sequence), protection.put) == b""
    assert as_sent(b"v" * (MAX_DATAGRAM + 1), put_plain) == b""
    assert other.unprotect(as_sent(rtp(b"after it", 6), protection.put)) == rtp(b"after it", 6)


@pytest.mark.parametrize("nonsense", [b"", b"\x80", b"\x80\x60", b"\x80\xc8" + bytes(3)])
def test_what_is_no_packet_is_refused(nonsense):
    protection, other = pair(PROFILES[1])
    assert as_sent(nonsense, protection.put) == b""
    assert other.unprotect(as_sent(rtp(b"after it"), protection.put)) == rtp(b"after it")


def test_emulators_in_other_threads_do_not_disturb():
    def protect(size: int) -> bool:
        protection, other = pair(PROFILES[1])
        place = Place()
        packets = [rtp(bytes((size % 256,)) * size, sequence) for sequence in range(1, 5000)]
        lengths = [protection.put(packet, place) for packet in packets]
        return len(set(lengths)) == 1 and other.unprotect(place.memory[: lengths[-1]]) == packets[-1]

    with ThreadPoolExecutor(2) as threads:
        assert all(threads.map(protect, (10, 1000, 20, 900)))


def test_what_is_used_of_pylibsrtp_is_how_it_works_itself():
    source = inspect.getsource(Session)
    assert "lib.srtp_protect, " in source
    assert "lib.srtp_protect_rtcp, " in source
    assert "func(self._srtp[0], self._cdata, len_p)" in source
    assert pylibsrtp.SRTP_MAX_SRTCP_TRAILER_LEN == MAX_TRAILER
