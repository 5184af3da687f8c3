"""Carries packets from publications to subscriptions, and their feedback back. Pure: time comes in.

Packets are never decoded. A subscription starts, and changes its layer or publication, at a key frame only;
key frames are asked for sparingly; a packet missing on the way to us is asked for once for all who miss it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from attrs import Factory, define

from . import rtcp
from .extensions import MID, REPAIRED_RID, RID
from .layer import Layer
from .plan import Receive, Send, Source, Traffic
from .publication import Publication, Stream
from .rtcp import SenderReport
from .rtp import Packet, parse
from .subscription import Emit, Subscription

Outlets = Callable[[str], Emit]
"""Gives what takes the packets for a session; asked once, since each packet has many receivers."""

OWN_SSRC = 1
"""Who we are in our reports."""
REPORT_INTERVAL = 1.0
BANDWIDTH = 8_000_000
"""What each publisher is told to be able to send. Without it a browser's rate stays low."""
MAX_STREAMS = 256
"""SSRCs remembered per session."""


@define
class _Session:
    emit: Emit
    publications: dict[str, Publication] = Factory(dict[str, Publication])
    streams: dict[int, Stream] = Factory(dict[int, Stream])
    retired: dict[int, None] = Factory(dict[int, None])
    """SSRCs of sections that are gone: an endpoint sends on for a moment, and that is nobody else's media."""
    extensions: dict[int, str] = Factory(dict[int, str])
    subscriptions: dict[str, Subscription] = Factory(dict[str, Subscription])
    by_ssrc: dict[int, Subscription] = Factory(dict[int, Subscription])
    ready: bool = False
    reported_at: float = float("-inf")


class Forwarder:
    """Everything that is forwarded between all sessions."""

    def __init__(self, outlets: Outlets) -> None:
        self._outlets = outlets
        self._sessions: dict[str, _Session] = {}
        self._subscribers: dict[Source, list[Subscription]] = {}

    def _session(self, session_id: str) -> _Session:
        session = self._sessions.get(session_id)
        if session is None:
            session = self._sessions[session_id] = _Session(self._outlets(session_id))
        return session

    # What is wanted.

    def apply(self, session_id: str, receives: Iterable[Receive], sends: Iterable[Send], now: float) -> None:
        """Make a session's sections look like this."""
        session = self._session(session_id)
        before = tuple(session.publications)
        self._apply_receives(session, {receive.mid: receive for receive in receives})
        self._apply_sends(session, {send.mid: send for send in sends})
        for subscription in session.subscriptions.values():
            self._retarget(subscription, now)
        for mid in {*before, *session.publications}:
            for subscription in self._subscribers.get(Source(session_id, mid), ()):
                self._retarget(subscription, now)

    def _apply_receives(self, session: _Session, receives: dict[str, Receive]) -> None:
        for mid in session.publications.keys() - receives.keys():
            gone = session.publications.pop(mid)
            for ssrc in [s for s, stream in session.streams.items() if stream.publication is gone]:
                del session.streams[ssrc]
                session.retired[ssrc] = None
        while len(session.retired) > MAX_STREAMS:
            del session.retired[next(iter(session.retired))]
        for mid, receive in receives.items():
            publication = session.publications.get(mid)
            if publication is None:
                publication = session.publications[mid] = Publication(receive)
            else:
                publication.update(receive)
            session.streams.update(publication.declared())
            for uri in (MID, RID, REPAIRED_RID):
                if uri in receive.extensions:
                    session.extensions[receive.extensions[uri]] = uri

    def _apply_sends(self, session: _Session, sends: dict[str, Send]) -> None:
        for subscription in session.subscriptions.values():
            self._unlink(subscription)
        kept = session.subscriptions
        session.subscriptions = {}
        for mid, send in sends.items():
            known = kept.get(mid)
            subscription = Subscription(session.emit, send) if known is None else known
            if known is not None:
                known.update(send)
            subscription.ready = session.ready
            session.subscriptions[mid] = subscription
            if send.source is not None:
                self._subscribers.setdefault(send.source, []).append(subscription)
        session.by_ssrc = {s.send.ssrc: s for s in session.subscriptions.values()}

    def _unlink(self, subscription: Subscription) -> None:
        source = subscription.send.source
        if source is not None:
            others = [s for s in self._subscribers.get(source, ()) if s is not subscription]
            if others:
                self._subscribers[source] = others
            else:
                self._subscribers.pop(source, None)

    def ready(self, session_id: str, now: float) -> None:
        """The session's transport carries packets from now on: its subscriptions need a start."""
        session = self._session(session_id)
        session.ready = True
        for subscription in session.subscriptions.values():
            subscription.ready = True
            subscription.pause()
            self._retarget(subscription, now)

    def unready(self, session_id: str) -> None:
        """The session's transport carries nothing for now."""
        session = self._sessions.get(session_id)
        if session is not None:
            session.ready = False
            for subscription in session.subscriptions.values():
                subscription.ready = False

    def close(self, session_id: str) -> None:
        """Forget a session."""
        session = self._sessions.pop(session_id, None)
        if session is not None:
            for subscription in session.subscriptions.values():
                self._unlink(subscription)
            for mid in session.publications:
                for subscription in self._subscribers.get(Source(session_id, mid), ()):
                    subscription.pause()

    def last_packet(self, session_id: str, mid: str) -> float | None:
        """When media last arrived on a receiving section."""
        session = self._sessions.get(session_id)
        publication = session and session.publications.get(mid)
        return publication.last_packet if publication else None

    def codec(self, session_id: str, mid: str) -> str | None:
        """The codec in which media last arrived on a receiving section."""
        session = self._sessions.get(session_id)
        publication = session and session.publications.get(mid)
        return publication.codec_key if publication else None

    def traffic(self, session_id: str) -> Traffic:
        """What has been carried on each section of a session."""
        session = self._sessions.get(session_id)
        if session is None:
            return Traffic({}, {})
        return Traffic(
            {mid: publication.carried for mid, publication in session.publications.items()},
            {mid: subscription.carried for mid, subscription in session.subscriptions.items()},
        )

    # Packets.

    def rtp(self, session_id: str, data: bytes, now: float) -> None:
        """A decrypted RTP packet arrived."""
        session, packet = self._sessions.get(session_id), parse(data)
        if session is None or packet is None:
            return
        stream = session.streams.get(packet.ssrc)
        new = stream is None
        if stream is None:
            stream = self._discover(session, packet)
            if stream is None:
                return
        publication = stream.publication
        accepted = publication.accept(packet, stream, now)
        if accepted is None:
            return
        layer, arrived = accepted
        subscribers = self._subscribers.get(Source(session_id, publication.receive.mid), ())
        for subscription in subscribers:
            if new or (subscription.layer is None and subscription.target is None):
                self._retarget(subscription, now)
            if subscription.ready:
                out = subscription.forward(layer, arrived, now)
                if out is not None:
                    subscription.emit(out)
        self._feedback(session, layer, now)

    def _discover(self, session: _Session, packet: Packet) -> Stream | None:
        """Find out what a new SSRC carries from its header extensions, or from its payload type alone."""
        if len(session.streams) >= MAX_STREAMS:
            return None
        said = {session.extensions[n]: value for n, value in packet.elements if n in session.extensions}
        texts = {uri: value.decode("ascii", "replace") for uri, value in said.items()}
        if MID in texts:
            publication = session.publications.get(texts[MID])
        else:
            claiming = [p for p in session.publications.values() if p.claims(packet.payload_type)]
            alone = len(claiming) == 1 and packet.ssrc not in session.retired
            publication = claiming[0] if alone else None
        if publication is None:
            return None
        stream = publication.discover(packet, texts.get(RID, ""), texts.get(REPAIRED_RID, ""))
        if stream is not None:
            session.streams[packet.ssrc] = stream
        return stream

    def rtcp(self, session_id: str, data: bytes, now: float) -> None:
        """A decrypted RTCP packet arrived."""
        session = self._sessions.get(session_id)
        if session is None:
            return
        for message in rtcp.parse(data):
            if isinstance(message, SenderReport):
                self._sender_report(session_id, session, message, now)
            elif (subscription := session.by_ssrc.get(message.ssrc)) is None:
                continue
            elif isinstance(message, rtcp.Nack):
                self._repeat(subscription, message.sequences, now)
            else:
                self._ask_key_frame(subscription, subscription.target or subscription.layer, now)

    def _sender_report(self, session_id: str, session: _Session, report: SenderReport, now: float) -> None:
        stream = session.streams.get(report.ssrc)
        layer = None if stream is None else stream.publication.layers.get(stream.rid)
        if stream is None or layer is None or stream.repairs:
            return
        layer.reported(report, now)
        for subscription in self._subscribers.get(Source(session_id, stream.publication.receive.mid), ()):
            out = subscription.report(layer, report)
            if out is not None and subscription.ready:
                subscription.emit(out)

    def _repeat(self, subscription: Subscription, sequences: Iterable[int], now: float) -> None:
        publication, source = self._publication(subscription), subscription.send.source
        if publication is None or source is None:
            return
        for sequence in sequences:
            out = subscription.repeat(sequence)
            if out is not None:
                subscription.emit(out)
                continue
            # Lost on the way to us as well: without asking further up it would never arrive.
            layer, index = subscription.locate(sequence) or (None, 0)
            if layer is not None and layer in publication.layers.values():
                layer.want([index], now)
                self._feedback(self._sessions[source.session_id], layer, now)

    # Feedback to publishers.

    def _publication(self, subscription: Subscription) -> Publication | None:
        source = subscription.send.source
        session = self._sessions.get(source.session_id) if source else None
        return session.publications.get(source.mid) if source and session else None

    def _retarget(self, subscription: Subscription, now: float) -> None:
        """Aim a subscription at the layer it should have."""
        publication = self._publication(subscription)
        if publication is None or not publication.receive.active:
            subscription.pause()
            return
        if not subscription.ready:
            return
        best = publication.choose(subscription.send.rids, now)
        if best is None or best is subscription.layer:
            subscription.target = None
        elif best is not subscription.target:
            subscription.target = best
            self._ask_key_frame(subscription, best, now)

    def _ask_key_frame(self, subscription: Subscription, layer: Layer | None, now: float) -> None:
        source = subscription.send.source
        if layer is None or source is None:
            return
        layer.ask_key_frame()
        publisher = self._sessions.get(source.session_id)
        if publisher is not None:
            self._feedback(publisher, layer, now)

    def _feedback(self, session: _Session, layer: Layer, now: float) -> None:
        """Ask a publisher for what is due: a key frame, missing packets."""
        if layer.key_frame_due(now):
            session.emit(rtcp.key_frame_request(OWN_SSRC, layer.ssrc))
        missing = layer.missing(now)
        if missing:
            session.emit(rtcp.nack(OWN_SSRC, layer.ssrc, missing))

    def tick(self, now: float) -> None:
        """Do what is due by time alone. To be called some twenty times a second."""
        for session_id, session in self._sessions.items():
            for mid, publication in session.publications.items():
                self._aim(publication, self._subscribers.get(Source(session_id, mid), ()), now)
                for layer in publication.layers.values():
                    self._feedback(session, layer, now)
            if session.ready and now - session.reported_at >= REPORT_INTERVAL:
                self._report(session, now)

    def _aim(self, publication: Publication, subscribers: Iterable[Subscription], now: float) -> None:
        """See to those who wait for a key frame, or for a better layer."""
        layers = publication.layers
        only = next(iter(layers.values())) if len(layers) == 1 else None
        for subscription in subscribers:
            if only is not None and subscription.layer is only:
                continue  # as nearly all do, and there is nothing better
            self._retarget(subscription, now)
            target = subscription.target
            if target is not None and target.alive(now):
                target.ask_key_frame()

    def _report(self, session: _Session, now: float) -> None:
        """Tell a publisher what arrived and that it may send more."""
        layers = [
            layer
            for publication in session.publications.values()
            for layer in publication.layers.values()
            if layer.alive(now)
        ]
        if layers:
            session.reported_at = now
            blocks = [block for layer in layers if (block := layer.report_block(now))]
            ssrcs = [layer.ssrc for layer in layers]
            session.emit(rtcp.receiver_reports(OWN_SSRC, blocks) + rtcp.bandwidth(OWN_SSRC, BANDWIDTH, ssrcs))
