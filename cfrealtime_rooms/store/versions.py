"""Documents with a version: which ones are read, and how an older one is brought up to date.

A version is a major and a minor number. The minor rises when something is added that an older reader may
leave out and a newer one may do without; the major rises with every other change, together with a function
that makes the new form out of the one before. So this code reads every version of its own major, newer minors
included (what it does not know it ignores), and every older major. A newer major it refuses.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any, Final, cast

from attrs import frozen

from .contract import StoreError

Body = dict[str, Any]
Upgrade = Callable[[Body], Body]
"""Makes the next major version of a document out of the one before, which it may change."""

_WRITTEN: Final = re.compile(r"([1-9]\d{0,3})\.(0|[1-9]\d{0,3})")


class DocumentError(StoreError):
    """A document cannot be read. The message quotes nothing of it."""


@frozen(order=True)
class Version:
    """Of a document: `2.1` is written as a text; the first rooms were saved under the number 1."""

    major: int
    minor: int

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}"


@frozen
class Format:
    """One kind of document, and every version of it that there has been."""

    kind: str
    version: Version
    upgrades: Mapping[int, Upgrade]
    """By the major version that is read; one for each before the present one."""

    def write(self, body: Mapping[str, Any]) -> bytes:
        """A document of the present version, as one line of JSON in ASCII."""
        return json.dumps({"version": str(self.version), **body}, separators=(",", ":")).encode()

    def read(self, document: bytes | str) -> Body:
        """The body of a document, in the present version. Raises `DocumentError`."""
        try:
            found: object = json.loads(document)
        except (ValueError, RecursionError):
            raise DocumentError(f"a saved {self.kind} is not JSON") from None
        if not isinstance(found, dict):
            raise DocumentError(f"a saved {self.kind} is a JSON object")
        body = cast("Body", found)
        version = _version(body.pop("version", None))
        if version is None:
            raise DocumentError(f"a saved {self.kind} says in which version it is")
        if version.major > self.version.major:
            raise DocumentError(f"a {self.kind} is in version {version}; this code reads {self.version}")
        for major in range(version.major, self.version.major):
            body = self._upgraded(major, body)
        return body

    def _upgraded(self, major: int, body: Body) -> Body:
        try:
            return self.upgrades[major](body)
        except Exception as error:
            # No chaining: the errors of the dictionaries quote what they did not find.
            sentence = f"a {self.kind} of version {major} cannot be read ({type(error).__name__})"
            raise DocumentError(sentence) from None


def _version(found: object) -> Version | None:
    if type(found) is int and found == 1:
        return Version(1, 0)
    written = _WRITTEN.fullmatch(found) if isinstance(found, str) else None
    return Version(int(written[1]), int(written[2])) if written else None
