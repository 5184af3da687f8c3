"""The client's side of the signaling protocol: entering, negotiating, reporting, following the room."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Any

from cfrealtime_rooms.core.commands import TrackKind
from cfrealtime_rooms.core.notices import Error, Message, ParticipantView
from cfrealtime_rooms.testing import roster as reading
from cfrealtime_rooms.testing.negotiator import Outgoing, PeerError
from cfrealtime_rooms.testing.peer import Peer, PeerFactory, Received, SilentPeer
from cfrealtime_rooms.testing.roster import Json, Roster
from cfrealtime_rooms.testing.waiting import Waiters

KINDS: Mapping[str, TrackKind] = {
    "microphone": "audio",
    "camera": "video",
    "screen": "video",
    "screen_audio": "audio",
}
PROTOCOL = 1
"""The version of signaling that is spoken here: docs/signaling.md says what changes it."""
_GATHER_SENDING = 0.5
"""Sources that begin to send within this time are reported together: each report costs the others calls."""
_RETRY = {"stale", "no_grant"}
"""Refusals of an offer that say: ask for a new grant."""


class Client:
    """A client of a room: what it does by itself whenever the room says something."""

    def __init__(
        self,
        *,
        name: str | None = None,
        sources: Iterable[str | Outgoing] = ("microphone", "camera"),
        attributes: Mapping[str, str] | None = None,
        peer_factory: PeerFactory = SilentPeer,
    ) -> None:
        self.name = name
        self.participant_id: str | None = None
        self.epoch: int | None = None
        self.token: str | None = None
        self.roster = Roster()
        self.mids: Mapping[str, str] = {}
        """Every receiving mid to the publication it carries."""
        self.messages = list[Message]()
        self.errors = list[Error]()
        self.faults = list[Exception]()
        """What the room sent and this client could not apply."""
        self.closed: str | None = None
        """The reason of `closed`, the room's last word."""
        self.peer: Peer | None = None
        self.limits: Json = {}
        self.rights: Json = {}
        """What the host lets this participant do."""
        self._attributes = attributes
        self._peer_factory = peer_factory
        self._sources = {one.source: one for one in map(_outgoing, sources)}
        """What is to be published."""
        self._offered = set[str]()
        self._applied = set[str]()
        self._in_flight: tuple[int | None, set[str]] | None = None
        """Our offer that has no answer yet: its grant (None in `join`), its sources."""
        self._asked = False
        self._replaced_dead = set[str]()
        self._reported: tuple[str, frozenset[str]] = ("new", frozenset[str]())
        self._report_timer: asyncio.TimerHandle | None = None
        self._baseline = dict[str, tuple[str, Received]]()
        """What had arrived on a mid when its present publication came to it."""
        self._send: Callable[[str], None] | None = None
        self._welcomed = False
        self._wants_in = False
        self._refused: Error | None = None
        self._refused_sources = dict[str, Error]()
        self._waiters = Waiters()
        self._handlers: Mapping[str, Callable[[Json], Awaitable[None]]] = {
            "welcome": self._on_welcome,
            "joined": self._on_joined,
            "snapshot": self._on_snapshot,
            "grant": self._on_grant,
            "answer": self._on_answer,
            "offer": self._on_offer,
            "mids": self._on_mids,
            "replace": self._on_replace,
            "delta": self._on_delta,
            "message": self._on_message,
            "rights": self._on_rights,
            "error": self._on_error,
            "closed": self._on_closed,
        }

    # The channel.

    def attach(self, send: Callable[[str], None]) -> None:
        """There is a new channel; its `welcome` will come. `send` must not block."""
        self._send, self._welcomed, self._asked = send, False, False

    def detach(self) -> None:
        """The channel is gone. Media goes on."""
        self._send, self._welcomed = None, False
        self._waiters.look()

    async def receive(self, text: str) -> None:
        """Take one message from the room."""
        message: Json = json.loads(text)
        try:
            handler = self._handlers.get(message["type"])
            if handler is not None:  # kinds of a later protocol are passed over
                await handler(message)
        except PeerError as error:
            # A browser in which a description cannot be applied reports its connection as failed.
            self.faults.append(error)
            self._tell("media", epoch=self.epoch, state="failed", sending=[])
        self._waiters.look()

    def break_off(self, error: BaseException) -> None:
        """Whoever waits on this participant is told why nothing more will happen."""
        self._waiters.fail(error)

    async def close(self) -> None:
        """Close the connection to the SFU. Says nothing to the room."""
        self._cancel_report()
        if self.peer is not None:
            await self.peer.close()

    # What it knows.

    @property
    def joined(self) -> bool:
        """In the room, as far as this client knows."""
        return self.participant_id is not None and self.closed is None

    @property
    def attached(self) -> bool:
        """Has a channel on which the room said welcome."""
        return self._send is not None and self._welcomed

    @property
    def connected(self) -> bool:
        """Has a connection to the SFU."""
        return self.peer is not None and self.peer.state == "connected"

    @property
    def me(self) -> ParticipantView | None:
        """How the room shows this participant."""
        return self.roster.participants.get(self.participant_id or "")

    # Entering.

    async def _on_welcome(self, message: Json) -> None:
        if (spoken := message["protocol"]) != PROTOCOL:
            self.closed = "protocol_unknown"
            self.break_off(
                ConnectionRefusedError(f"the room speaks version {spoken} of signaling, not {PROTOCOL}")
            )
            return
        self._welcomed = True
        self.limits = message.get("limits", {})
        if self._wants_in and self.closed is None:
            await self._enter()

    async def _enter(self) -> None:
        fields: dict[str, Any] = {}
        if self.token is not None:
            fields = {"token": self.token, "epoch": self.epoch}
        else:
            fields = {"name": self.name, "attributes": self._attributes}
            fields = {key: value for key, value in fields.items() if value is not None}
        if self.token is None or self.epoch is None:
            await self._drop_peer()
            if self._sources:
                fields["offer"], fields["tracks"] = await self._make_offer(None)
        self._tell("resume" if self.token is not None else "join", **fields)

    async def _on_joined(self, message: Json) -> None:
        self.participant_id, self.token = message["participant"], message["token"]
        self.epoch = message["epoch"]
        if self._refused is not None:  # that was another `join` of ours
            self._refused, self._wants_in = None, True
        self._take_snapshot(message["snapshot"])
        self._take_rights(message.get("rights", {}))
        # What was said last may have been lost with the channel.
        self._reported = ("new", frozenset[str]())
        self._report()
        self._repeat_wishes()
        self._ask()

    def _repeat_wishes(self) -> None:
        """Say again what is not published, and what is muted, where the room shows something else."""
        for publication in self.me.publications if self.me is not None else ():
            wanted = self._sources.get(publication.source)
            if wanted is None:
                self._tell("unpublish", source=publication.source)
            elif wanted.muted != publication.muted:
                self._tell("mute", source=publication.source, muted=wanted.muted)

    async def _on_closed(self, message: Json) -> None:
        self.closed, self._wants_in = message["reason"], False
        await self.close()

    async def _on_error(self, message: Json) -> None:
        error = reading.refusal(message)
        self.errors.append(error)
        if error.in_reply_to == "resume":
            wants_in = self._wants_in or self.token is None
            self.token = self.epoch = self.participant_id = None
            self.roster = Roster()
            if wants_in:
                await self._enter()
            else:  # it has left while it was away
                await self._on_closed({"reason": "left"})
        elif error.in_reply_to == "join" and not self.joined:
            self._refused, self._wants_in = error, False
        elif error.source is not None:
            # One source of an offer; the answer to the others' is on its way.
            self._offered.discard(error.source)
            self._give_up({error.source}, error)
        elif error.in_reply_to == "negotiate":
            self._asked = False
            self._give_up(set(self._sources) - self._offered, error)
        elif error.in_reply_to in ("offer", "join") and error.code != "already_joined":
            # An offer that rode in `join` as well: we are in without it.
            sources = self._take_back()
            if error.code in _RETRY:
                self._ask()
            else:
                self._give_up(sources, error)

    # Negotiating.

    def _ask(self) -> None:
        """Ask for a grant, where there is something to offer and nothing is under way."""
        if not self.joined or not self.attached or self._asked or self._in_flight is not None:
            return
        if set(self._sources) - self._offered:
            self._asked = True
            self._tell("negotiate")

    async def _make_offer(self, grant: int | None) -> tuple[str, Sequence[Mapping[str, object]]]:
        peer = self._connection()
        add = [one for source, one in self._sources.items() if source not in self._offered]
        sources = {one.source for one in add}
        self._offered |= sources
        self._in_flight = grant, sources
        text, mids = await peer.create_offer(add)
        tracks = [
            {
                "mid": mids[one.source],
                "source": one.source,
                "kind": one.kind,
                "muted": one.muted,
                "rids": one.rids,
            }
            for one in add
        ]
        return text, tracks

    async def _offer_under(self, grant: int) -> None:
        sdp, tracks = await self._make_offer(grant)
        self._tell("offer", grant=grant, sdp=sdp, tracks=tracks)

    async def _on_grant(self, message: Json) -> None:
        self._asked = False
        if message["epoch"] == self.epoch and self._in_flight is None:
            await self._offer_under(message["grant"])

    async def _on_answer(self, message: Json) -> None:
        if message["epoch"] != self.epoch or self._in_flight is None or self.peer is None:
            return
        grant, sources = self._in_flight
        if grant is not None and grant != message["exchange"]:
            return
        await self.peer.apply_answer(message["sdp"])
        self._in_flight = None
        self._tell("applied", exchange=message["exchange"])
        self._applied |= sources & self._offered
        for source in sources:
            # Muted or taken back while the exchange went on.
            if source not in self._sources:
                self.peer.unpublish(source)
            elif self._sources[source].muted:
                self.peer.mute(source, muted=True)
        self._report()
        self._ask()

    async def _on_offer(self, message: Json) -> None:
        if self.epoch is None or message["epoch"] < self.epoch:
            return
        peer = self._connection()
        self._take_back()  # it was lost with a channel: the room knows nothing of it
        answer = await peer.answer(message["sdp"])
        self._tell("answer", exchange=message["exchange"], sdp=answer)
        self._take_mids(message["mids"])
        self._report()
        self._ask()

    async def _on_replace(self, message: Json) -> None:
        await self._drop_peer()
        self.epoch, self._asked = message["epoch"], False
        self._connection()
        if message.get("grant") is not None:
            await self._offer_under(message["grant"])
        else:
            self._ask()

    def _take_back(self) -> set[str]:
        """Undo the offer that has no answer, and say which sources were in it."""
        if self._in_flight is None:
            return set()
        _, sources = self._in_flight
        self._in_flight = None
        self._offered -= sources
        if self.peer is not None:
            self.peer.rollback()
        return sources

    def _give_up(self, sources: set[str], error: Error) -> None:
        for source in sources:
            self._sources.pop(source, None)
            self._refused_sources[source] = error

    def _forget(self, source: str) -> None:
        self._offered.discard(source)
        self._applied.discard(source)
        if self.peer is not None:
            self.peer.unpublish(source)
        state, sending = self._reported
        self._reported = state, sending - {source}

    # The connection.

    def _connection(self) -> Peer:
        if self.peer is None:
            self.peer = self._peer_factory()
            self.peer.on_change = self._peer_changed
        return self.peer

    async def _drop_peer(self) -> None:
        self._cancel_report()
        if self.peer is not None:
            self.peer.on_change = _nothing
            await self.peer.close()
        self.peer, self._in_flight = None, None
        self._offered.clear()
        self._applied.clear()
        self._reported = ("new", frozenset[str]())
        self._take_mids({})

    def _peer_changed(self) -> None:
        self._report()
        self._waiters.look_soon()

    def _report(self) -> None:
        """Tell what the connection does, where that differs from what was told."""
        peer = self.peer
        if peer is None or not self.joined or not self.attached:
            return
        told, sending = self._reported
        if peer.state == "failed" and told != "failed":
            self._cancel_report()
            self._reported = "failed", frozenset[str]()
            self._tell("media", epoch=self.epoch, state="failed", sending=[])
        elif peer.state == "connected":
            if told != "connected":
                self._reported = "connected", frozenset[str]()
                self._tell("media", epoch=self.epoch, state="connected", sending=[])
                sending = frozenset[str]()
            if peer.sending == sending:
                return
            if peer.sending >= self._offered:
                self._report_sending()
            elif self._report_timer is None:
                loop = asyncio.get_running_loop()
                self._report_timer = loop.call_later(_GATHER_SENDING, self._report_sending)

    def _report_sending(self) -> None:
        self._cancel_report()
        if self.peer is not None and self.joined and self.attached:
            self._reported = "connected", self.peer.sending
            self._tell("media", epoch=self.epoch, sending=sorted(self.peer.sending))

    def _cancel_report(self) -> None:
        if self._report_timer is not None:
            self._report_timer.cancel()
            self._report_timer = None

    # The room.

    async def _on_snapshot(self, message: Json) -> None:
        self._take_snapshot(message)

    async def _on_delta(self, message: Json) -> None:
        after = reading.changed(self.roster, message)
        if after is None:
            self._tell("snapshot")
            return
        self.roster = after
        self._replace_dead()

    async def _on_mids(self, message: Json) -> None:
        if message["epoch"] == self.epoch:
            self._take_mids(message["mids"])

    async def _on_message(self, message: Json) -> None:
        self.messages.append(reading.said(message))

    async def _on_rights(self, message: Json) -> None:
        self._take_rights(message["rights"])

    def _take_rights(self, rights: Json) -> None:
        """What may not be published any more is not sent, nor offered again."""
        self.rights = rights
        for source in list(self._sources):
            if not self._may_publish(source):
                self._forget(source)
                self._give_up({source}, Error("not_allowed", "The host does not allow that any more."))

    def _may_publish(self, source: str) -> bool:
        publish = self.rights.get("publish")
        return (publish is None or source in publish) and source not in self.rights.get("muted", ())

    def _take_snapshot(self, snapshot: Json) -> None:
        self.roster = reading.whole(snapshot)
        self._take_mids(snapshot["mids"])
        self._replace_dead()

    def _take_mids(self, mids: Mapping[str, str]) -> None:
        for mid, publication_id in mids.items():
            if self._baseline.get(mid, ("", None))[0] != publication_id:
                received = self.peer.received(mid) if self.peer is not None else Received()
                self._baseline[mid] = publication_id, received
        self._baseline = {mid: self._baseline[mid] for mid in mids}
        self.mids = dict(mids)

    def _replace_dead(self) -> None:
        """Publish anew what the SFU collected."""
        for publication in self.me.publications if self.me is not None else ():
            new = publication.state == "dead" and publication.id not in self._replaced_dead
            if new and publication.source in self._applied:
                self._replaced_dead.add(publication.id)
                self._forget(publication.source)
        self._ask()

    def _tell(self, kind: str, **fields: object) -> None:
        if self._send is not None:
            self._send(json.dumps({"type": kind, **fields}))


def _outgoing(source: str | Outgoing) -> Outgoing:
    return source if isinstance(source, Outgoing) else Outgoing(source, KINDS[source])


def _nothing() -> None:
    """Tell nobody."""
