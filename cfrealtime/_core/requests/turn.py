"""Requests about TURN credentials: generate and revoke."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final, cast

from cfrealtime._core.codec import structure
from cfrealtime._core.exchange import Document, Request, Safety
from cfrealtime._core.requests.answers import items_of
from cfrealtime._core.requests.build import invalid, name, request
from cfrealtime._generated.api.turn import generate_ice_servers as generate_api
from cfrealtime._generated.api.turn import revoke_turn_credential as revoke_api
from cfrealtime._generated.models.generate_ice_servers_request import GenerateIceServersRequest
from cfrealtime._generated.types import UNSET, Unset
from cfrealtime.models.turn import IceServers

LONGEST_TTL: Final = 48 * 60 * 60

# The service makes user names of hexadecimal digits; other makers of TURN credentials use "time:user" and the
# like. Taken is what a path segment may hold as it is (RFC 3986, pchar): where a proxy undoes the escaping,
# it still means itself. Not taken are %, which can be undone twice, and ;, at which some servers end a
# segment and would revoke another name. A leading dot is refused as in every id; 508 bytes are the most that
# TURN allows (RFC 8489).
_USERNAME: Final = re.compile(r"[A-Za-z0-9_~!$&'()*+,=:@-][A-Za-z0-9._~!$&'()*+,=:@-]{0,507}")

_GENERATE: Final = "turn.generate_ice_servers"
_REVOKE: Final = "turn.revoke"


def generate_ice_servers(
    key_id: str, ttl: int, custom_identifier: str | None, *, browser: bool
) -> Request[IceServers]:
    """Make a credential that lives `ttl` seconds; for browsers, without the URLs that they block."""
    # A bool is an int to Python, and a float is one to careless callers.
    if type(ttl) is not int or not 1 <= ttl <= LONGEST_TTL:
        raise invalid(_GENERATE, None, f"ttl is a whole number of seconds from 1 to {LONGEST_TTL} (48 hours)")
    label: str | Unset = UNSET
    if custom_identifier is not None:
        label = name(_GENERATE, None, "custom_identifier", custom_identifier)
    body = GenerateIceServersRequest(ttl=ttl, custom_identifier=label)
    built = generate_api.build_kwargs(key_id, body=body)
    read = _for_browsers if browser else _ice_servers
    return request("generate_ice_servers", None, built, read, Safety.WASTEFUL)


def revoke(key_id: str, username: str) -> Request[None]:
    """End a credential before its time."""
    if not _is_username(username):
        # It is not repeated: it is half of a credential.
        raise invalid(_REVOKE, None, "username is none; take it from the ICE server it was issued with")
    built = revoke_api.build_kwargs(key_id, username)
    return request("revoke_turn_credential", None, built, _revoked, Safety.IDEMPOTENT)


def _is_username(value: object) -> bool:
    return isinstance(value, str) and _USERNAME.fullmatch(value) is not None


def _ice_servers(document: Document) -> IceServers:
    given = document.get("iceServers")
    if isinstance(given, Mapping):
        # Seen in the field: older answers hold one object where newer ones hold a list.
        document = {**document, "iceServers": [cast("Mapping[str, Any]", given)]}
    return structure(items_of(document, "iceServers"), IceServers)


def _for_browsers(document: Document) -> IceServers:
    return _ice_servers(document).for_browsers()


def _revoked(document: Document) -> None:
    """Nothing comes back but the status."""
