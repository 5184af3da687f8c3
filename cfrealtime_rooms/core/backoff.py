"""How long to wait before trying again: growing, bounded, and spread without a random source."""

from __future__ import annotations

from zlib import crc32

from .tracks import Retry

FIRST = 0.25
LONGEST = 8.0


def delay(tries: int, key: str, retry_after: float | None = None, longest: float = LONGEST) -> float:
    """Seconds to wait after the `tries`-th failure of what `key` names.

    Between a half and the whole of 0.25 s doubled each time, at most `longest`; never less than the service
    asked. The spread comes from the key, so equal histories give equal plans.
    """
    whole = min(longest, FIRST * 2.0 ** min(tries - 1, 16))
    spread = crc32(f"{key}:{tries}".encode()) / 2**32
    return max(whole * (0.5 + spread / 2), retry_after or 0.0)


def later(
    retry: Retry | None, key: str, now: float, retry_after: float | None = None, longest: float = LONGEST
) -> Retry:
    """The next attempt after one more failure."""
    tries = retry.tries + 1 if retry is not None else 1
    return Retry(tries, now + delay(tries, key, retry_after, longest))
