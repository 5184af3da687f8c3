"""Session descriptions of the emulator: text in, values out, and back. Pure."""

from .codecs import CodecSpec
from .negotiation import Negotiation, NewSend, OfferedSection
from .parse import SdpError

__all__ = ["CodecSpec", "Negotiation", "NewSend", "OfferedSection", "SdpError"]
