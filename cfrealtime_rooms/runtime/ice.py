"""Which STUN and TURN servers a visitor gets: the host's to say."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from urllib.parse import urlsplit

from attrs import frozen

from cfrealtime import models

from ..core.notices import IceServer

CLOUDFLARE_STUN = (IceServer(urls=("stun:stun.cloudflare.com:3478",)),)
DEADLINE = 10.0
"""Seconds that the host's function may take."""


@frozen
class Visitor:
    """Who is connecting: what `ice_servers` as a function is given."""

    room_id: str
    identity: str
    name: str | None


Servers = Sequence[IceServer] | models.IceServers
IceServers = Servers | Callable[[Visitor], Awaitable[Servers]]


async def servers_for(given: IceServers, visitor: Visitor) -> tuple[IceServer, ...]:
    """What one visitor gets. Raises what the host's function raises, and `TimeoutError`."""
    if not callable(given):
        return _for_a_page(given)
    try:
        async with asyncio.timeout(DEADLINE):
            return _for_a_page(await given(visitor))
    except Exception as error:
        error.add_note("The ice_servers function given to Rooms failed, so this visitor is not let in.")
        raise


def by_default(base_url: str) -> tuple[IceServer, ...]:
    """Cloudflare's STUN server on Cloudflare, and none elsewhere."""
    host = urlsplit(base_url).hostname or ""
    return CLOUDFLARE_STUN if host.endswith(".cloudflare.com") else ()


def _for_a_page(servers: Servers) -> tuple[IceServer, ...]:
    if not isinstance(servers, models.IceServers):
        return tuple(servers)
    found = servers.for_browsers().servers
    return tuple(IceServer(one.urls, one.username, one.credential) for one in found)
