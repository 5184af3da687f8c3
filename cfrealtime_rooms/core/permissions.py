"""What a participant may do. Decided by the host, never by the client."""

from __future__ import annotations

from attrs import frozen


@frozen
class Permissions:
    """Rights of one participant; everything is allowed unless said otherwise."""

    publish: frozenset[str] | None = None
    """The sources that may be published; None for every source, an empty set for none."""
    subscribe: bool = True
    """Whether anything is received from others."""
    message: bool = True
    """Whether messages may be sent."""

    def may_publish(self, source: str) -> bool:
        """Whether this source may be published."""
        return self.publish is None or source in self.publish
