"""What a participant would like to receive, and in which layer: told to its own lane, and to nobody else."""

from __future__ import annotations

from collections.abc import Mapping

from .events import LayersChanged, SelectionChanged
from .layers import STEPS
from .policy import may_see
from .state import Participant, Selection
from .turn import Refused, Turn

LONGEST_ID = 64


def select(turn: Turn, participant: Participant, selection: Selection) -> None:
    """Only this participant's lane has to be looked at. Ids that mean nothing yet may do so later."""
    most, chosen = turn.rules.settings.limits.selection, (*selection.publications, *selection.participants)
    if len(chosen) > most:
        raise Refused("too_many_selected", f"A participant selects at most {most} in all.")
    if any(len(one) > LONGEST_ID for one in chosen):
        raise Refused("bad_message", f"An id has at most {LONGEST_ID} characters.")
    if selection == participant.selection:
        return
    participant.selection = selection
    turn.touch(participant)
    turn.emit(SelectionChanged(turn.room.id, participant.id, selection.publications, selection.participants))


def prefer(turn: Turn, participant: Participant, layers: Mapping[str, str | None]) -> None:
    """Take a client's wishes in, all or none; None takes a wish back."""
    for publication_id, layer in layers.items():
        found = turn.published(publication_id)
        if found is None or found[0] is participant or not may_see(participant, found[0]):
            raise Refused("unknown_publication", "Nobody else publishes that.")
        if layer is not None and layer not in STEPS and layer not in found[1].rids:
            raise Refused("unknown_layer", "A layer is low, medium or high, or a rid of the publication's.")
    after = {**participant.layers, **layers}
    wishes = {publication: layer for publication, layer in after.items() if layer is not None}
    if wishes == participant.layers:
        return
    participant.layers = wishes
    for subscription in participant.lane.subscriptions.values():
        if subscription.publication in layers:
            subscription.layer_retry = None
    turn.touch(participant)
    turn.emit(LayersChanged(turn.room.id, participant.id, dict(wishes)))
