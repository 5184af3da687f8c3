"""The session descriptions of a synthetic client: what an RTCPeerConnection would write and keep.

Pure. A connection is a tuple of `Section` values in the order of their m-lines. Three rules hold it together:
a section never moves to another index; a mid changes only where a stopped section is recycled; payload types
and extension numbers, once named on a connection by either side, keep their meaning there.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import pairwise
from typing import Literal

from attrs import Factory, evolve, field, frozen

from cfrealtime_rooms.core.commands import TrackKind

SectionKind = Literal["audio", "video", "application"]
Direction = Literal["sendonly", "recvonly", "sendrecv", "inactive"]

MID = "urn:ietf:params:rtp-hdrext:sdes:mid"
AUDIO_LEVEL = "urn:ietf:params:rtp-hdrext:ssrc-audio-level"

_KNOWN_CODECS = {"opus", "vp8", "h264", "vp9", "av1", "rtx"}
_DIRECTIONS: Mapping[str, Direction] = {
    "sendonly": "sendonly",
    "recvonly": "recvonly",
    "sendrecv": "sendrecv",
    "inactive": "inactive",
}
_KINDS: Mapping[str, SectionKind] = {"audio": "audio", "video": "video", "application": "application"}


@frozen
class Codec:
    """One payload type of a section."""

    payload_type: int
    name: str
    """As in a=rtpmap: `VP8/90000`."""
    parameters: str | None = None
    feedback: tuple[str, ...] = ()

    @property
    def base(self) -> int | None:
        """The payload type that this one retransmits; None where it is no RTX."""
        if not self.name.lower().startswith("rtx/") or not self.parameters:
            return None
        values = dict(pair.strip().split("=", 1) for pair in self.parameters.split(";") if "=" in pair)
        return int(values["apt"]) if "apt" in values else None


@frozen
class Section:
    """One m-line of a connection, seen from the side that wrote it."""

    kind: SectionKind
    mid: str
    direction: Direction = "inactive"
    stopped: bool = False
    """Port 0: rejected, or free to be recycled."""
    codecs: tuple[Codec, ...] = ()
    extensions: Mapping[str, int] = Factory(dict[str, int])
    ssrcs: tuple[int, ...] = ()
    """Of media. Retransmissions are in `rtx_ssrcs` only."""
    rtx_ssrcs: Mapping[int, int] = Factory(dict[int, int])
    source: str | None = None
    """What the client publishes here; None on sections the other side made."""


@frozen
class Candidate:
    """Where a side can be reached over UDP."""

    host: str
    port: int


@frozen
class Transport:
    """How a side is reached and recognised."""

    ufrag: str
    pwd: str = field(repr=False)
    fingerprints: tuple[tuple[str, str], ...]
    """Pairs of (hash function, value)."""
    candidates: tuple[Candidate, ...] = ()


@frozen
class Description:
    """A whole session description."""

    sections: tuple[Section, ...]
    transport: Transport | None
    """None where no section is alive."""


_OWN_EXTENSIONS: Mapping[TrackKind, Mapping[str, int]] = {
    "audio": {AUDIO_LEVEL: 1, MID: 4},
    "video": {MID: 4},
}
_OWN_CODECS: Mapping[TrackKind, tuple[Codec, ...]] = {
    "audio": (Codec(111, "opus/48000/2", "minptime=10;useinbandfec=1"),),
    "video": (
        Codec(96, "VP8/90000", None, ("goog-remb", "ccm fir", "nack", "nack pli")),
        Codec(97, "rtx/90000", "apt=96"),
    ),
}


# Reading.


def parse(text: str) -> Description:
    """Read a description. Raises ValueError where it is none."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if not lines or lines[0] != "v=0":
        raise ValueError("not a session description: it does not start with v=0")
    starts = [index for index, line in enumerate(lines) if line.startswith("m=")]
    head, *blocks = (lines[start:end] for start, end in pairwise([0, *starts, len(lines)]))
    try:
        sections = tuple(_section(block) for block in blocks)
    except IndexError as error:
        raise ValueError("a line of the session description lacks its value") from error
    transport = None
    for block, section in zip(blocks, sections, strict=True):
        if not section.stopped and (transport := _transport([*block, *head])) is not None:
            break
    return Description(sections, transport)


def _values(lines: Iterable[str], name: str) -> Iterator[str]:
    prefix = f"a={name}:"
    return (line[len(prefix) :] for line in lines if line.startswith(prefix))


def _section(lines: list[str]) -> Section:
    media = lines[0][2:].split()
    if len(media) < 4 or media[0] not in _KINDS:
        raise ValueError("a media section of a kind unknown to this client")
    kind = _KINDS[media[0]]
    rtx = {
        int(pair[0]): int(pair[1])
        for value in _values(lines, "ssrc-group")
        if len(pair := value.split()[1:]) == 2 and value.startswith("FID ")
    }
    ssrcs = dict.fromkeys(int(value.split()[0]) for value in _values(lines, "ssrc"))
    return Section(
        kind=kind,
        mid=next(_values(lines, "mid"), ""),
        direction=_direction(lines),
        stopped=media[1] == "0",
        codecs=_codecs(lines, media[3:]) if kind != "application" else (),
        extensions=_extensions(lines),
        ssrcs=tuple(ssrc for ssrc in ssrcs if ssrc not in rtx.values()),
        rtx_ssrcs=rtx,
    )


def _direction(lines: list[str]) -> Direction:
    for line in lines:
        if (direction := _DIRECTIONS.get(line[2:])) is not None:
            return direction
    return "sendrecv"


def _extensions(lines: list[str]) -> dict[str, int]:
    pairs = (value.split() for value in _values(lines, "extmap"))
    return {uri: int(number.partition("/")[0]) for number, uri, *_ in pairs}


def _codecs(lines: list[str], payload_types: list[str]) -> tuple[Codec, ...]:
    names = dict(value.split(" ", 1) for value in _values(lines, "rtpmap"))
    parameters = dict(value.split(" ", 1) for value in _values(lines, "fmtp") if " " in value)
    feedback: dict[str, list[str]] = {}
    for value in _values(lines, "rtcp-fb"):
        payload_type, _, what = value.partition(" ")
        feedback.setdefault(payload_type, []).append(what)
    return tuple(
        Codec(int(number), names[number], parameters.get(number), tuple(feedback.get(number, ())))
        for number in payload_types
        if number in names
    )


def _transport(lines: list[str]) -> Transport | None:
    ufrag, pwd = next(_values(lines, "ice-ufrag"), None), next(_values(lines, "ice-pwd"), None)
    fingerprints = tuple(
        (parts[0].lower(), parts[1])
        for value in _values(lines, "fingerprint")
        if len(parts := value.split()) == 2
    )
    if not ufrag or not pwd or not fingerprints:
        return None
    candidates = tuple(
        Candidate(parts[4], int(parts[5]))
        for value in _values(lines, "candidate")
        if len(parts := value.split()) >= 8 and parts[1] == "1" and parts[2].lower() == "udp"
    )
    return Transport(ufrag, pwd, fingerprints, tuple(dict.fromkeys(candidates)))


# Changing a connection.


def add(
    sections: tuple[Section, ...], mid: str, source: str, kind: TrackKind, ssrcs: tuple[int, int]
) -> tuple[Section, ...]:
    """A connection with one more section to send on: in place of a stopped one, or at the end.

    `ssrcs` are those of the media and of its retransmissions.
    """
    media, rtx = ssrcs
    extensions, codecs = _numbered(sections, kind)
    section = Section(
        kind=kind,
        mid=mid,
        direction="sendonly",
        codecs=codecs,
        extensions=extensions,
        ssrcs=(media,),
        rtx_ssrcs={media: rtx} if kind == "video" else {},
        source=source,
    )
    free = next((index for index, old in enumerate(sections) if old.stopped), len(sections))
    return (*sections[:free], section, *sections[free + 1 :])


def add_data(sections: tuple[Section, ...], mid: str) -> tuple[Section, ...]:
    """A connection with a section for data channels."""
    return (*sections, Section(kind="application", mid=mid, direction="sendrecv"))


def stop(sections: tuple[Section, ...], mids: Iterable[str]) -> tuple[Section, ...]:
    """A connection in whose next offer these sections have port 0."""
    ended = set(mids)
    return tuple(
        evolve(section, stopped=True, direction="inactive") if section.mid in ended else section
        for section in sections
    )


def answered(sections: tuple[Section, ...], answer: Description) -> tuple[Section, ...]:
    """The connection after the other side's answer. Raises ValueError where it answers something else."""
    if [section.mid for section in answer.sections] != [section.mid for section in sections]:
        raise ValueError("the answer does not have the sections of the offer")
    return tuple(
        evolve(mine, stopped=True, direction="inactive") if theirs.stopped else mine
        for mine, theirs in zip(sections, answer.sections, strict=True)
    )


def accept(sections: tuple[Section, ...], offer: Description) -> tuple[Section, ...]:
    """The connection after the other side's offer: what our answer says.

    Raises ValueError where the offer drops a section or gives a living one another mid.
    """
    if len(offer.sections) < len(sections):
        raise ValueError("the offer lacks sections that were negotiated before")
    result = list[Section]()
    for index, theirs in enumerate(offer.sections):
        mine = sections[index] if index < len(sections) else None
        if mine is not None and not mine.stopped and mine.mid != theirs.mid:
            raise ValueError(f"the offer gives the living section {index} another mid")
        same = mine is not None and mine.mid == theirs.mid
        if same and mine is not None and (mine.source is not None or mine.kind == "application"):
            result.append(evolve(mine, stopped=True, direction="inactive") if theirs.stopped else mine)
        else:
            result.append(_receiving(theirs))
    return tuple(result)


def _receiving(theirs: Section) -> Section:
    if theirs.kind == "application":
        return theirs
    sends = theirs.direction in ("sendonly", "sendrecv") and not theirs.stopped
    codecs = tuple(
        # Our feedback is RR, PLI and NACK only: promising more would mislead the sender's estimate.
        evolve(codec, feedback=tuple(what for what in codec.feedback if what != "transport-cc"))
        for codec in theirs.codecs
        if codec.name.partition("/")[0].lower() in _KNOWN_CODECS
    )
    extensions = {uri: number for uri, number in theirs.extensions.items() if "transport-wide" not in uri}
    return evolve(theirs, codecs=codecs, extensions=extensions, direction="recvonly" if sends else "inactive")


def _numbered(sections: tuple[Section, ...], kind: TrackKind) -> tuple[dict[str, int], tuple[Codec, ...]]:
    """Extensions and codecs of an own section: numbers in use on this connection win over our own."""
    known = {uri: number for section in sections for uri, number in section.extensions.items()}
    extensions = dict[str, int]()
    for uri, wished in _OWN_EXTENSIONS[kind].items():
        taken = {*known.values(), *extensions.values()}
        free = (number for number in (wished, *range(1, 15)) if number not in taken)
        extensions[uri] = known[uri] if uri in known else next(free)
    used = {codec.payload_type: codec.name for section in sections for codec in section.codecs}
    by_name = {name.lower(): number for number, name in reversed(used.items()) if "rtx" not in name}
    renumbered = dict[int, int]()
    codecs = list[Codec]()
    for codec in _OWN_CODECS[kind]:
        base = codec.base
        if base is None:
            number = by_name.get(codec.name.lower())
            parameters = codec.parameters
        else:
            number = _rtx_of(sections, renumbered[base])
            parameters = f"apt={renumbered[base]}"
        if number is None:
            taken_types = {*used, *renumbered.values()}
            number = next(n for n in (codec.payload_type, *range(96, 128)) if n not in taken_types)
        renumbered[codec.payload_type] = number
        codecs.append(evolve(codec, payload_type=number, parameters=parameters))
    return extensions, tuple(codecs)


def _rtx_of(sections: tuple[Section, ...], base: int) -> int | None:
    return next(
        (codec.payload_type for section in sections for codec in section.codecs if codec.base == base), None
    )


# Writing.


def render(
    sections: tuple[Section, ...], transport: Transport, *, kind: Literal["offer", "answer"], version: int
) -> str:
    """The description as text."""
    alive = " ".join(section.mid for section in sections if not section.stopped)
    lines = [
        "v=0",
        f"o=- {int.from_bytes(transport.ufrag.encode()[:6], 'big')} {version} IN IP4 127.0.0.1",
        "s=-",
        "t=0 0",
        *([f"a=group:BUNDLE {alive}"] if alive else []),
        "a=extmap-allow-mixed",
        "a=msid-semantic: WMS",
    ]
    for section in sections:
        lines += _section_lines(section, transport, "actpass" if kind == "offer" else "active")
    return "\r\n".join(lines) + "\r\n"


def _section_lines(section: Section, transport: Transport, setup: str) -> Iterator[str]:
    port = 0 if section.stopped else 9
    if section.kind == "application":
        yield f"m=application {port} UDP/DTLS/SCTP webrtc-datachannel"
    else:
        numbers = " ".join(str(codec.payload_type) for codec in section.codecs) or "0"
        yield f"m={section.kind} {port} UDP/TLS/RTP/SAVPF {numbers}"
    yield "c=IN IP4 0.0.0.0"
    yield f"a=mid:{section.mid}"
    if not section.stopped:
        yield from _transport_lines(transport, setup)
    if section.kind == "application":
        yield "a=sctp-port:5000"
        yield "a=max-message-size:262144"
        return
    yield f"a={section.direction}"
    if section.stopped:
        return
    yield "a=rtcp-mux"
    yield "a=rtcp-rsize"
    for uri, number in section.extensions.items():
        yield f"a=extmap:{number} {uri}"
    for codec in section.codecs:
        yield f"a=rtpmap:{codec.payload_type} {codec.name}"
        yield from (f"a=rtcp-fb:{codec.payload_type} {what}" for what in codec.feedback)
        if codec.parameters:
            yield f"a=fmtp:{codec.payload_type} {codec.parameters}"
    if section.source is not None:
        yield from _ssrc_lines(section, transport.ufrag)


def _transport_lines(transport: Transport, setup: str) -> Iterator[str]:
    yield f"a=ice-ufrag:{transport.ufrag}"
    yield f"a=ice-pwd:{transport.pwd}"
    for name, value in transport.fingerprints:
        yield f"a=fingerprint:{name} {value}"
    yield f"a=setup:{setup}"
    for index, candidate in enumerate(transport.candidates):
        priority = 2130706431 - index * 256
        yield f"a=candidate:{index + 1} 1 udp {priority} {candidate.host} {candidate.port} typ host"
    yield "a=end-of-candidates"


def _ssrc_lines(section: Section, cname: str) -> Iterator[str]:
    yield f"a=msid:{cname} {section.source}-{section.mid}"
    for media, rtx in section.rtx_ssrcs.items():
        yield f"a=ssrc-group:FID {media} {rtx}"
    for ssrc in (*section.ssrcs, *section.rtx_ssrcs.values()):
        yield f"a=ssrc:{ssrc} cname:{cname}"
