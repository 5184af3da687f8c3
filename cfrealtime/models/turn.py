"""TURN credentials, as RTCPeerConnection takes them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from attrs import evolve, field, frozen

from cfrealtime.models.shared import extra_field

# scheme ":" host [":" port] ["?" query], RFC 7064 and 7065; an IPv6 host ends in a bracket.
_ON_PORT_53: Final = re.compile(r"[^:?]+:[^?]+:0*53(\?.*)?", re.DOTALL)


@frozen
class IceServer:
    """A STUN or TURN server under several URLs, with its credential where it asks for one."""

    urls: tuple[str, ...]
    username: str | None = field(default=None, repr=False)
    credential: str | None = field(default=None, repr=False)
    extra: Mapping[str, Any] = extra_field()


@frozen
class IceServers:
    """STUN and TURN servers with a credential that expires. `as_dicts()` is what a page needs."""

    servers: tuple[IceServer, ...] = field(metadata={"wire": "iceServers"})
    extra: Mapping[str, Any] = extra_field()

    def for_browsers(self) -> IceServers:
        """The servers without their URLs on port 53: browsers block that port and wait for it in vain."""
        usable = [
            evolve(server, urls=tuple(u for u in server.urls if not _on_port_53(u)))
            for server in self.servers
        ]
        return evolve(self, servers=tuple(server for server in usable if server.urls))

    def as_dicts(self) -> list[dict[str, Any]]:
        """The value of `iceServers` in an RTCConfiguration, ready for JSON."""
        return [_as_dict(server) for server in self.servers]


def _as_dict(server: IceServer) -> dict[str, Any]:
    wire = {"urls": list(server.urls), "username": server.username, "credential": server.credential}
    return {key: value for key, value in wire.items() if value is not None}


def _on_port_53(url: str) -> bool:
    return _ON_PORT_53.fullmatch(url) is not None
