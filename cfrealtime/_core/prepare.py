"""From a facade call's arguments to request values: checked here, built by the generated code."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Any, Final, Literal, TypeVar, cast

from cfrealtime._core import answers
from cfrealtime._core.exchange import Batch, Document, Request
from cfrealtime._core.ids import is_identifier
from cfrealtime._generated.api.sessions import get_session as get_session_api
from cfrealtime._generated.api.sessions import new_session as new_session_api
from cfrealtime._generated.api.sessions import renegotiate as renegotiate_api
from cfrealtime._generated.api.tracks import close_tracks as close_tracks_api
from cfrealtime._generated.api.tracks import new_tracks as new_tracks_api
from cfrealtime._generated.api.tracks import update_tracks as update_tracks_api
from cfrealtime._generated.models.close_track_request import CloseTrackRequest
from cfrealtime._generated.models.close_tracks_request import CloseTracksRequest
from cfrealtime._generated.models.renegotiate_request import RenegotiateRequest
from cfrealtime._generated.models.session_description import SessionDescription as WireDescription
from cfrealtime._generated.models.simulcast import Simulcast as WireSimulcast
from cfrealtime._generated.models.simulcast_fallback import SimulcastFallback, check_simulcast_fallback
from cfrealtime._generated.models.track_request import TrackRequest
from cfrealtime._generated.models.tracks_request import TracksRequest
from cfrealtime._generated.models.update_tracks_request import UpdateTracksRequest
from cfrealtime._generated.types import UNSET, Unset
from cfrealtime.errors import InvalidRequestError
from cfrealtime.models import (
    CloseResult,
    LocalTrack,
    RemoteTrack,
    SessionDescription,
    SessionState,
    Simulcast,
    TracksResult,
)

T = TypeVar("T")

TRACKS_PER_REQUEST: Final = 64


def check_session_id(session_id: str) -> str:
    """The session id, if it can be one."""
    if not is_identifier(session_id):
        raise InvalidRequestError(
            "A session id holds letters, digits and ._~- only: this is not one. Take it from new_session()."
        )
    return session_id


def new_session(app_id: str, correlation_id: str | None) -> Request[str]:
    """Make a session; its answer is the id."""
    label = UNSET if correlation_id is None else correlation_id
    built = new_session_api.build_kwargs(app_id, correlation_id=label)
    return _request("new_session", None, built, answers.created_session)


def get_session(app_id: str, session_id: str) -> Request[SessionState]:
    """List what a session holds."""
    return _request(
        "get_session", session_id, get_session_api.build_kwargs(app_id, session_id), answers.session_state
    )


def publish(
    app_id: str, session_id: str, offer: str | SessionDescription, tracks: Iterable[LocalTrack]
) -> Request[TracksResult]:
    """Publish tracks with the endpoint's offer."""
    entries = _at_most_64("publish", session_id, tracks)
    body = TracksRequest(
        session_description=_description("publish", session_id, "offer", offer),
        tracks=[_local(session_id, track) for track in entries],
    )
    built = new_tracks_api.build_kwargs(app_id, session_id, body=body)
    return _request("new_tracks", session_id, built, answers.published)


def subscribe(app_id: str, session_id: str, tracks: Iterable[RemoteTrack]) -> Request[TracksResult]:
    """Ask for publications; the service makes an offer."""
    entries = _at_most_64("subscribe", session_id, tracks)
    body = TracksRequest(tracks=[_remote("subscribe", session_id, track) for track in entries])
    built = new_tracks_api.build_kwargs(app_id, session_id, body=body)
    # Media sections that exist already may need no exchange; whether they do is not documented.
    in_place = all(track.mid is not None for track in entries)
    return _request(
        "new_tracks", session_id, built, answers.subscribed_in_place if in_place else answers.subscribed
    )


def renegotiate(
    app_id: str, session_id: str, answer: str | SessionDescription
) -> Request[SessionDescription | None]:
    """Hand in the endpoint's answer to the service's offer."""
    body = RenegotiateRequest(session_description=_description("renegotiate", session_id, "answer", answer))
    built = renegotiate_api.build_kwargs(app_id, session_id, body=body)
    return _request("renegotiate", session_id, built, answers.renegotiated)


def update_tracks(app_id: str, session_id: str, tracks: Iterable[RemoteTrack]) -> Batch[TracksResult]:
    """Change what receiving mids carry, 64 at a time."""

    def request(part: list[RemoteTrack]) -> Request[TracksResult]:
        body = UpdateTracksRequest(tracks=[_remote("update_tracks", session_id, track) for track in part])
        built = update_tracks_api.build_kwargs(app_id, session_id, body=body)
        return _request("update_tracks", session_id, built, answers.updated)

    entries = _some("update_tracks", session_id, tracks)
    if any(track.mid is None for track in entries):
        raise _invalid("update_tracks", session_id, "every track needs the mid that is to change")
    return Batch(tuple(request(part) for part in _parts(entries)), _join_tracks)


def close_tracks(
    app_id: str,
    session_id: str,
    mids: Iterable[str],
    *,
    force: bool,
    offer: str | SessionDescription | None,
) -> Batch[CloseResult]:
    """Close tracks: by force, 64 at a time, or with the endpoint's offer, 64 at most."""
    if isinstance(mids, str):
        raise _invalid("close_tracks", session_id, "mids is a list of mids, not one string")
    if force == (offer is not None):
        raise _invalid(
            "close_tracks", session_id, "pass either force=True or offer=, not both and not neither"
        )
    description: WireDescription | Unset = UNSET
    if offer is None:
        entries = _some("close_tracks", session_id, mids)
    else:
        description = _description("close_tracks", session_id, "offer", offer)
        entries = _at_most_64("close_tracks", session_id, mids)
    read = answers.closed if offer is None else answers.closed_with_offer

    def request(part: list[str]) -> Request[CloseResult]:
        tracks = [CloseTrackRequest(mid=_name("close_tracks", session_id, "mid", mid)) for mid in part]
        body = CloseTracksRequest(tracks=tracks, force=force, session_description=description)
        built = close_tracks_api.build_kwargs(app_id, session_id, body=body)
        return _request("close_tracks", session_id, built, read)

    return Batch(tuple(request(part) for part in _parts(entries)), _join_closes)


def _request(
    operation: str, session_id: str | None, built: dict[str, Any], read: Callable[[Document], T]
) -> Request[T]:
    body = built.get("json")
    query = cast("dict[str, object]", built.get("params", {}))
    return Request(
        operation=operation,
        method=str(built["method"]).upper(),
        path=str(built["url"]),
        read=read,
        session_id=session_id,
        query={key: str(value) for key, value in query.items()},
        body=None if body is None else json.dumps(body, separators=(",", ":")).encode(),
    )


def _local(session_id: str, track: LocalTrack) -> TrackRequest:
    return TrackRequest(
        location="local",
        mid=_name("publish", session_id, "mid", track.mid),
        track_name=_name("publish", session_id, "track_name", track.track_name),
        kind=UNSET if track.kind is None else track.kind,
        bidirectional_media_stream=track.bidirectional or UNSET,
    )


def _remote(call: str, session_id: str, track: RemoteTrack) -> TrackRequest:
    return TrackRequest(
        location="remote",
        session_id=_name(call, session_id, "session_id", track.session_id),
        track_name=_name(call, session_id, "track_name", track.track_name),
        mid=UNSET if track.mid is None else _name(call, session_id, "mid", track.mid),
        kind=UNSET if track.kind is None else track.kind,
        simulcast=UNSET if track.simulcast is None else _simulcast(call, session_id, track.simulcast),
    )


def _simulcast(call: str, session_id: str, simulcast: Simulcast) -> WireSimulcast:
    def fallback(value: str | None) -> SimulcastFallback | Unset:
        try:
            return UNSET if value is None else check_simulcast_fallback(value)
        except TypeError:
            problem = 'a simulcast fall-back is "none" or "asciibetical"'
        raise _invalid(call, session_id, problem)

    return WireSimulcast(
        preferred_rid=UNSET if simulcast.preferred_rid is None else simulcast.preferred_rid,
        priority_ordering=fallback(simulcast.priority_ordering),
        rid_not_available=fallback(simulcast.rid_not_available),
    )


def _description(
    call: str, session_id: str, kind: Literal["offer", "answer"], given: str | SessionDescription
) -> WireDescription:
    description = SessionDescription(kind, given) if isinstance(given, str) else given
    if description.type != kind:
        raise _invalid(call, session_id, f"it takes an {kind}, and was given an {description.type}")
    if not description.sdp.strip():
        raise _invalid(call, session_id, f"the {kind} holds no SDP")
    return WireDescription(type_=kind, sdp=description.sdp)


def _name(call: str, session_id: str, what: str, value: str) -> str:
    # A caller without a type checker can pass anything, and null on the wire means something else.
    if not isinstance(value, str) or not value:  # pyright: ignore[reportUnnecessaryIsInstance]
        raise _invalid(call, session_id, f"{what} must be a string that is not empty")
    return value


def _some(call: str, session_id: str, entries: Iterable[T]) -> list[T]:
    found = list(entries)
    if not found:
        raise _invalid(call, session_id, "there is nothing to do in an empty list")
    return found


def _at_most_64(call: str, session_id: str, entries: Iterable[T]) -> list[T]:
    found = _some(call, session_id, entries)
    if len(found) > TRACKS_PER_REQUEST:
        raise _invalid(
            call,
            session_id,
            f"{len(found)} tracks, and one call takes {TRACKS_PER_REQUEST}: make several, "
            "each with its own offer/answer exchange",
        )
    return found


def _parts(entries: list[T]) -> Iterator[list[T]]:
    rest = iter(entries)
    while part := list(islice(rest, TRACKS_PER_REQUEST)):
        yield part


def _invalid(call: str, session_id: str, problem: str) -> InvalidRequestError:
    return InvalidRequestError(
        f"{call} on session {session_id} was not sent: {problem}.", operation=call, session_id=session_id
    )


def _join_tracks(first: TracksResult, second: TracksResult) -> TracksResult:
    return TracksResult(
        (*first.tracks, *second.tracks),
        requires_renegotiation=first.requires_renegotiation or second.requires_renegotiation,
        extra={**first.extra, **second.extra},
    )


def _join_closes(first: CloseResult, second: CloseResult) -> CloseResult:
    return CloseResult(
        (*first.items, *second.items),
        requires_renegotiation=first.requires_renegotiation or second.requires_renegotiation,
        extra={**first.extra, **second.extra},
    )
