"""Descriptions as a browser would write them, from a few words; and the reading of ours."""

from __future__ import annotations

from attrs import evolve, frozen

from cfrealtime.emulator.media.plan import Address, LocalTransport

LOCAL = LocalTransport(
    "serverufrag", "serverpassword1234567890", ":".join(["AB"] * 32), Address("127.0.0.1", 4000)
)
FINGERPRINT = ":".join(["CD"] * 32)
MID = "urn:ietf:params:rtp-hdrext:sdes:mid"
RID = "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id"
REPAIRED = "urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id"
FEEDBACK = ("goog-remb", "transport-cc", "ccm fir", "nack", "nack pli")


@frozen
class Numbers:
    """How one kind of client numbers codecs and extensions."""

    opus: int
    video: tuple[tuple[int, int, str, str], ...]
    """Payload type, that of its retransmissions, name, parameters."""
    mid: int


H264 = "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f"
CHROMIUM = Numbers(
    111,
    (
        (96, 97, "VP8", ""),
        (106, 107, "H264", H264),
        (98, 99, "VP9", "profile-id=0"),
        (45, 46, "AV1", "level-idx=5;profile=0;tier=0"),
    ),
    mid=4,
)
AIORTC = Numbers(96, ((97, 98, "VP8", ""), (101, 102, "H264", H264)), mid=1)


@frozen
class M:
    """One media section of an endpoint's description."""

    kind: str
    mid: str
    direction: str = "sendonly"
    rids: tuple[str, ...] = ()
    stopped: bool = False
    ssrc: int | None = None
    codecs: frozenset[str] | None = None
    """Names to keep; None for all."""


def describe(
    *sections: M,
    numbers: Numbers = CHROMIUM,
    setup: str = "actpass",
    ufrag: str = "clientufrag",
    fingerprint: str | None = FINGERPRINT,
    bundle: bool = True,
) -> str:
    """An offer (or, with setup="active", an answer) of an endpoint."""
    lines = ["v=0", "o=- 1 2 IN IP4 127.0.0.1", "s=-", "t=0 0"]
    if bundle:
        lines.append("a=group:BUNDLE " + " ".join(m.mid for m in sections if not m.stopped))
    for section in sections:
        lines += _section(section, numbers)
        if not section.stopped:
            lines += [f"a=ice-ufrag:{ufrag}", "a=ice-pwd:clientpassword1234567890", f"a=setup:{setup}"]
            lines += [f"a=fingerprint:sha-256 {fingerprint}"] if fingerprint else []
    return "\r\n".join(lines) + "\r\n"


def answer(offer: str, ufrag: str = "clientufrag", fingerprint: str = FINGERPRINT, **changes: M) -> str:
    """The answer of an obliging browser to an offer of ours, with the offer's own numbers."""
    sections = []
    for block in blocks(offer):
        kind, mid = block[0][2:].split()[0], value(block, "mid")
        base = M(kind, mid, answering(block), stopped=block[0].split()[1] == "0")
        sections.append((changes.get(mid, base), block))
    text = describe(
        *(section for section, _ in sections), setup="active", ufrag=ufrag, fingerprint=fingerprint
    )
    # The body of each media section is the offer's: the same payload types and extensions.
    parts = text.split("m=")
    for index, (section, block) in enumerate(sections, 1):
        if section.kind != "application" and not section.stopped:
            kept = [
                line for line in block if line.startswith(("a=rtpmap", "a=fmtp", "a=extmap", "a=rtcp-fb"))
            ]
            _head, *rest = parts[index].split("\r\n")
            own = [
                line for line in rest if not line.startswith(("a=rtpmap", "a=fmtp", "a=extmap", "a=rtcp-fb"))
            ]
            parts[index] = "\r\n".join([block[0][2:], *kept, *own])
    return "m=".join(parts)


def answering(block: list[str]) -> str:
    """The direction in which an obliging browser answers a media section."""
    offered = next((d for d in ("sendrecv", "sendonly", "recvonly", "inactive") if f"a={d}" in block), "")
    return {"sendonly": "recvonly", "recvonly": "sendonly"}.get(offered, offered)


def blocks(sdp: str) -> list[list[str]]:
    """The media sections of a description, each as its lines."""
    return [("m=" + part).strip("\r\n").split("\r\n") for part in sdp.split("\r\nm=")[1:]]


def value(lines: list[str], name: str) -> str:
    """The value of the first a= line of that name."""
    return next(line.split(":", 1)[1] for line in lines if line.startswith(f"a={name}:"))


def payload_types(lines: list[str]) -> dict[str, int]:
    """Codec name to payload type."""
    maps = [line[len("a=rtpmap:") :].split(" ") for line in lines if line.startswith("a=rtpmap:")]
    return {text.split("/")[0]: int(number) for number, text in maps}


def _section(section: M, numbers: Numbers) -> list[str]:
    port = 0 if section.stopped else 9
    common = [f"a=mid:{section.mid}", "c=IN IP4 0.0.0.0"]
    if section.kind == "application":
        return [f"m=application {port} UDP/DTLS/SCTP webrtc-datachannel", *common, "a=sctp-port:5000"]
    lines, formats = list[str](), list[int]()
    if section.kind == "audio":
        formats = [numbers.opus, 0]
        lines = [f"a=rtpmap:{numbers.opus} opus/48000/2", "a=rtpmap:0 PCMU/8000"]
        lines.append(f"a=fmtp:{numbers.opus} minptime=10;useinbandfec=1")
    else:
        for number, rtx, name, parameters in numbers.video:
            if section.codecs is None or name in section.codecs:
                formats += [number, rtx]
                lines += [
                    f"a=rtpmap:{number} {name}/90000",
                    f"a=rtpmap:{rtx} rtx/90000",
                    f"a=fmtp:{rtx} apt={number}",
                ]
                lines += [f"a=rtcp-fb:{number} {feedback}" for feedback in FEEDBACK]
                lines += [f"a=fmtp:{number} {parameters}"] if parameters else []
        lines += [f"a=extmap:10 {RID}", f"a=extmap:11 {REPAIRED}"]
    lines.append(f"a=extmap:{numbers.mid} {MID}")
    lines += [f"a=rid:{rid} send" for rid in section.rids]
    lines += [f"a=simulcast:send {';'.join(section.rids)}"] if section.rids else []
    lines += [f"a=msid:stream track-{section.mid}"] if "send" in section.direction else []
    if section.ssrc is not None:
        rtx = section.ssrc + 1
        lines += [
            f"a=ssrc-group:FID {section.ssrc} {rtx}",
            f"a=ssrc:{section.ssrc} cname:x",
            f"a=ssrc:{rtx} cname:x",
        ]
    head = f"m={section.kind} {port} UDP/TLS/RTP/SAVPF {' '.join(map(str, formats))}"
    return [head, *common, f"a={section.direction}", "a=rtcp-mux", *lines]


def stopped(section: M) -> M:
    """The same section, stopped by the endpoint."""
    return evolve(section, stopped=True, direction="inactive")
