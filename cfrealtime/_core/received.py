"""From what an HTTP library has read to a `Response`: header names in lower case, the body unpacked."""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Final

from cfrealtime._core.exchange import Lost, Response

# More than any answer for 64 tracks takes; what is cut off here is not JSON any more, and reported as such.
BODY_LIMIT: Final = 8 * 1024 * 1024

_GZIP_OR_ZLIB: Final = 32 + zlib.MAX_WBITS


def received(status: int, headers: Iterable[tuple[bytes, bytes]], body: bytes) -> Response:
    """The response of raw headers and a raw body."""
    named = {name.decode("ascii").lower(): value.decode("latin-1") for name, value in headers}
    if "content-encoding" in named:
        body = _unpacked(named["content-encoding"], body)
    return stamped(status, named, body)


def stamped(status: int, headers: dict[str, str], body: bytes) -> Response:
    """The response, with our clock's time where it names a moment in the service's."""
    moment = datetime.now(UTC) if "retry-after" in headers else None
    return Response(status, headers, body, moment)


def too_slow(seconds: float, *, left: bool) -> Lost:
    """What is known when the time was up."""
    what = "no complete answer" if left else "no connection"
    return Lost(f"{what} within {seconds:.3g} s", left=left)


def broken(error: Exception) -> Lost:
    """What is known when the connection broke. The error's text could quote an answer: its class must do."""
    return Lost(f"the connection broke before the answer was complete ({type(error).__name__})")


def refused(error: Exception) -> Lost:
    """What is known when there was no connection."""
    return Lost(f"there is no connection ({error})", left=False)


def _unpacked(encoding: str, body: bytes) -> bytes:
    """The body as it was before it was packed; one that cannot be unpacked stays, and is unreadable."""
    if encoding.strip().lower() not in {"gzip", "x-gzip", "deflate"}:
        return body
    try:
        return zlib.decompressobj(_GZIP_OR_ZLIB).decompress(body, BODY_LIMIT)
    except zlib.error:
        return body
