"""Reads the text of a session description into values; knows its grammar, not what may follow what."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Literal

from attrs import Factory, evolve, frozen

from cfrealtime.emulator.media.plan import DataTransport, Kind, RemoteTransport

from .codecs import NumberedCodec, RtpMap, read_codecs

SectionKind = Literal["audio", "video", "application"]
Direction = Literal["sendrecv", "sendonly", "recvonly", "inactive"]
Setup = Literal["active", "passive", "actpass"]

MAX_TEXT = 1_000_000
MAX_SECTIONS = 512
MAX_RIDS = 8
_KINDS: Mapping[str, SectionKind] = {"audio": "audio", "video": "video", "application": "application"}
_DIRECTIONS: tuple[Direction, ...] = ("sendrecv", "sendonly", "recvonly", "inactive")
_SETUPS: Mapping[str, Setup] = {"active": "active", "passive": "passive", "actpass": "actpass"}
_HASHES = ("sha-256", "sha-384", "sha-512")
_LINE = re.compile(r"[a-z]=[^\x00-\x08\x0a-\x1f]*")
_TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`{|}~-]{1,16}")


class SdpError(ValueError):
    """A description that cannot be used; the message never quotes it."""


@frozen
class ParsedSection:
    """One media section, with what the session level says about it filled in."""

    mid: str
    kind: SectionKind
    stopped: bool
    direction: Direction
    format: str
    """The first format of the m= line, for the answer that rejects the section."""
    codecs: tuple[NumberedCodec, ...] = ()
    payload_types: frozenset[int] = frozenset()
    """Every number the section uses, those of codecs we do not forward included."""
    extensions: Mapping[str, int] = Factory(dict[str, int])
    ssrcs: tuple[int, ...] = ()
    rtx_ssrcs: Mapping[int, int] = Factory(dict[int, int])
    rids: tuple[str, ...] = ()
    msid_track: str | None = None
    transport: RemoteTransport | None = None
    data: DataTransport | None = None
    """Of a live section for data channels."""

    @property
    def sends(self) -> bool:
        """Whether its author sends media on it."""
        return self._carries_media and self.direction in ("sendrecv", "sendonly")

    @property
    def receives(self) -> bool:
        """Whether its author takes media on it."""
        return self._carries_media and self.direction in ("sendrecv", "recvonly")

    @property
    def _carries_media(self) -> bool:
        return not self.stopped and self.kind != "application"


@frozen
class Description:
    """A whole session description."""

    sections: tuple[ParsedSection, ...]
    bundle: tuple[str, ...] | None
    """The mids that share one transport; None without such a line."""
    mixed_extensions: bool

    @property
    def transport(self) -> RemoteTransport | None:
        """The one transport, as its first live section states it."""
        return next((s.transport for s in self.sections if not s.stopped), None)


class _Attributes:
    """The a= lines of one block, by name."""

    def __init__(self, lines: Sequence[str]) -> None:
        self._values: dict[str, list[str]] = {}
        for line in lines:
            if line.startswith("a="):
                name, _, value = line[2:].partition(":")
                self._values.setdefault(name, []).append(value.strip())

    def all(self, name: str) -> list[str]:
        return self._values.get(name, [])

    def first(self, name: str) -> str | None:
        return next(iter(self._values.get(name, [])), None)

    def __contains__(self, name: str) -> bool:
        return name in self._values


def parse(sdp: str) -> Description:
    """Read a description; SdpError when it is none, or one that a WebRTC endpoint would not make."""
    blocks = _blocks(sdp)
    session = _Attributes(blocks[0])
    sections = tuple(_section(block, session) for block in blocks[1:])
    mids = [section.mid for section in sections if section.mid]
    if len(mids) != len(set(mids)):
        raise SdpError("two media sections have the same mid")
    bundle = next(
        (tuple(group.split()[1:]) for group in session.all("group") if group.split()[:1] == ["BUNDLE"]), None
    )
    live = [section.mid for section in sections if not section.stopped]
    if len(live) > 1 and not set(live) <= set(bundle or ()):
        raise SdpError("all media sections must share one BUNDLE group")
    shared = next((section.transport for section in sections if section.transport), None)
    # Bundled sections may leave the transport to the first one.
    sections = tuple(s if s.stopped or s.transport else evolve(s, transport=shared) for s in sections)
    if live and shared is None:
        raise SdpError("the description lacks ICE credentials or a usable certificate fingerprint")
    return Description(sections, bundle, mixed_extensions="extmap-allow-mixed" in session)


def _blocks(sdp: str) -> list[list[str]]:
    """The lines, cut at every m= line; the first block is the session's."""
    if len(sdp) > MAX_TEXT:
        raise SdpError("the session description is too long")
    lines = re.split(r"\r\n|\n|\r", sdp.rstrip("\r\n"))
    if lines[0] != "v=0" or not all(_LINE.fullmatch(line) for line in lines):
        raise SdpError("this is not a session description")
    blocks: list[list[str]] = [[]]
    for line in lines:
        if line.startswith("m="):
            blocks.append([])
        blocks[-1].append(line)
    if len(blocks) == 1:
        raise SdpError("the session description has no media section")
    if len(blocks) - 1 > MAX_SECTIONS:
        raise SdpError("the session description has too many media sections")
    return blocks


def _section(lines: Sequence[str], session: _Attributes) -> ParsedSection:
    fields = lines[0][2:].split()
    if len(fields) < 4:
        raise SdpError("a media section lacks its transport or formats")
    name, port, protocol, *formats = fields
    kind = _KINDS.get(name)
    if kind is None:
        raise SdpError("a media section is neither audio, video nor application")
    wanted = "DTLS/SCTP" if kind == "application" else "RTP/SAVPF"
    if not protocol.endswith(wanted):
        raise SdpError("a media section does not use WebRTC's transport")
    attributes = _Attributes(lines[1:])
    stopped = _number(port.partition("/")[0], 0, 65535) == 0 and "bundle-only" not in attributes
    mid = attributes.first("mid") or ""
    if not _TOKEN.fullmatch(mid) and (mid or not stopped):
        raise SdpError("a media section has no usable mid")
    section = ParsedSection(
        mid=mid,
        kind=kind,
        stopped=stopped,
        direction=_direction(attributes, session),
        format=formats[0] if _TOKEN.fullmatch(formats[0]) or kind == "application" else "0",
        transport=None if stopped else _transport(attributes, session),
    )
    if stopped:
        return section
    if kind == "application":
        return evolve(section, data=_data_transport(attributes))
    return _with_media(section, kind, formats, attributes)


def _with_media(
    section: ParsedSection, kind: Kind, formats: Sequence[str], attributes: _Attributes
) -> ParsedSection:
    numbers = [_number(text, 0, 127) for text in formats]
    ssrcs, rtx_ssrcs = _ssrcs(attributes)
    return evolve(
        section,
        codecs=read_codecs(
            kind, numbers, _rtpmaps(attributes), dict(_numbered(attributes, "fmtp")), _feedback(attributes)
        ),
        payload_types=frozenset(numbers),
        extensions=_extensions(attributes),
        ssrcs=ssrcs,
        rtx_ssrcs=rtx_ssrcs,
        rids=_rids(attributes),
        msid_track=_msid_track(attributes),
    )


def _number(text: str, low: int, high: int) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 10 and low <= int(text) <= high):
        raise SdpError("a number in the session description is malformed or out of range")
    return int(text)


def _direction(attributes: _Attributes, session: _Attributes) -> Direction:
    for scope in (attributes, session):
        for name in _DIRECTIONS:
            if name in scope:
                return name
    return "sendrecv"


def _transport(attributes: _Attributes, session: _Attributes) -> RemoteTransport | None:
    """What the section and the session say about ICE and DTLS; None when it is left to the bundle."""
    ufrag = attributes.first("ice-ufrag") or session.first("ice-ufrag")
    pwd = attributes.first("ice-pwd") or session.first("ice-pwd")
    pairs = [
        (fields[0].lower(), fields[1])
        for line in attributes.all("fingerprint") or session.all("fingerprint")
        if len(fields := line.split()) == 2
    ]
    known = tuple(pair for pair in pairs if pair[0] in _HASHES)
    setup = _SETUPS.get(attributes.first("setup") or session.first("setup") or "actpass")
    if setup is None:
        raise SdpError("a media section has an unknown DTLS role")
    if not (ufrag and pwd and known):
        return None
    return RemoteTransport(ufrag, pwd, known, setup)


def _data_transport(attributes: _Attributes) -> DataTransport:
    default = DataTransport()
    return DataTransport(
        _number(attributes.first("sctp-port") or str(default.port), 1, 65535),
        _number(attributes.first("max-message-size") or str(default.max_message_size), 0, 2**32 - 1),
    )


def _numbered(attributes: _Attributes, name: str) -> list[tuple[int, str]]:
    """Lines of the form `<payload type> <text>`."""
    found: list[tuple[int, str]] = []
    for line in attributes.all(name):
        number, _, text = line.partition(" ")
        found.append((_number(number, 0, 127), text.strip()))
    return found


def _rtpmaps(attributes: _Attributes) -> dict[int, RtpMap]:
    maps: dict[int, RtpMap] = {}
    for number, text in _numbered(attributes, "rtpmap"):
        name, *rest = text.split("/")
        if not rest:
            raise SdpError("a payload type has no clock rate")
        channels = _number(rest[1], 1, 255) if len(rest) > 1 else 1
        maps[number] = RtpMap(name, _number(rest[0], 1, 10_000_000), channels)
    return maps


def _feedback(attributes: _Attributes) -> dict[int | None, set[str]]:
    """RTCP feedback by payload type; None holds what is said of all (`*`)."""
    found: dict[int | None, set[str]] = {}
    for line in attributes.all("rtcp-fb"):
        number, _, text = line.partition(" ")
        key = None if number == "*" else _number(number, 0, 127)
        found.setdefault(key, set()).add(text.strip())
    return found


def _extensions(attributes: _Attributes) -> dict[str, int]:
    found: dict[str, int] = {}
    for line in attributes.all("extmap"):
        fields = line.split()
        if len(fields) < 2:
            raise SdpError("a header extension has no name")
        found.setdefault(fields[1], _number(fields[0].partition("/")[0], 1, 255))
    return found


def _ssrcs(attributes: _Attributes) -> tuple[tuple[int, ...], dict[int, int]]:
    """Media SSRCs in order, and the SSRC of each one's retransmissions."""
    declared = dict.fromkeys(_number(line.partition(" ")[0], 0, 2**32 - 1) for line in attributes.all("ssrc"))
    rtx: dict[int, int] = {}
    for line in attributes.all("ssrc-group"):
        match line.split():
            case ["FID", main, repair]:
                rtx[_number(main, 0, 2**32 - 1)] = _number(repair, 0, 2**32 - 1)
            case _:
                pass
    repairs = set(rtx.values())
    return tuple(ssrc for ssrc in declared if ssrc not in repairs), rtx


def _rids(attributes: _Attributes) -> tuple[str, ...]:
    """The simulcast layers the author sends, in its order."""
    if not any("send" in line.split() for line in attributes.all("simulcast")):
        return ()
    lines = [line.split() for line in attributes.all("rid")]
    rids = tuple(fields[0] for fields in lines if len(fields) > 1 and fields[1] == "send")
    if len(rids) > MAX_RIDS or len(rids) != len(set(rids)) or not all(map(_TOKEN.fullmatch, rids)):
        raise SdpError("the simulcast layers of a media section are malformed")
    return rids


def _msid_track(attributes: _Attributes) -> str | None:
    fields = (attributes.first("msid") or "").split()
    return fields[1] if len(fields) > 1 else None
