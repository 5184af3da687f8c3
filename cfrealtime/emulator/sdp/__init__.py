"""Session descriptions of the emulator: text in, values out, and back. Pure."""

from .codecs import CodecSpec
from .negotiation import Negotiation, NewReceive, NewSend, OfferedSection
from .parse import SdpError

__all__ = ["CodecSpec", "Negotiation", "NewReceive", "NewSend", "OfferedSection", "SdpError"]
