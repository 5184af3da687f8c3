"""Entry tokens: who may come into which room, as what, and until when; signed, so that nobody else says so.

They are JSON Web Tokens (HS256), so that any language and any library can issue them.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterable, Mapping
from typing import Any

import jwt
from attrs import frozen

from cfrealtime_rooms import Permissions

KEY = "MEETING_ENTRY_KEY"
SHORTEST_KEY = 32
LONGEST_NAME = 64
ALGORITHM = "HS256"
AUDIENCE = "meeting"
"""What the same key signs for something else opens no door here."""
TICKET_LIFETIME = 30.0


@frozen
class Invitation:
    """What a token says."""

    room: str
    identity: str
    name: str
    expires: int
    """Seconds since 1970. Nobody comes in later, and nobody who is in has to leave."""
    permissions: Permissions


class RefusedError(Exception):
    """Why somebody may not come in: an HTTP status, a code for programs, a sentence for people."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status, self.code, self.message = status, code, message


def key_from(environment: Mapping[str, str]) -> bytes:
    """The key that signs tokens. Raises ValueError, with what to do, where there is none worth the name."""
    key = environment.get(KEY, "")
    if len(key) < SHORTEST_KEY:
        raise ValueError(
            f"Set {KEY} to a secret of at least {SHORTEST_KEY} characters, the same for the meeting and for "
            f"issue.py: export {KEY}=$(python -c 'import secrets; print(secrets.token_urlsafe(32))')"
        )
    return key.encode()


def issued(invitation: Invitation, key: bytes) -> str:
    """The token that says this."""
    rights = invitation.permissions
    claims = {
        "aud": AUDIENCE,
        "room": invitation.room,
        "sub": invitation.identity,
        "name": invitation.name,
        "exp": invitation.expires,
        "publish": None if rights.publish is None else sorted(rights.publish),
        "subscribe": rights.subscribe,
        "message": rights.message,
    }
    return jwt.encode(claims, key, ALGORITHM)


def checked(token: str, key: bytes, *, room: str) -> Invitation:
    """What a token says, if it is ours and opens this room now. Raises `RefusedError`."""
    if not token:
        raise RefusedError(
            401, "no_token", "This meeting is by invitation: open the link that you were sent."
        )
    try:
        # What its header says about algorithms does not matter: there is one.
        claims = jwt.decode(token, key, [ALGORITHM], {"require": ["exp", "aud"]}, audience=AUDIENCE)
    except jwt.ExpiredSignatureError:
        words = "This invitation has expired. Ask whoever invited you for a new link."
        raise RefusedError(401, "expired_token", words) from None
    except (jwt.InvalidSignatureError, jwt.InvalidAlgorithmError):
        words = "This invitation was changed, or somebody else has made it. Ask whoever invited you."
        raise RefusedError(401, "forged_token", words) from None
    except jwt.DecodeError:
        raise RefusedError(
            401, "broken_token", "This invitation is incomplete. Copy the whole link."
        ) from None
    except jwt.InvalidTokenError:
        claims = {}
    invitation = _read(claims)
    if invitation.room != room:
        raise RefusedError(403, "wrong_room", "This invitation is for another room.")
    return invitation


def _read(claims: Mapping[str, Any]) -> Invitation:
    """What was signed; a right that is not stated is not given by guess."""
    match claims:
        case {
            "room": str(room),
            "sub": str(identity),
            "name": str(name),
            "exp": int(expires),
            "publish": None | [*_] as publish,
            "subscribe": bool(subscribe),
            "message": bool(message),
        } if room and identity and 1 <= len(name.strip()) <= LONGEST_NAME and _are_names(publish or ()):
            sources = None if publish is None else frozenset(publish)
            return Invitation(room, identity, name, expires, Permissions(sources, subscribe, message))
        case _:
            words = "This is no invitation to a meeting. Ask whoever invited you."
            raise RefusedError(401, "other_token", words)


def _are_names(values: Iterable[object]) -> bool:
    return all(isinstance(value, str) for value in values)


class Tickets:
    """What tokens are exchanged for. Each is shown once and soon, so in a log it gives nothing away."""

    def __init__(self) -> None:
        self._open = dict[str, tuple[float, Invitation]]()

    def issue(self, invitation: Invitation) -> str:
        """A new ticket."""
        now = time.monotonic()
        self._open = {ticket: entry for ticket, entry in self._open.items() if entry[0] > now}
        ticket = secrets.token_urlsafe(16)
        self._open[ticket] = now + TICKET_LIFETIME, invitation
        return ticket

    def redeem(self, ticket: str, *, room: str) -> Invitation:
        """Who comes in with it. Raises `RefusedError`; it is used up in any case."""
        until, invitation = self._open.pop(ticket, (0.0, None))
        if invitation is None or until <= time.monotonic() or invitation.room != room:
            raise RefusedError(403, "no_ticket", "This ticket is unknown, used, too old or for another room.")
        return invitation
