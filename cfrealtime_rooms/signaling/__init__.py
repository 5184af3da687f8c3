"""Signaling protocol v1: the core's commands and notices as JSON text.

`protocol.schema.json` beside this file is the protocol as JSON Schema, for clients in other languages.
`python -m cfrealtime_rooms.signaling` writes it, and the reference page, from the core's values.
"""

from .codec import ProtocolError, decode, encode

__all__ = ["ProtocolError", "decode", "encode"]
