"""What is still held: tracks, channels and adapters that are active, exchanges and calls that are open.

Told by the state as the emulator's own page shows it, by the calls that are open, and by what earlier calls
made. A session alone is no leak: the API has no way to end one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final, Protocol

from attrs import frozen

from cfrealtime.emulator.refusals import Json

_MAKERS: Final = {
    "new_tracks": "track",
    "update_tracks": "track",
    "new_datachannels": "channel",
    "establish_datachannels": "channel",
    "new_websocket_adapters": "adapter",
}
"""The operations that make something, and the family of what they make."""


@frozen
class Leak:
    """One thing that somebody has left."""

    kind: str
    """publication, subscription, exchange, data_channel, adapter or call."""
    session_id: str | None
    what: str
    """In words."""
    since: int | None
    """The number of the call that made it, as far as the journal remembers."""
    operation: str | None = None
    """That call's operation."""

    def view(self) -> Json:
        """The leak as JSON."""
        return {"kind": self.kind, "session_id": self.session_id, "what": self.what, "since": self.since}

    def __str__(self) -> str:
        """The leak as a sentence."""
        made = "" if self.since is None else f", since call {self.since} ({self.operation})"
        return f"{self.what}{made}"


class Made(Protocol):
    """A call and what its answer named, as the journal keeps it."""

    @property
    def n(self) -> int:
        """Its number."""
        ...

    @property
    def operation(self) -> str:
        """Its id in the contract."""
        ...

    @property
    def session_id(self) -> str | None:
        """What it was about."""
        ...

    @property
    def status(self) -> int | None:
        """What it was answered."""
        ...

    @property
    def made(self) -> tuple[str, ...]:
        """Mids, and ids of data channels and adapters."""
        ...


class Makers:
    """Which call made what: the last one whose answer named it. Noted as calls come, so nobody searches."""

    def __init__(self) -> None:
        self._of_items: dict[tuple[str, str | None, str], Made] = {}
        self._last: dict[str, Made] = {}

    def note(self, call: Made) -> None:
        """A call has been answered."""
        if call.operation in _MAKERS and call.status == 200:
            self._of_items.update(dict.fromkeys(_items(call), call))
            if call.session_id is not None:
                self._last[call.session_id] = call

    def forget(self, call: Made) -> None:
        """A call is known no more."""
        if call.operation not in _MAKERS:
            return
        for item in _items(call):
            if self._of_items.get(item) is call:
                del self._of_items[item]
        if call.session_id is not None and self._last.get(call.session_id) is call:
            del self._last[call.session_id]

    def leak(self, kind: str, session_id: str, what: str, item: tuple[str, str | None, str]) -> Leak:
        """A leak that a call made: by the family of what it is, the call's session and the item."""
        return _leak(kind, session_id, what, self._of_items.get(item))

    def last(self, kind: str, session_id: str, what: str) -> Leak:
        """A leak that the last call on its session made."""
        return _leak(kind, session_id, what, self._last.get(session_id))


def leaks(state: Mapping[str, Any], makers: Makers, handled: Iterable[Made]) -> tuple[Leak, ...]:
    """Everything that is held, in the order of the state, with the calls that made it."""
    found = list[Leak]()
    for session in state["sessions"]:
        found += _of_session(session, makers)
    for adapter in state["adapters"]:
        if adapter["status"] != "closed":
            found.append(_adapter(adapter, makers))
    found += [
        Leak("call", call.session_id, f"call {call.n} ({call.operation}) is being handled", None)
        for call in handled
    ]
    return tuple(found)


def _items(call: Made) -> Iterable[tuple[str, str | None, str]]:
    return [(_MAKERS[call.operation], call.session_id, item) for item in call.made]


def _leak(kind: str, session_id: str, what: str, call: Made | None) -> Leak:
    if call is None:
        return Leak(kind, session_id, what, None)
    return Leak(kind, session_id, what, call.n, call.operation)


def _of_session(session: Mapping[str, Any], makers: Makers) -> Iterable[Leak]:
    session_id, who = session["session_id"], _who(session)
    if session["exchange"] is not None:
        yield makers.last("exchange", session_id, f"{who} has not answered an offer")
    for track in session["tracks"]:
        if track["status"] == "active":
            name, mid = track["track_name"], track["mid"]
            if track["location"] == "local":
                kind, what = "publication", f'{who} publishes "{name}" (mid {mid})'
            else:
                source = track["source_session_id"]
                kind, what = "subscription", f'{who} receives "{name}" of session {source} (mid {mid})'
            yield makers.leak(kind, session_id, what, ("track", session_id, mid))
    for channel in session["data_channels"]:
        # The service's own channel, which has no source, lives and dies with the transport.
        of_the_service = channel["location"] == "remote" and channel["source_session_id"] is None
        if channel["status"] != "inactive" and not of_the_service:
            verb = "speaks" if channel["location"] == "local" else "listens"
            what = f'{who} {verb} on data channel "{channel["name"]}" (id {channel["id"]})'
            yield makers.leak("data_channel", session_id, what, ("channel", session_id, str(channel["id"])))


def _adapter(adapter: Mapping[str, Any], makers: Makers) -> Leak:
    name, session_id = adapter["track_name"], adapter["session_id"]
    way = (
        f'publishes "{name}"' if adapter["location"] == "local" else f'sends "{name}" of session {session_id}'
    )
    what = f"adapter {adapter['adapter_id']} ({adapter['host']}) {way}"
    return makers.leak("adapter", session_id, what, ("adapter", None, adapter["adapter_id"]))


def _who(session: Mapping[str, Any]) -> str:
    label = session["correlation_id"]
    return f"session {session['session_id']}" + (f" ({label})" if label else "")
