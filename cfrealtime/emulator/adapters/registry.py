"""All WebSocket adapters of an emulator: made, watched, closed, listed."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial

from attrs import define, evolve

from cfrealtime.emulator.limits import ADAPTER_CONNECT_WAIT, PACKETS_WAIT
from cfrealtime.emulator.media.plan import Codec, Send, Source
from cfrealtime.emulator.refusals import ItemError, Json
from cfrealtime.emulator.rules import adapters as rules
from cfrealtime.emulator.rules import lifetime, subscribing
from cfrealtime.emulator.rules.adapters import Adapter, EgressEntry, Entry, IngestEntry
from cfrealtime.emulator.rules.events import Event
from cfrealtime.emulator.rules.naming import Item
from cfrealtime.emulator.state import Publication, Session
from cfrealtime.emulator.world import World

from .dialing import Channel, Dial, HandshakeFailedError
from .egress import Egress, Maker, Reports
from .ingest import MID, Ingest, PeerlessNegotiation
from .makers import Pictures, Sound

_FIRST_PAYLOAD_TYPE = 96
_SSRC = 0x7A9


@define
class _Line:
    """An adapter and what does its work."""

    adapter: Adapter
    work: Ingest | Egress
    mid: str
    ended: bool = False
    task: asyncio.Task[None] | None = None
    """None until it has begun: a task cancelled before that would never clean up."""

    @property
    def seen(self) -> Adapter:
        """The adapter with what it has carried so far."""
        return evolve(self.adapter, bytes_processed=self.work.bytes_processed)


ADAPTER_OPERATIONS = frozenset({"new_websocket_adapters", "close_websocket_adapters"})


class Adapters:
    """Makes adapters on demand and ends them: on demand, with their track, or with their WebSocket."""

    def __init__(self, world: World, dial: Dial, *, allow_localhost: bool) -> None:
        self._world = world
        self._dial_url = dial
        self._allow_localhost = allow_localhost
        self._lines: dict[str, _Line] = {}
        self._closed: dict[str, Adapter] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        world.watchers.append(self._sources_changed)

    def prepared(
        self, operation: str, app_id: str, body: object
    ) -> Callable[[], Awaitable[tuple[int, Json]]]:
        """What does one of `ADAPTER_OPERATIONS`, and gives status and body."""
        if operation == "new_websocket_adapters":
            return partial(self._new, app_id, rules.read_new(body))
        return partial(self._close_all, app_id, rules.read_close(body))

    def carried(self, adapter_id: str) -> Item:
        """The track of an adapter."""
        line = self._lines.get(adapter_id)
        adapter = line.adapter if line else self._closed.get(adapter_id)
        return Item(adapter.entry.track_name, adapter.session_id) if adapter else Item()

    async def _new(self, app_id: str, entries: Sequence[Entry]) -> tuple[int, Json]:
        self._forget()
        # The session of an ingest has no name before it is made.
        tracks = [Item.of(e.source) if isinstance(e, EgressEntry) else Item(e.track_name) for e in entries]
        faults = self._world.faults.item_errors("new_websocket_adapters", None, tracks)
        opening = [self._open(app_id, *one) for one in zip(entries, faults, strict=True)]
        return rules.answer(await asyncio.gather(*opening))

    async def _close_all(self, app_id: str, ids: Sequence[str]) -> tuple[int, Json]:
        tracks = [self.carried(adapter_id) for adapter_id in ids]
        faults = self._world.faults.item_errors("close_websocket_adapters", None, tracks)
        outcomes = [
            error or self._close(app_id, adapter_id) for adapter_id, error in zip(ids, faults, strict=True)
        ]
        return rules.answer([rules.closed_item(*one) for one in zip(ids, outcomes, strict=True)])

    async def stop(self) -> None:
        """Close all of them, and wait until nothing of them is left."""
        for line in list(self._lines.values()):
            self._end(line, "the emulator was stopped")
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def view(self) -> list[Json]:
        """Every adapter still remembered."""
        adapters = (*self._closed.values(), *(line.seen for line in self._lines.values()))
        return [rules.view(adapter) for adapter in adapters]

    # Opening.

    async def _open(self, app_id: str, entry: Entry, fault: ItemError | None) -> Json:
        outcome = fault or await self._connected(app_id, entry)
        return rules.failed(entry, outcome) if isinstance(outcome, ItemError) else rules.opened(outcome)

    async def _connected(self, app_id: str, entry: Entry) -> Adapter | ItemError:
        if not self._allow_localhost and rules.is_local(entry.endpoint):
            return rules.LOCALHOST
        if isinstance(entry, EgressEntry) and isinstance(found := await self._find(app_id, entry), ItemError):
            return found
        try:
            channel = await self._dial(entry.endpoint)
        except TimeoutError:
            return rules.TIMEOUT
        except HandshakeFailedError:
            return rules.HANDSHAKE
        if isinstance(entry, IngestEntry):
            return self._ingest(app_id, entry, channel)
        found = self._look(app_id, entry)  # once more: connecting took its time
        if isinstance(found, ItemError):
            await channel.aclose()
            return found
        return self._egress(app_id, entry, channel, found)

    async def _dial(self, endpoint: str) -> Channel:
        async with asyncio.timeout(ADAPTER_CONNECT_WAIT):
            return await self._dial_url(endpoint)

    async def _find(self, app_id: str, entry: EgressEntry) -> Publication | ItemError:
        """The publication, a silent one waited for as for a subscription (our choice)."""

        def settled() -> bool | None:
            return None if isinstance(self._verdict(app_id, entry), subscribing.NotYet) else True

        await self._world.wait(settled, PACKETS_WAIT)
        return self._look(app_id, entry)

    def _verdict(self, app_id: str, entry: EgressEntry) -> Publication | ItemError | subscribing.NotYet:
        world = self._world
        return subscribing.verdict(world.sessions, app_id, entry.source, world.heard, world.now)

    def _look(self, app_id: str, entry: EgressEntry) -> Publication | ItemError:
        verdict = self._verdict(app_id, entry)
        if isinstance(verdict, subscribing.NotYet):
            return verdict.error
        if isinstance(verdict, ItemError):
            return verdict
        codec = self._world.media.codec(entry.source.session_id, verdict.mid)
        return rules.misfit(entry.output, codec or "") or verdict

    def _ingest(self, app_id: str, entry: IngestEntry, channel: Channel) -> Adapter:
        world, adapter_id, session_id = self._world, self._world.new_id(), self._world.new_id()
        publication = Publication(MID, "audio", entry.track_name, world.now)
        session = Session(
            session_id,
            app_id,
            touched_at=world.now,
            publications={MID: publication},
            negotiated=True,
            connected_at=world.now,
            adapter_id=adapter_id,
        )
        world.adopt(session, PeerlessNegotiation(world.media.transport(session_id)))
        work = Ingest(channel, partial(world.media.inject, session_id))
        return self._start(_Line(Adapter(adapter_id, app_id, entry, session_id), work, MID))

    def _egress(self, app_id: str, entry: EgressEntry, channel: Channel, publication: Publication) -> Adapter:
        world, adapter_id = self._world, self._world.new_id()
        source = Source(entry.source.session_id, publication.mid)
        known = world.negotiation(source.session_id).receive_codecs(source.mid)
        rates = {codec.key: codec.clock_rate for codec in known}
        codecs = tuple(
            Codec(number, key, rates[key])
            for number, key in enumerate(rules.usable(entry.output, rates), _FIRST_PAYLOAD_TYPE)
        )
        maker = self._maker(adapter_id, entry, {c.payload_type: c.key.partition("/")[0] for c in codecs})
        send = Send(MID, publication.kind, _SSRC, None, codecs, {}, source)
        world.media.tap(adapter_id, send, maker.take)
        reports = Reports(partial(self._lost, adapter_id), partial(self._recovered, adapter_id))
        work = Egress(channel, partial(self._dial, entry.endpoint), maker, reports)
        adapter = Adapter(adapter_id, app_id, entry, source.session_id)
        return self._start(_Line(adapter, work, source.mid))

    def _maker(self, adapter_id: str, entry: EgressEntry, codecs: Mapping[int, str]) -> Maker:
        clock = asyncio.get_running_loop().time
        if entry.output == "pcm":
            return Sound(codecs, clock)
        return Pictures(codecs, clock, partial(self._world.media.ask_key_frame, adapter_id))

    def _start(self, line: _Line) -> Adapter:
        self._lines[line.adapter.adapter_id] = line
        task = asyncio.create_task(self._live(line))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        self._happened("adapter_connected", line.adapter)
        return line.adapter

    # Living and ending.

    async def _live(self, line: _Line) -> None:
        if line.ended:
            await line.work.aclose()
            return
        line.task, because = asyncio.current_task(), "it failed"
        try:
            because = await line.work.run()
        finally:
            self._end(line, because)

    def _lost(self, adapter_id: str) -> None:
        line = self._lines[adapter_id]
        line.adapter = rules.lost(line.adapter, self._world.now)
        self._happened("adapter_lost", line.adapter)

    def _recovered(self, adapter_id: str) -> None:
        line = self._lines[adapter_id]
        line.adapter = rules.recovered(line.adapter)
        self._happened("adapter_recovered", line.adapter)

    def _sources_changed(self, session: Session) -> None:
        """Docs leave open what becomes of an adapter without its track: it is closed."""
        for line in list(self._lines.values()):
            if line.adapter.session_id == session.session_id:
                publication = session.publications.get(line.mid)
                if session.ended_at is not None or publication is None or publication.ended is not None:
                    self._end(line, "its track has ended")

    def _close(self, app_id: str, adapter_id: str) -> int | ItemError | None:
        line, closed = self._lines.get(adapter_id), self._closed.get(adapter_id)
        if line is not None and line.adapter.app_id == app_id:
            self._end(line, "it was closed")
            return line.work.bytes_processed
        return None if closed is not None and closed.app_id == app_id else rules.UNKNOWN

    def _end(self, line: _Line, because: str) -> None:
        """Close an adapter and what it stands on; the first reason stays."""
        if line.ended:
            return
        line.ended = True
        world, adapter_id = self._world, line.adapter.adapter_id
        del self._lines[adapter_id]
        self._closed[adapter_id] = rules.closed(line.seen, world.now, because)
        self._happened("adapter_closed", line.adapter, f": {because}")
        if line.task is not None and line.task is not asyncio.current_task():
            line.task.cancel()
        world.media.untap(adapter_id)
        session = world.sessions.get(line.adapter.session_id)
        if session is not None and session.adapter_id == adapter_id:
            world.put(lifetime.end(session, world.now, "its adapter was closed"))

    def _happened(self, kind: str, adapter: Adapter, more: str = "") -> None:
        entry = adapter.entry
        detail = f'{adapter.adapter_id} ({rules.host(entry.endpoint)}, "{entry.track_name}"){more}'
        self._world.happened(Event(kind, adapter.session_id, detail))

    def _forget(self) -> None:
        now = self._world.now
        self._closed = {k: a for k, a in self._closed.items() if not rules.forgettable(a, now)}
