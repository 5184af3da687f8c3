"""Requests about audio and video: publish, subscribe, update, close."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from cfrealtime._core.exchange import Batch, Request, Safety
from cfrealtime._core.requests import answers
from cfrealtime._core.requests.build import at_most_64, description, entries_of, invalid, name, parts, request
from cfrealtime._generated.api.tracks import close_tracks as close_tracks_api
from cfrealtime._generated.api.tracks import new_tracks as new_tracks_api
from cfrealtime._generated.api.tracks import update_tracks as update_tracks_api
from cfrealtime._generated.models.close_track_request import CloseTrackRequest
from cfrealtime._generated.models.close_tracks_request import CloseTracksRequest
from cfrealtime._generated.models.session_description import SessionDescription as WireDescription
from cfrealtime._generated.models.simulcast import Simulcast as WireSimulcast
from cfrealtime._generated.models.simulcast_fallback import SimulcastFallback, check_simulcast_fallback
from cfrealtime._generated.models.track_request import TrackRequest
from cfrealtime._generated.models.tracks_request import TracksRequest
from cfrealtime._generated.models.update_tracks_request import UpdateTracksRequest
from cfrealtime._generated.types import UNSET, Unset
from cfrealtime.models.shared import SessionDescription
from cfrealtime.models.tracks import CloseResult, LocalTrack, NewTrack, RemoteTrack, Simulcast, TracksResult

KINDS = ("audio", "video")


def publish(
    app_id: str, session_id: str, offer: str | SessionDescription, tracks: Iterable[LocalTrack]
) -> Request[TracksResult]:
    """Publish tracks with the endpoint's offer."""
    entries = at_most_64("publish", session_id, entries_of("publish", session_id, tracks, LocalTrack))
    body = TracksRequest(
        session_description=description("publish", session_id, "offer", offer),
        tracks=[_local(session_id, track) for track in entries],
    )
    return _new_tracks(app_id, session_id, body, answers.published)


def publish_all(app_id: str, session_id: str, offer: str | SessionDescription) -> Request[TracksResult]:
    """Publish every new track that is found in the endpoint's offer, under names the service makes."""
    body = TracksRequest(
        session_description=description("publish_all", session_id, "offer", offer), auto_discover=True
    )
    return _new_tracks(app_id, session_id, body, answers.published)


def publish_without_offer(app_id: str, session_id: str, tracks: Iterable[NewTrack]) -> Request[TracksResult]:
    """Publish tracks on media sections that the service offers."""
    call = "publish_without_offer"
    entries = at_most_64(call, session_id, entries_of(call, session_id, tracks, NewTrack))
    body = TracksRequest(tracks=[_new(call, session_id, track) for track in entries])
    return _new_tracks(app_id, session_id, body, answers.subscribed)


def subscribe(app_id: str, session_id: str, tracks: Iterable[RemoteTrack]) -> Request[TracksResult]:
    """Ask for publications; the service makes an offer."""
    entries = at_most_64("subscribe", session_id, entries_of("subscribe", session_id, tracks, RemoteTrack))
    body = TracksRequest(tracks=[_remote("subscribe", session_id, track) for track in entries])
    # Media sections that exist already may need no exchange; whether they do is not documented.
    in_place = all(track.mid is not None for track in entries)
    read = answers.subscribed_in_place if in_place else answers.subscribed
    return _new_tracks(app_id, session_id, body, read)


def update_tracks(app_id: str, session_id: str, tracks: Iterable[RemoteTrack]) -> Batch[TracksResult]:
    """Change what receiving mids carry, 64 at a time."""

    def part_request(part: list[RemoteTrack]) -> Request[TracksResult]:
        body = UpdateTracksRequest(tracks=[_remote("update_tracks", session_id, track) for track in part])
        built = update_tracks_api.build_kwargs(app_id, session_id, body=body)
        return request("update_tracks", session_id, built, answers.updated, Safety.ONCE)

    entries = entries_of("update_tracks", session_id, tracks, RemoteTrack)
    if any(track.mid is None for track in entries):
        raise invalid("update_tracks", session_id, "every track needs the mid that is to change")
    return Batch(tuple(part_request(part) for part in parts(entries)), _join_tracks)


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
        raise invalid("close_tracks", session_id, "mids is a list of mids, not one string")
    if force == (offer is not None):
        raise invalid(
            "close_tracks", session_id, "pass either force=True or offer=, not both and not neither"
        )
    entries = entries_of("close_tracks", session_id, mids, str)
    wire: WireDescription | Unset = UNSET
    if offer is not None:
        wire = description("close_tracks", session_id, "offer", offer)
        at_most_64("close_tracks", session_id, entries)
    read = answers.closed if offer is None else answers.closed_with_offer
    safety = Safety.IDEMPOTENT if offer is None else Safety.ONCE

    def part_request(part: list[str]) -> Request[CloseResult]:
        tracks = [CloseTrackRequest(mid=name("close_tracks", session_id, "mid", mid)) for mid in part]
        body = CloseTracksRequest(tracks=tracks, force=force, session_description=wire)
        built = close_tracks_api.build_kwargs(app_id, session_id, body=body)
        return request("close_tracks", session_id, built, read, safety)

    return Batch(tuple(part_request(part) for part in parts(entries)), _join_closes)


def join_subscriptions(results: Sequence[TracksResult]) -> TracksResult:
    """The results of several whole exchanges as one, in which nothing is left to do."""
    return TracksResult(tuple(track for result in results for track in result.tracks))


def _new_tracks(
    app_id: str, session_id: str, body: TracksRequest, read: answers.Reader[TracksResult]
) -> Request[TracksResult]:
    built = new_tracks_api.build_kwargs(app_id, session_id, body=body)
    return request("new_tracks", session_id, built, read, Safety.ONCE)


def _local(session_id: str, track: LocalTrack) -> TrackRequest:
    return TrackRequest(
        location="local",
        mid=name("publish", session_id, "mid", track.mid),
        track_name=name("publish", session_id, "track_name", track.track_name),
        kind=UNSET if track.kind is None else _kind("publish", session_id, track.kind),
        bidirectional_media_stream=track.bidirectional or UNSET,
    )


def _new(call: str, session_id: str, track: NewTrack) -> TrackRequest:
    return TrackRequest(
        location="local",
        track_name=name(call, session_id, "track_name", track.track_name),
        kind=_kind(call, session_id, track.kind),
        bidirectional_media_stream=track.bidirectional or UNSET,
    )


def _remote(call: str, session_id: str, track: RemoteTrack) -> TrackRequest:
    return TrackRequest(
        location="remote",
        session_id=name(call, session_id, "session_id", track.session_id),
        track_name=name(call, session_id, "track_name", track.track_name),
        mid=UNSET if track.mid is None else name(call, session_id, "mid", track.mid),
        kind=UNSET if track.kind is None else _kind(call, session_id, track.kind),
        simulcast=UNSET if track.simulcast is None else _simulcast(call, session_id, track.simulcast),
    )


def _kind(call: str, session_id: str, kind: str) -> str:
    if kind not in KINDS:
        raise invalid(call, session_id, 'kind is "audio" or "video"')
    return kind


def _simulcast(call: str, session_id: str, simulcast: Simulcast) -> WireSimulcast:
    def fallback(value: str | None) -> SimulcastFallback | Unset:
        try:
            return UNSET if value is None else check_simulcast_fallback(value)
        except TypeError:
            problem = 'a simulcast fall-back is "none" or "asciibetical"'
        raise invalid(call, session_id, problem)

    return WireSimulcast(
        preferred_rid=UNSET if simulcast.preferred_rid is None else simulcast.preferred_rid,
        priority_ordering=fallback(simulcast.priority_ordering),
        rid_not_available=fallback(simulcast.rid_not_available),
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
