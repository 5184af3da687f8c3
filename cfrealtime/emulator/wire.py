"""Raw JSON to requests: types are checked, unknown fields are tolerated, absent and null are the same.

Field names and types: Contract, the schemas of each operation.
"""

from __future__ import annotations

import json
from typing import Any, Literal, cast

from attrs import frozen

from .fields import as_object, optional, required
from .limits import BODY_BYTES, TRACKS_PER_REQUEST
from .media.plan import Kind
from .refusals import bad_description, decoding_error, invalid_params, payload_too_large
from .state import Fallback, Locator, Simulcast


@frozen
class Description:
    """A session description as it came."""

    type: Literal["offer", "answer"]
    sdp: str


@frozen
class LocalEntry:
    """A section of the endpoint's offer that shall be published under a name."""

    mid: str
    track_name: str
    both_ways: bool = False
    """bidirectionalMediaStream: we may send on the section, too."""


@frozen
class InvitedEntry:
    """A track that the endpoint shall publish on a section of our offer."""

    track_name: str
    kind: Kind
    both_ways: bool = False
    layered: bool = False
    """Whether the endpoint may send simulcast layers: asked for by a `simulcast` of any content."""


@frozen
class RemoteEntry:
    """A publication that the session wants to receive."""

    source: Locator
    simulcast: Simulcast | None
    both_ways: bool = False
    carrier: str | None = None
    """`mid: "#name"`: the track published on the section that shall carry this one back."""


@frozen
class PublishRequest:
    """tracks/new with the endpoint's offer."""

    offer: str
    entries: tuple[LocalEntry, ...]
    auto_discover: bool


@frozen
class InviteRequest:
    """tracks/new with local tracks and no offer: ours asks for them."""

    entries: tuple[InvitedEntry, ...]


@frozen
class SubscribeRequest:
    """tracks/new that asks for our offer."""

    entries: tuple[RemoteEntry, ...]


@frozen
class UpdateEntry:
    """A receiving section that shall carry another layer, or another publication when `source` is given."""

    mid: str
    source: Locator | None
    simulcast: Simulcast | None


@frozen
class CloseRequest:
    """tracks/close: by force when there is no offer."""

    mids: tuple[str, ...]
    offer: str | None

    @property
    def force(self) -> bool:
        """Whether the call needs no exchange."""
        return self.offer is None


def check_size(body: bytes) -> None:
    """Refuse a body that is too large, before anything reads it."""
    if len(body) > BODY_BYTES:
        raise payload_too_large(BODY_BYTES)


def decode(body: bytes) -> object:
    """The body as JSON, whatever its label says (seen in the field: text/plain); None for an empty one."""
    check_size(body)
    if not body.strip():
        return None
    try:
        return cast("object", json.loads(body))
    except (ValueError, RecursionError) as error:
        raise decoding_error("The body is not JSON.") from error


def count_items(body: object) -> int:
    """How many tracks or data channels a body names, for the journal."""
    fields = cast("dict[str, object]", body) if isinstance(body, dict) else {}
    items = fields.get("tracks", fields.get("dataChannels"))
    return len(cast("list[object]", items)) if isinstance(items, list) else 0


def read_new_tracks(body: object) -> PublishRequest | InviteRequest | SubscribeRequest:
    """tracks/new: all entries local, with an offer or without one, or all remote, without one."""
    fields = as_object(body, "The body")
    description = read_description(fields)
    auto_discover = optional(fields, "autoDiscover", bool) or False
    items = _items(fields, required=not auto_discover)
    locations = {read_location(item) for item in items} or {"local"}
    if len(locations) > 1:
        raise invalid_params("All tracks of one call are local, or all are remote.")
    if locations == {"remote"}:
        if description is not None:
            raise invalid_params("A subscription takes no session description: the answer holds the offer.")
        return SubscribeRequest(tuple(_remote(item) for item in items))
    if description is None:
        if auto_discover:
            raise invalid_params("autoDiscover looks for tracks in an offer: sessionDescription is missing.")
        return InviteRequest(tuple(_invited(item) for item in items))
    return PublishRequest(as_offer(description), tuple(_local(item) for item in items), auto_discover)


def read_renegotiate(body: object) -> str:
    """The endpoint's answer to our offer."""
    description = read_description(as_object(body, "The body"))
    if description is None:
        raise invalid_params("sessionDescription is missing.")
    if description.type != "answer":
        raise bad_description("renegotiate takes the answer to an offer, not an offer.")
    return description.sdp


def read_update_tracks(body: object) -> tuple[UpdateEntry, ...]:
    """tracks/update: one entry for each receiving mid."""
    return tuple(_update(item) for item in _items(as_object(body, "The body")))


def read_close_tracks(body: object) -> CloseRequest:
    """tracks/close: by force without a description, or with the endpoint's offer."""
    fields = as_object(body, "The body")
    mids = tuple(required(item, "mid", str) for item in _items(fields))
    force = optional(fields, "force", bool)
    if force is None:
        raise decoding_error("force is missing.")
    description = read_description(fields)
    if force:
        return CloseRequest(mids, None)
    if description is None:
        raise invalid_params("A close without force needs sessionDescription with an offer.")
    return CloseRequest(mids, as_offer(description))


def _items(fields: dict[str, Any], *, required: bool = True) -> list[dict[str, Any]]:
    value = fields.get("tracks")
    if not isinstance(value, list | None):
        raise decoding_error("tracks has the wrong type.")
    items = [as_object(item, "A track") for item in cast("list[object]", value or [])]
    if required and not items:
        raise invalid_params("tracks is missing or empty.")
    if len(items) > TRACKS_PER_REQUEST:
        raise invalid_params(f"More than {TRACKS_PER_REQUEST} tracks in one call.")
    return items


def read_description(fields: dict[str, Any]) -> Description | None:
    """The body's sessionDescription, if it has one."""
    value = fields.get("sessionDescription")
    if value is None:
        return None
    description = as_object(value, "sessionDescription")
    kind = required(description, "type", str)
    if kind not in ("offer", "answer"):
        raise decoding_error("sessionDescription.type is neither offer nor answer.")
    return Description("offer" if kind == "offer" else "answer", required(description, "sdp", str))


def as_offer(description: Description) -> str:
    """The SDP of a description that must be an offer."""
    if description.type != "offer":
        raise bad_description("This call takes the endpoint's offer, not an answer.")
    return description.sdp


def read_location(item: dict[str, Any]) -> str:
    """Which side an item is on."""
    location = optional(item, "location", str)
    if location not in ("local", "remote"):
        raise decoding_error("location is neither local nor remote.")
    return location


def named(item: dict[str, Any], name: str) -> str:
    """A field of an item that must be there and not be empty."""
    value = optional(item, name, str)
    if not value:
        raise invalid_params(f"{name} is missing or empty.")
    return value


def _local(item: dict[str, Any]) -> LocalEntry:
    return LocalEntry(named(item, "mid"), named(item, "trackName"), _both_ways(item))


def _invited(item: dict[str, Any]) -> InvitedEntry:
    kind = optional(item, "kind", str)
    if kind not in ("audio", "video"):
        raise invalid_params("Without an offer each track needs its kind: audio or video.")
    layered = kind == "video" and _simulcast(item) is not None
    return InvitedEntry(
        named(item, "trackName"), "audio" if kind == "audio" else "video", _both_ways(item), layered
    )


def _remote(item: dict[str, Any]) -> RemoteEntry:
    source = Locator(named(item, "sessionId"), named(item, "trackName"))
    mid = optional(item, "mid", str) or ""
    # Any other mid is one of another answer, passed on: seen in the field, and ignored.
    carrier = mid[1:] if mid.startswith("#") else None
    return RemoteEntry(source, _simulcast(item), _both_ways(item), carrier)


def _both_ways(item: dict[str, Any]) -> bool:
    return optional(item, "bidirectionalMediaStream", bool) or False


def _update(item: dict[str, Any]) -> UpdateEntry:
    session_id = optional(item, "sessionId", str)
    track_name = optional(item, "trackName", str)
    source = Locator(session_id, track_name) if session_id and track_name else None
    return UpdateEntry(optional(item, "mid", str) or "", source, _simulcast(item))


def _simulcast(item: dict[str, Any]) -> Simulcast | None:
    value = item.get("simulcast")
    if value is None:
        return None
    fields = as_object(value, "simulcast")
    return Simulcast(
        optional(fields, "preferredRid", str),
        _fallback(fields, "priorityOrdering"),
        _fallback(fields, "ridNotAvailable"),
    )


def _fallback(fields: dict[str, Any], name: str) -> Fallback:
    value = optional(fields, name, str)
    if value is None:
        return "none"
    if value not in ("none", "asciibetical"):
        raise decoding_error(f"{name} is neither none nor asciibetical.")
    return "none" if value == "none" else "asciibetical"
