"""One session's way over the network: its secure transport, where its endpoint is, and how bad the way is."""

from __future__ import annotations

from attrs import Factory, define

from .bad_network import BadNetwork
from .ice import Peer
from .plan import Disturbance, Way
from .secure import SecureTransport
from .sender import Sender
from .srtp import Put, as_sent, put_plain


@define
class Link:
    """Everything a session sends and receives passes here."""

    sender: Sender
    """Sends from the socket of all sessions."""
    transport: SecureTransport | None = None
    """None until the endpoint's first description is known."""
    peers: set[Peer] = Factory(set[Peer])
    """Addresses proven by a check."""
    path: Peer | None = None
    """Where we send."""
    checked_at: float = 0.0
    cut: bool = False
    """The network is gone: what the endpoint sends does not arrive, nor what we send."""
    network: BadNetwork | None = None
    """None for a good one."""
    connected: bool = False
    lost: bool = False

    def disturb(self, disturbance: Disturbance) -> None:
        """Behave like this from now on."""
        self.cut = disturbance.cut
        self.close()
        if disturbance.up != Way() or disturbance.down != Way():
            self.network = BadNetwork(disturbance)

    def close(self) -> None:
        """Forget what is still on its way."""
        if self.network is not None:
            self.network.close()
            self.network = None

    def arrived(self, data: bytes) -> None:
        """A datagram came from the endpoint."""
        if self.transport is None or self.cut:
            return
        if self.network is None:
            self.transport.datagram(data)
        else:
            self.network.up(data, self.transport.datagram)

    def send(self, packet: bytes) -> None:
        """Protect and send an RTP or RTCP packet; one that cannot be sent is lost, as on any network."""
        transport = self.transport
        if transport is not None and transport.put is not None:
            self.send_datagram(packet, transport.put)

    def send_datagram(self, data: bytes, put: Put = put_plain) -> None:
        """Send what `put` makes ready for the wire."""
        path = self.path
        if path is None or self.cut:
            return
        if self.network is None:
            self.sender.send(data, path, put)
        elif sent := as_sent(data, put):
            self.network.down(sent, lambda late: self.sender.send(late, path))
