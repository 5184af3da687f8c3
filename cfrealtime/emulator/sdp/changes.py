"""What a description does to the sections of a session, one by one."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from attrs import evolve

from .parse import ParsedSection, SdpError
from .section import Section


def ssrcs_in_use(sections: Sequence[Section]) -> Iterator[int]:
    """Every SSRC that either side uses for media or retransmissions."""
    for section in sections:
        if section.send is not None:
            yield section.send.ssrc
            if section.send.rtx_ssrc is not None:
                yield section.send.rtx_ssrc
        if section.remote is not None:
            yield from section.remote.ssrcs
            yield from section.remote.rtx_ssrcs.values()


def place(sections: list[Section], section: Section) -> None:
    """Put a new section where a stopped one was, else at the end."""
    for index, old in enumerate(sections):
        if old.stopped:
            sections[index] = section
            return
    sections.append(section)


def after_offer(known: Section | None, parsed: ParsedSection, publish: Collection[str]) -> Section:
    """A section of ours after the endpoint's offer."""
    if known is None or (known.stopped and not parsed.stopped):
        known = Section(parsed.mid, parsed.kind)
    elif parsed.mid not in ("", known.mid) or parsed.kind != known.kind:
        if not known.stopped:
            raise SdpError("a media section has changed its mid or kind")
        known = Section(parsed.mid, parsed.kind)
    if parsed.stopped:
        return evolve(known, stopped=True, receiving=False, send=None, remote=parsed)
    if parsed.kind == "application":
        return evolve(known, remote=parsed)
    if parsed.mid in publish:
        known = evolve(known, receiving=True)
    if not evolve(known, remote=parsed).codecs:
        if known.receiving or known.send:
            raise SdpError("a media section has no codec in common with the SFU")
        return evolve(known, stopped=True, remote=parsed)
    return evolve(known, remote=parsed)


def after_answer(section: Section, parsed: ParsedSection) -> Section:
    """A section of our offer after the endpoint's answer."""
    if parsed.kind != section.kind or parsed.mid not in ("", section.mid):
        raise SdpError("the answer's media sections are not those of the offer")
    if section.stopped and not parsed.stopped:
        raise SdpError("the answer revives a stopped media section")
    if parsed.stopped:
        return evolve(section, stopped=True, receiving=False, send=None, remote=parsed)
    if parsed.kind == "application":
        return evolve(section, remote=parsed)
    agreed = evolve(section, remote=parsed)
    if not agreed.codecs:
        raise SdpError("a media section of the answer has no codec of the offer")
    return agreed
