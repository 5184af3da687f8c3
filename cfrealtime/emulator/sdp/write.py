"""Writes session descriptions of our side."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal

from attrs import frozen

from cfrealtime.emulator.media.plan import MAX_MESSAGE_SIZE, LocalTransport

from .codecs import NumberedCodec
from .section import Section

CNAME = "cfrealtime"
# Without it a browser starts at 300 kbit/s and keeps the upper simulcast layers back for long.
_START_BITRATE = "x-google-start-bitrate=2500"


@frozen
class Head:
    """What a description says once."""

    session: int
    version: int
    local: LocalTransport
    setup: Literal["passive", "actpass"]
    bundled: bool
    mixed_extensions: bool


def write(head: Head, sections: Sequence[Section]) -> str:
    """The description of these sections."""
    lines = [
        "v=0",
        f"o=- {head.session} {head.version} IN IP4 {head.local.address.host}",
        "s=-",
        "t=0 0",
        "a=ice-lite",
        "a=msid-semantic: WMS *",
    ]
    live = [section.mid for section in sections if not section.stopped]
    if head.bundled and live:
        lines.append("a=group:BUNDLE " + " ".join(live))
    if head.mixed_extensions:
        lines.append("a=extmap-allow-mixed")
    for section in sections:
        lines.extend(_stopped(section) if section.stopped else _live(section, head))
    return "\r\n".join(lines) + "\r\n"


def _protocol(section: Section) -> str:
    return "UDP/DTLS/SCTP" if section.kind == "application" else "UDP/TLS/RTP/SAVPF"


def _stopped(section: Section) -> Iterator[str]:
    form = section.remote.format if section.remote else "0"
    yield f"m={section.kind} 0 {_protocol(section)} {form}"
    yield "c=IN IP4 0.0.0.0"
    if section.mid:
        yield f"a=mid:{section.mid}"
    yield "a=inactive"


def _live(section: Section, head: Head) -> Iterator[str]:
    address = head.local.address
    formats = ["webrtc-datachannel"] if section.kind == "application" else list(_formats(section.codecs))
    yield f"m={section.kind} {address.port} {_protocol(section)} {' '.join(formats)}"
    yield f"c=IN IP4 {address.host}"
    yield f"a=mid:{section.mid}"
    yield f"a=ice-ufrag:{head.local.ufrag}"
    yield f"a=ice-pwd:{head.local.pwd}"
    yield f"a=fingerprint:sha-256 {head.local.fingerprint}"
    yield f"a=setup:{head.setup}"
    yield f"a=candidate:1 1 udp 2130706431 {address.host} {address.port} typ host"
    yield "a=end-of-candidates"
    if section.kind == "application":
        yield "a=sctp-port:5000"
        yield f"a=max-message-size:{MAX_MESSAGE_SIZE}"
    else:
        yield f"a={section.direction}"
        yield "a=rtcp-mux"
        yield "a=rtcp-rsize"
        yield from _media(section)


def _formats(codecs: Sequence[NumberedCodec]) -> Iterator[str]:
    for codec in codecs:
        yield str(codec.payload_type)
        if codec.rtx_payload_type is not None:
            yield str(codec.rtx_payload_type)


def _media(section: Section) -> Iterator[str]:
    for uri, number in section.extensions.items():
        yield f"a=extmap:{number} {uri}"
    hint = section.kind == "video" and section.receiving
    for codec in section.codecs:
        yield from _codec(codec, hint=_START_BITRATE if hint else "")
    for rid in section.rids:
        yield f"a=rid:{rid} recv"
    if section.rids:
        yield f"a=simulcast:recv {';'.join(section.rids)}"
    if section.send is not None and section.direction in ("sendonly", "sendrecv"):
        send = section.send
        yield f"a=msid:{send.stream} {send.track}"
        yield f"a=ssrc:{send.ssrc} cname:{CNAME}"
        if send.rtx_ssrc is not None:
            yield f"a=ssrc:{send.rtx_ssrc} cname:{CNAME}"
            yield f"a=ssrc-group:FID {send.ssrc} {send.rtx_ssrc}"


def _codec(codec: NumberedCodec, hint: str) -> Iterator[str]:
    spec, number, rtx = codec.spec, codec.payload_type, codec.rtx_payload_type
    channels = f"/{spec.channels}" if spec.channels > 1 else ""
    yield f"a=rtpmap:{number} {spec.name}/{spec.clock_rate}{channels}"
    for feedback in codec.feedback:
        yield f"a=rtcp-fb:{number} {feedback}"
    # An endpoint may repeat the hint of our offer in its answer.
    hint = "" if hint in spec.parameters else hint
    parameters = ";".join(part for part in (spec.parameters, hint) if part)
    if parameters:
        yield f"a=fmtp:{number} {parameters}"
    if rtx is not None:
        yield f"a=rtpmap:{rtx} rtx/{spec.clock_rate}"
        yield f"a=fmtp:{rtx} apt={number}"
