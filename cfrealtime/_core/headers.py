"""The headers of every request, made once for each secret."""

from __future__ import annotations

from typing import Final

from cfrealtime._version import __version__

_BASE: Final = (
    (b"Accept", b"application/json"),
    (b"Accept-Encoding", b"gzip"),
    (b"User-Agent", f"cfrealtime/{__version__}".encode()),
)
_JSON: Final = (b"Content-Type", b"application/json")


class Headers:
    """What goes out with a request, with and without a body. Its repr does not show the secret."""

    __slots__ = ("bare", "with_json")

    def __init__(self, secret: str) -> None:
        self.bare = (*_BASE, (b"Authorization", f"Bearer {secret}".encode()))
        self.with_json = (*self.bare, _JSON)

    def __repr__(self) -> str:
        return "Headers(...)"
