"""The TURN keys, and the credentials made with them."""

from __future__ import annotations

import secrets

from .refusals import Json
from .rules import turn
from .world import World

_BYTES = 48
"""Length of the service's user names and secrets, which are written in hexadecimal."""


class TurnCredentials:
    """Hands credentials out, remembers them by user name, and takes them back."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._credentials: turn.Credentials = {}

    def generate(self, key_id: str, request: turn.CredentialRequest) -> Json:
        """A list of ICE servers with a new credential."""
        username = secrets.token_hex(_BYTES)
        self._credentials = turn.issued(self._credentials, key_id, request, username, self._world.now)
        return turn.ice_servers(username, secrets.token_hex(_BYTES))

    def revoke(self, key_id: str, username: str) -> None:
        """End a credential before its time."""
        self._credentials = turn.revoked(self._credentials, key_id, username)

    def view(self) -> list[Json]:
        """Every credential still remembered, without its secret."""
        credentials = self._credentials.values()
        return [turn.view(c, self._world.now, self._world.age) for c in credentials]
