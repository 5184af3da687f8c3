"""Signaling protocol v1: the core's commands and notices as JSON text."""

from .codec import ProtocolError, decode, encode
from .schema import json_schema

__all__ = ["ProtocolError", "decode", "encode", "json_schema"]
