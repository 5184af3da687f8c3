"""What is still held: tracks, channels and adapters that are active, exchanges and calls that are open.

Told by the emulator's own pages, the state and the journal, so that it can be told of any emulator. A session
alone is no leak: the API has no way to end one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from attrs import frozen

from cfrealtime.emulator.refusals import Json

_MAKERS: Final = frozenset(
    {"new_tracks", "update_tracks", "new_datachannels", "establish_datachannels", "new_websocket_adapters"}
)


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


def leaks(state: Mapping[str, Any], calls: Sequence[Mapping[str, Any]]) -> tuple[Leak, ...]:
    """Everything that is held, in the order of the state, with the calls that made it."""
    history = _History(calls)
    found = list[Leak]()
    for session in state["sessions"]:
        found += _of_session(session, history)
    for adapter in state["adapters"]:
        if adapter["status"] != "closed":
            found.append(_adapter(adapter, history))
    found += [
        Leak("call", call["session_id"], f"call {call['n']} ({call['operation']}) is being handled", None)
        for call in calls
        if call["seconds"] is None
    ]
    return tuple(found)


class _History:
    """Which call made what: the last one that could have."""

    def __init__(self, calls: Iterable[Mapping[str, Any]]) -> None:
        self._by_name: dict[tuple[str | None, str], tuple[int, str]] = {}
        self._last: dict[str | None, tuple[int, str]] = {}
        for call in calls:
            if call["operation"] in _MAKERS and call["status"] in (200, 201):
                made = call["n"], call["operation"]
                self._last[call["session_id"]] = made
                for name in call["track_names"]:
                    self._by_name[call["session_id"], name] = made

    def named(self, kind: str, session_id: str | None, what: str, name: str, *, by: str | None) -> Leak:
        """A leak with a name, made by a call on the session `by`."""
        return Leak(kind, session_id, what, *self._by_name.get((by, name), (None, None)))

    def last(self, kind: str, session_id: str, what: str) -> Leak:
        """A leak that the last call on its session made."""
        return Leak(kind, session_id, what, *self._last.get(session_id, (None, None)))


def _of_session(session: Mapping[str, Any], history: _History) -> Iterable[Leak]:
    session_id, who = session["session_id"], _who(session)
    if session["exchange"] is not None:
        yield history.last("exchange", session_id, f"{who} has not answered an offer")
    for track in session["tracks"]:
        if track["status"] == "active":
            name, mid = track["track_name"], track["mid"]
            if track["location"] == "local":
                kind, what = "publication", f'{who} publishes "{name}" (mid {mid})'
            else:
                source = track["source_session_id"]
                kind, what = "subscription", f'{who} receives "{name}" of session {source} (mid {mid})'
            yield history.named(kind, session_id, what, name, by=session_id)
    for channel in session["data_channels"]:
        # The service's own channel, which has no source, lives and dies with the transport.
        of_the_service = channel["location"] == "remote" and channel["source_session_id"] is None
        if channel["status"] != "inactive" and not of_the_service:
            verb = "speaks" if channel["location"] == "local" else "listens"
            what = f'{who} {verb} on data channel "{channel["name"]}" (id {channel["id"]})'
            yield history.named("data_channel", session_id, what, channel["name"], by=session_id)


def _adapter(adapter: Mapping[str, Any], history: _History) -> Leak:
    name, session_id = adapter["track_name"], adapter["session_id"]
    way = (
        f'publishes "{name}"' if adapter["location"] == "local" else f'sends "{name}" of session {session_id}'
    )
    what = f"adapter {adapter['adapter_id']} ({adapter['host']}) {way}"
    return history.named("adapter", session_id, what, name, by=None)


def _who(session: Mapping[str, Any]) -> str:
    label = session["correlation_id"]
    return f"session {session['session_id']}" + (f" ({label})" if label else "")
