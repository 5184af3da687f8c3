"""TURN credentials: made for a time, listed, revoked. Source: docs, TURN credentials, unless marked.

There is no relay, so nothing ever checks the secret half of a credential, and it is not kept.
"""

from __future__ import annotations

from collections.abc import Mapping

from attrs import evolve, frozen

from cfrealtime.emulator.fields import as_object, optional, required
from cfrealtime.emulator.limits import REMEMBER_ENDED, TURN_TTL
from cfrealtime.emulator.refusals import Json, invalid_params, not_found

STUN_URLS = ("stun:stun.emulator.invalid:3478", "stun:stun.emulator.invalid:53")
TURN_URLS = (
    "turn:turn.emulator.invalid:3478?transport=udp",
    "turn:turn.emulator.invalid:53?transport=udp",
    "turn:turn.emulator.invalid:3478?transport=tcp",
    "turn:turn.emulator.invalid:80?transport=tcp",
    "turns:turn.emulator.invalid:5349?transport=tcp",
    "turns:turn.emulator.invalid:443?transport=tcp",
)
"""The service's protocols and ports on names that never resolve (RFC 6761), so that an endpoint given them
gathers its own candidates, asks nobody on the network and is done. The names are our choice."""


@frozen
class CredentialRequest:
    """generate-ice-servers: how long the credential lives, and what it is called in usage reports."""

    ttl: int
    custom_identifier: str | None


@frozen
class Credential:
    """One credential that was handed out."""

    username: str
    key_id: str
    expires_at: float
    custom_identifier: str | None = None
    revoked: bool = False


Credentials = Mapping[str, Credential]
"""By username."""


def read_request(body: object) -> CredentialRequest:
    """The body of generate-ice-servers. The status of a ttl out of bounds is our choice."""
    fields = as_object(body, "The body")
    ttl = required(fields, "ttl", int)
    if not 1 <= ttl <= TURN_TTL:
        raise invalid_params(f"ttl is not between 1 and {TURN_TTL} seconds.")
    return CredentialRequest(ttl, optional(fields, "customIdentifier", str))


def issued(
    credentials: Credentials, key_id: str, request: CredentialRequest, username: str, now: float
) -> dict[str, Credential]:
    """The credentials with a new one, and without those whose end is long past."""
    kept = {name: c for name, c in credentials.items() if now < c.expires_at + REMEMBER_ENDED}
    return {**kept, username: Credential(username, key_id, now + request.ttl, request.custom_identifier)}


def revoked(credentials: Credentials, key_id: str, username: str) -> dict[str, Credential]:
    """The credentials with one revoked, which may be repeated (our choice); another key's are not known."""
    credential = credentials.get(username)
    if credential is None or credential.key_id != key_id:
        raise not_found("credential")
    return {**credentials, username: evolve(credential, revoked=True)}


def ice_servers(username: str, secret: str) -> Json:
    """The answer of generate-ice-servers: STUN needs no credential."""
    return {
        "iceServers": [
            {"urls": list(STUN_URLS)},
            {"urls": list(TURN_URLS), "username": username, "credential": secret},
        ]
    }


def view(credential: Credential, now: float, age: float) -> Json:
    """A credential as the emulator's own page lists it; its end in seconds since the emulator's start."""
    return {
        "username": credential.username,
        "key_id": credential.key_id,
        "custom_identifier": credential.custom_identifier,
        "expires_at": round(credential.expires_at - now + age, 6),
        "expired": now >= credential.expires_at,
        "revoked": credential.revoked,
    }
