"""What an endpoint's session description says, or the refusal of one that says nothing usable."""

from __future__ import annotations

from .refusals import bad_description
from .sdp import Negotiation, OfferedSection, SdpError


def inspect(sdp: str) -> tuple[OfferedSection, ...]:
    """The media sections of an endpoint's description."""
    try:
        return Negotiation.inspect(sdp)
    except SdpError as error:
        raise bad_description(f"The session description cannot be used: {error}.") from error


def live_mids(sections: tuple[OfferedSection, ...]) -> frozenset[str]:
    """The mids of all sections that the endpoint has not stopped."""
    return frozenset(section.mid for section in sections if not section.stopped)
