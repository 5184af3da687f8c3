"""The endpoints of the how-to pages: SDP as a browser writes it, without the browser."""

from __future__ import annotations

from cfrealtime import SessionDescription
from tests.cfrealtime.emulator.sdp.endpoint import M, answer, answering, blocks, describe, value

LAYERS = ("f", "h", "q")


class Endpoint:
    """One PeerConnection. What it publishes comes first; video goes out in three layers."""

    def __init__(self) -> None:
        self._sections: list[M] = []

    async def offer(self, *kinds: str) -> SessionDescription:
        """An offer with a new media section for each kind."""
        for kind in kinds:
            data, mid = kind == "application", str(len(self._sections))
            direction = "sendrecv" if data else "sendonly"
            self._sections.append(M(kind, mid, direction, rids=LAYERS if kind == "video" else ()))
        return SessionDescription.offer(describe(*self._sections))

    async def answer(self, offer: SessionDescription) -> SessionDescription:
        """The answer to an offer of the service's."""
        assert offer.type == "offer"
        known = {section.mid for section in self._sections}
        for block in blocks(offer.sdp):
            if value(block, "mid") not in known:
                kind = block[0][2:].split()[0]
                self._sections.append(M(kind, value(block, "mid"), answering(block)))
        return SessionDescription.answer(answer(offer.sdp))

    async def apply(self, description: SessionDescription) -> None:
        """Take the service's answer to an offer: it has a section for each of ours."""
        assert description.type == "answer"
        answered = [value(block, "mid") for block in blocks(description.sdp)]
        assert answered == [section.mid for section in self._sections]
