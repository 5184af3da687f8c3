"""ICE-lite: answers the connectivity checks of endpoints, and learns from them where each one is.

We offer one host candidate and never check ourselves, so candidates, trickling and roles of the endpoint need
no code. A restart brings new credentials; the old ones stay valid. Pure.
"""

from __future__ import annotations

import struct

from aioice import stun
from attrs import frozen

Peer = tuple[str, int]
"""Where datagrams come from."""


@frozen
class Check:
    """An authentic connectivity check."""

    session_id: str
    nominated: bool
    """The endpoint wants its media on this path."""
    response: bytes


@frozen
class _Credential:
    session_id: str
    pwd: bytes


class Responder:
    """The credentials of all sessions, and the answers to checks."""

    def __init__(self) -> None:
        self._credentials: dict[str, _Credential] = {}

    def add(self, session_id: str, ufrag: str, pwd: str) -> None:
        """From now on checks with these credentials reach the session."""
        self._credentials[ufrag] = _Credential(session_id, pwd.encode())

    def remove(self, session_id: str) -> None:
        """Forget a session."""
        self._credentials = {u: c for u, c in self._credentials.items() if c.session_id != session_id}

    def check(self, data: bytes, peer: Peer) -> Check | None:
        """Answer a STUN message; None for what is no authentic check of a known session."""
        try:
            request = stun.parse_message(data)
        except (ValueError, IndexError, KeyError, struct.error):
            return None
        if request.message_method != stun.Method.BINDING or request.message_class != stun.Class.REQUEST:
            return None
        username = request.attributes.get("USERNAME", "")
        credential = self._credentials.get(username.partition(":")[0])
        if credential is None or not request.check_message_integrity(credential.pwd):
            return None
        response = stun.Message(
            message_method=stun.Method.BINDING,
            message_class=stun.Class.RESPONSE,
            transaction_id=request.transaction_id,
            attributes={"XOR-MAPPED-ADDRESS": peer},
        )
        response.add_message_integrity(credential.pwd)
        return Check(credential.session_id, "USE-CANDIDATE" in request.attributes, bytes(response))
