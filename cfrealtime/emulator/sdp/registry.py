"""The numbers one session gives to codecs and header extensions, never changed once learned.

A browser refuses a description that renumbers what is in use, or goes silent on it. So the first description
that names a codec or an extension decides, whoever wrote it, and our own offers take only free numbers.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from attrs import Factory, evolve, frozen

from cfrealtime.emulator.media.extensions import (
    AUDIO_LEVEL,
    DEPENDENCY,
    MID,
    ORIENTATION,
    PLAYOUT_DELAY,
    REPAIRED_RID,
    RID,
)
from cfrealtime.emulator.media.plan import Kind

from .codecs import FEEDBACK, CodecSpec, NumberedCodec
from .parse import Description, SdpError

SEND_EXTENSIONS: Mapping[Kind, tuple[str, ...]] = {
    "audio": (MID, AUDIO_LEVEL),
    "video": (MID, ORIENTATION, PLAYOUT_DELAY, DEPENDENCY),
}
RECEIVE_EXTENSIONS: Mapping[Kind, tuple[str, ...]] = {
    "audio": SEND_EXTENSIONS["audio"],
    "video": (*SEND_EXTENSIONS["video"], RID, REPAIRED_RID),
}
# Where we are the first to choose we take the browsers' usual numbers, which saves them from remapping.
_USUAL_EXTENSIONS = {
    AUDIO_LEVEL: 1,
    MID: 4,
    PLAYOUT_DELAY: 5,
    RID: 10,
    REPAIRED_RID: 11,
    DEPENDENCY: 12,
    ORIENTATION: 13,
}
_USUAL_PAYLOAD_TYPES = {
    "opus/48000/2": (111, None),
    "pcmu/8000": (0, None),
    "pcma/8000": (8, None),
    "vp8/90000": (96, 97),
    "vp9/90000;profile-id=0": (98, 99),
    "h264/90000;packetization-mode=1;profile-level-id=42e0": (106, 107),
    "av1/90000;profile=0": (45, 46),
    "h265/90000;profile-id=1;tier-flag=0;tx-mode=srst": (49, 50),
}
_DYNAMIC = (*range(96, 128), *range(35, 64))
_EXTENSION_NUMBERS = range(1, 15)
"""What the one-byte form of RFC 8285 can carry."""


@frozen
class Registry:
    """What one session has learned; every method gives a new value."""

    payload_types: Mapping[str, tuple[int, int | None]] = Factory(dict[str, tuple[int, int | None]])
    """Codec key to its number and that of its retransmissions."""
    taken: frozenset[int] = frozenset()
    extensions: Mapping[str, int] = Factory(dict[str, int])

    def learn(self, description: Description) -> Registry:
        """Remember the numbers an endpoint uses."""
        payload_types, taken = dict(self.payload_types), self.taken
        extensions = dict(self.extensions)
        for section in description.sections:
            taken |= section.payload_types
            for uri, number in section.extensions.items():
                extensions.setdefault(uri, number)
            for codec in section.codecs:
                number, rtx = payload_types.get(codec.spec.key, (codec.payload_type, None))
                payload_types[codec.spec.key] = (number, rtx or codec.rtx_payload_type)
        return Registry(payload_types, taken, extensions)

    def number_codecs(
        self, kind: Kind, specs: Iterable[CodecSpec]
    ) -> tuple[Registry, tuple[NumberedCodec, ...]]:
        """Give codecs their numbers in this session, free ones to those it does not know."""
        registry, numbered = self, list[NumberedCodec]()
        for spec in specs:
            number, rtx = registry.payload_types.get(spec.key, (None, None))
            usual, usual_rtx = _USUAL_PAYLOAD_TYPES.get(spec.key, (None, None))
            if number is None:
                registry, number = registry.take(usual)
            if spec.rtx and rtx is None:
                registry, rtx = registry.take(usual_rtx)
            registry = evolve(registry, payload_types={**registry.payload_types, spec.key: (number, rtx)})
            numbered.append(NumberedCodec(spec, number, rtx if spec.rtx else None, FEEDBACK[kind]))
        return registry, tuple(numbered)

    def number_extensions(self, uris: Iterable[str]) -> tuple[Registry, dict[str, int]]:
        """The same for header extensions; one that finds no free number is left out."""
        known, chosen = dict(self.extensions), dict[str, int]()
        for uri in uris:
            if uri not in known:
                used = set(known.values())
                wanted = (_USUAL_EXTENSIONS[uri], *_EXTENSION_NUMBERS)
                number = next((number for number in wanted if number not in used), None)
                if number is None:
                    continue
                known[uri] = number
            chosen[uri] = known[uri]
        return evolve(self, extensions=known), chosen

    def take(self, usual: int | None) -> tuple[Registry, int]:
        """A free payload type, `usual` if it is one."""
        wanted = _DYNAMIC if usual is None else (usual, *_DYNAMIC)
        number = next((number for number in wanted if number not in self.taken), None)
        if number is None:
            raise SdpError("no payload type is left in this session")
        return evolve(self, taken=self.taken | {number}), number
