"""A participant in Python: the client's side of the signaling protocol, whatever carries its text.

It is what `rooms.js` is to a browser, for the tests of hosts, for bots and benchmarks. Text goes out through
`attach(send)` and comes in through `receive(text)`; `cfrealtime_rooms.testing.link` and `.websocket` do both.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from attrs import evolve

from cfrealtime_rooms.core.commands import TrackKind
from cfrealtime_rooms.core.notices import Error, ParticipantView
from cfrealtime_rooms.testing.client import KINDS, Client
from cfrealtime_rooms.testing.negotiator import Outgoing
from cfrealtime_rooms.testing.peer import Received


class RefusedError(Exception):
    """The room refused what was asked."""

    def __init__(self, error: Error) -> None:
        super().__init__(f"{error.code}: {error.message}")
        self.code = error.code


class Participant(Client):
    """One participant. Everything it knows is there to be looked at; `wait_until` waits for it to change."""

    # What a user does.

    async def join(self, *, within: float = 30.0) -> None:
        """Enter the room, as soon as it has said welcome. Raises `RefusedError`."""
        self._wants_in, self._refused = True, None
        if self._welcomed:
            await self._enter()
        await self.wait_until(
            lambda: self.joined or self._refused is not None or self.closed is not None,
            within=within,
            what="to be let in",
        )
        if self._refused is not None:
            raise RefusedError(self._refused)
        if self.closed is not None:
            raise RefusedError(Error("closed", f"the room said closed: {self.closed}"))

    async def leave(self, *, within: float = 30.0) -> None:
        """Leave for good."""
        self._wants_in = False
        self._tell("leave")
        if self._send is not None:
            await self.wait_until(lambda: self.closed is not None, within=within, what="closed")
        await self.close()

    async def publish(
        self,
        source: str,
        kind: TrackKind | None = None,
        *,
        muted: bool = False,
        within: float = 30.0,
    ) -> None:
        """Publish one more source; returns once the SFU's answer has been applied. Raises `RefusedError`."""
        self._sources[source] = Outgoing(source, kind or KINDS[source], muted)
        self._refused_sources.pop(source, None)
        self._ask()
        await self.wait_until(
            lambda: source in self._applied or source in self._refused_sources,
            within=within,
            what=f"{source} to be published",
        )
        if source in self._refused_sources:
            raise RefusedError(self._refused_sources.pop(source))

    def unpublish(self, source: str) -> None:
        """Stop publishing a source."""
        self._sources.pop(source, None)
        self._forget(source)
        self._tell("unpublish", source=source)

    def mute(self, source: str, *, muted: bool = True) -> None:
        """Send silence or black instead, and tell the others."""
        self._sources[source] = evolve(self._sources[source], muted=muted)
        if self.peer is not None:
            self.peer.mute(source, muted=muted)
        self._tell("mute", source=source, muted=muted)

    def unmute(self, source: str) -> None:
        """Send the source itself again."""
        self.mute(source, muted=False)

    def say(self, text: str | None = None, *, data: object = None, to: Iterable[str] | None = None) -> None:
        """Say something to everyone, or to some participant ids."""
        fields = {"text": text, "data": data, "to": list(to) if to is not None else None}
        self._tell("message", **{key: value for key, value in fields.items() if value is not None})

    def set_attributes(self, **attributes: str) -> None:
        """Change one's own attributes; an empty value removes the key."""
        self._tell("attributes", attributes=attributes)

    def select(self, *, publications: Iterable[str] = (), participants: Iterable[str] = ()) -> None:
        """Say what to receive, by ids: all of it, every time."""
        self._tell("select", publications=list(publications), participants=list(participants))

    def prefer_layers(self, layers: Mapping[str, str | None]) -> None:
        """Say in which simulcast layers to receive publications (by id)."""
        self._tell("layers", layers=dict(layers))

    def send_raw(self, text: str) -> None:
        """Send any text, right or wrong."""
        if self._send is not None:
            self._send(text)

    async def forget_connection(self) -> None:
        """Lose everything but the token, as a page does when it is reloaded."""
        await self._drop_peer()
        self.epoch = None

    # What it sees.

    @property
    def others(self) -> Mapping[str, ParticipantView]:
        """Everyone else, by name (by id where a name is not unique)."""
        return {
            self.roster.label(key): view
            for key, view in self.roster.participants.items()
            if key != self.participant_id
        }

    def receiving(self) -> dict[tuple[str, str], Received]:
        """What arrives now, by (name, source); by (participant id, source) where a name is not unique.

        Counted since the mid carries this publication.
        """
        result = dict[tuple[str, str], Received]()
        for mid, publication_id in self.mids.items():
            found = self.roster.owner(publication_id)
            if found is None:
                continue
            participant, publication = found
            _, baseline = self._baseline[mid]
            received = self.peer.received(mid) if self.peer is not None else Received()
            result[self.roster.label(participant.id), publication.source] = received.since(baseline)
        return result

    def missing(self) -> set[tuple[str, str]]:
        """Publications of others that no receiving mid carries."""
        published = {(name, one.source) for name, view in self.others.items() for one in view.publications}
        return published - set(self.receiving())

    def sees(self, name: str, source: str = "camera") -> bool:
        """A picture of this participant arrives and could be shown."""
        received = self.receiving().get((name, source))
        return received is not None and received.decodable

    def hears(self, name: str, source: str = "microphone") -> bool:
        """Sound of this participant arrives, and it is not silence."""
        received = self.receiving().get((name, source))
        return received is not None and received.audible > 0

    async def wait_until(
        self,
        condition: Callable[[], bool],
        within: float = 30.0,
        what: str = "it",
    ) -> None:
        """Wait for a condition on anything above. Raises TimeoutError with what is there instead."""
        if not await self._waiters.until(condition, within):
            raise TimeoutError(f"waited {within:g} s for {what}. {self.describe()}")

    def describe(self) -> str:
        """What this participant sees, in a few lines. No SDP."""
        people = ", ".join(
            f"{one.name} ({one.state}: {', '.join(f'{p.source} {p.state}' for p in one.publications) or '-'})"
            for one in self.roster.participants.values()
        )
        media = ", ".join(f"{name}/{source} {r.packets}" for (name, source), r in self.receiving().items())
        state = self.peer.state if self.peer is not None else "none"
        return (
            f"{self.name or self.participant_id}: joined {self.joined}, epoch {self.epoch}, "
            f"connection {state}, closed {self.closed}; room: {people or '-'}; receiving: {media or '-'}; "
            f"errors: {[error.code for error in self.errors]}; faults: {self.faults}"
        )
