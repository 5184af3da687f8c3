"""Which codecs the emulator forwards, and what makes two codecs the same one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence, Set

from attrs import frozen

from cfrealtime.emulator.media.plan import Kind

SUPPORTED: Mapping[Kind, frozenset[str]] = {
    "audio": frozenset({"opus", "pcmu", "pcma"}),
    "video": frozenset({"vp8", "h264", "h265", "vp9", "av1"}),
}
"""Contract, limits: the codecs of the service."""
FEEDBACK: Mapping[Kind, tuple[str, ...]] = {
    "audio": (),
    # No transport-cc: the media plane estimates nothing and answers with REMB instead.
    "video": ("goog-remb", "ccm fir", "nack", "nack pli"),
}
_DISTINGUISHING: Mapping[str, Mapping[str, str]] = {
    "h264": {"packetization-mode": "0", "profile-level-id": "420010"},
    "h265": {"profile-id": "1", "tier-flag": "0", "tx-mode": "srst"},
    "vp9": {"profile-id": "0"},
    "av1": {"profile": "0"},
}
"""Parameters, with their defaults, without which two payload types of one name are not interchangeable."""


@frozen
class CodecSpec:
    """A codec as such, without a number."""

    name: str
    clock_rate: int
    channels: int
    parameters: str
    """The text of `a=fmtp`, without the payload type; empty when there is none."""
    rtx: bool = False
    """Whether retransmissions (RFC 4588) go with it."""

    @property
    def key(self) -> str:
        """Equal for codecs a packet of which can be forwarded as it is."""
        name = self.name.lower()
        given = dict(format_parameters(self.parameters))
        parts = [name, str(self.clock_rate)] + ([str(self.channels)] if self.channels > 1 else [])
        key = "/".join(parts)
        for parameter, default in _DISTINGUISHING.get(name, {}).items():
            value = given.get(parameter, default).lower()
            if parameter == "profile-level-id":
                value = value[:4]  # the rest is the level, which the two sides choose on their own
            key += f";{parameter}={value}"
        return key


OFFERED: Mapping[Kind, tuple[CodecSpec, ...]] = {
    "audio": (
        CodecSpec("opus", 48_000, 2, "minptime=10;useinbandfec=1"),
        CodecSpec("PCMU", 8_000, 1, ""),
        CodecSpec("PCMA", 8_000, 1, ""),
    ),
    "video": (
        CodecSpec("VP8", 90_000, 1, "", rtx=True),
        CodecSpec(
            "H264",
            90_000,
            1,
            "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f",
            rtx=True,
        ),
        CodecSpec("VP9", 90_000, 1, "profile-id=0", rtx=True),
        CodecSpec("AV1", 90_000, 1, "level-idx=5;profile=0;tier=0", rtx=True),
        CodecSpec("H265", 90_000, 1, "level-id=93;profile-id=1;tier-flag=0;tx-mode=SRST", rtx=True),
    ),
}
"""What we offer to receive where no endpoint has named its codecs before us."""


@frozen
class NumberedCodec:
    """A codec with the payload types one session gives it."""

    spec: CodecSpec
    payload_type: int
    rtx_payload_type: int | None = None
    feedback: tuple[str, ...] = ()


@frozen
class RtpMap:
    """One `a=rtpmap` line."""

    name: str
    clock_rate: int
    channels: int


def format_parameters(text: str) -> Iterator[tuple[str, str]]:
    """The `name=value` pairs of an `a=fmtp` text, names in lower case."""
    for item in text.split(";"):
        name, _, value = item.partition("=")
        if name.strip():
            yield name.strip().lower(), value.strip()


def read_codecs(
    kind: Kind,
    formats: Sequence[int],
    maps: Mapping[int, RtpMap],
    parameters: Mapping[int, str],
    feedback: Mapping[int | None, Set[str]],
) -> tuple[NumberedCodec, ...]:
    """The codecs of one section that can be forwarded, in its order; each once, with its retransmissions."""
    numbers = tuple(dict.fromkeys(formats))  # one may be said many times
    rtx: dict[str, int] = {}
    for number in numbers:
        if number in maps and maps[number].name.lower() == "rtx":
            rtx.setdefault(dict(format_parameters(parameters.get(number, ""))).get("apt", ""), number)
    found: dict[str, NumberedCodec] = {}
    for number in numbers:
        mapped = maps.get(number)
        if mapped is None or mapped.name.lower() not in SUPPORTED[kind]:
            continue
        rtx_number = rtx.get(str(number))
        spec = CodecSpec(
            mapped.name,
            mapped.clock_rate,
            mapped.channels,
            parameters.get(number, ""),
            rtx=rtx_number is not None,
        )
        offered = [feedback.get(key, frozenset[str]()) for key in (number, None)]
        accepted = tuple(name for name in FEEDBACK[kind] if any(name in names for names in offered))
        found.setdefault(spec.key, NumberedCodec(spec, number, rtx_number, accepted))
    return tuple(found.values())
