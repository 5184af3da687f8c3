"""What a client knows of its room: read by hand, so that it shares no codec with the room. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from attrs import Factory, frozen

from cfrealtime_rooms.core.notices import Error, Message, ParticipantView, PublicationView

Json = Mapping[str, Any]
"""An object that arrived."""


@frozen
class Roster:
    """The room at one revision."""

    revision: int = -1
    participants: Mapping[str, ParticipantView] = Factory(dict[str, ParticipantView])

    def owner(self, publication_id: str) -> tuple[ParticipantView, PublicationView] | None:
        """Whose publication this is; None once it is gone, or not known yet."""
        for participant in self.participants.values():
            for publication in participant.publications:
                if publication.id == publication_id:
                    return participant, publication
        return None

    def label(self, participant_id: str) -> str:
        """The name of a participant where it is unique in the room, else its id."""
        name = self.participants[participant_id].name
        same = sum(one.name == name for one in self.participants.values())
        return name if same == 1 else participant_id


def whole(message: Json) -> Roster:
    """The room of a snapshot."""
    return Roster(message["revision"], {one["id"]: _participant(one) for one in message["participants"]})


def changed(roster: Roster, delta: Json) -> Roster | None:
    """The room after a delta; None where revisions are missing in between."""
    if delta["revision"] <= roster.revision:
        return roster
    if delta["since"] != roster.revision:
        return None
    gone = {one["id"] for one in delta.get("left", ())}
    new = {one["id"]: _participant(one) for one in delta.get("participants", ())}
    kept = {key: value for key, value in roster.participants.items() if key not in gone}
    return Roster(delta["revision"], {**kept, **new})


def _participant(view: Json) -> ParticipantView:
    return ParticipantView(
        id=view["id"],
        identity=view["identity"],
        name=view["name"],
        state=view["state"],
        attributes=dict(view.get("attributes", {})),
        publications=tuple(
            PublicationView(
                one["id"], one["source"], one["kind"], one["muted"], one["state"], _several(one.get("rids"))
            )
            for one in view.get("publications", ())
        ),
    )


def _several(rids: Sequence[str] | None) -> tuple[str, ...] | None:
    return tuple(rids) if rids else None


def said(message: Json) -> Message:
    """Something that was said."""
    to = message.get("to")
    return Message(
        message["sender"], message.get("text"), message.get("data"), tuple(to) if to is not None else None
    )


def refusal(message: Json) -> Error:
    """Something that was refused."""
    return Error(message["code"], message["message"], message.get("in_reply_to"), message.get("source"))
