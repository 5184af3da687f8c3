"""What is still held: tracks, channels and adapters that are active, exchanges and calls that are open.

Told by the emulator's own pages, the state and the journal, so that it can be told of any emulator. A session
alone is no leak: the API has no way to end one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

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
    """Which call made what: the last one whose answer named it."""

    def __init__(self, calls: Iterable[Mapping[str, Any]]) -> None:
        self._makers: dict[tuple[str, str | None, str], tuple[int, str]] = {}
        self._last: dict[str, tuple[int, str]] = {}
        for call in calls:
            family = _MAKERS.get(call["operation"])
            if family is not None and call["status"] == 200:
                made = call["n"], call["operation"]
                self._last[call["session_id"]] = made
                for item in call["made"]:
                    self._makers[family, call["session_id"], item] = made

    def leak(self, kind: str, session_id: str, what: str, made: tuple[str, str | None, str]) -> Leak:
        """A leak that a call made: by the family of what it is, the call's session and the item."""
        return Leak(kind, session_id, what, *self._makers.get(made, (None, None)))

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
            yield history.leak(kind, session_id, what, ("track", session_id, mid))
    for channel in session["data_channels"]:
        # The service's own channel, which has no source, lives and dies with the transport.
        of_the_service = channel["location"] == "remote" and channel["source_session_id"] is None
        if channel["status"] != "inactive" and not of_the_service:
            verb = "speaks" if channel["location"] == "local" else "listens"
            what = f'{who} {verb} on data channel "{channel["name"]}" (id {channel["id"]})'
            yield history.leak("data_channel", session_id, what, ("channel", session_id, str(channel["id"])))


def _adapter(adapter: Mapping[str, Any], history: _History) -> Leak:
    name, session_id = adapter["track_name"], adapter["session_id"]
    way = (
        f'publishes "{name}"' if adapter["location"] == "local" else f'sends "{name}" of session {session_id}'
    )
    what = f"adapter {adapter['adapter_id']} ({adapter['host']}) {way}"
    return history.leak("adapter", session_id, what, ("adapter", None, adapter["adapter_id"]))


def _who(session: Mapping[str, Any]) -> str:
    label = session["correlation_id"]
    return f"session {session['session_id']}" + (f" ({label})" if label else "")
