"""Numbers of a room that must not be taken for each other, and what documents give. Checked, never run."""

# pyright: strict

from __future__ import annotations

from typing import assert_type

from cfrealtime_rooms import RoomEvent, SessionReplaced, dump_event, load_event
from cfrealtime_rooms.core.calls import Failed, Look
from cfrealtime_rooms.core.ids import Epoch, Exchange, OperationId, RoomRevision
from cfrealtime_rooms.core.inputs import Returned
from cfrealtime_rooms.core.notices import Delta, Mids, RoomAnswer
from cfrealtime_rooms.core.phases import AwaitingOffer, Calling
from cfrealtime_rooms.core.state import Lane, Operation, Participant, Room


def made(room: Room, participant: Participant, lane: Lane) -> None:
    """Each number is made in one place, and of one type."""
    assert_type(room.revision, RoomRevision)
    assert_type(room.next_operation(), OperationId)
    assert_type(participant.next_exchange(), Exchange)
    assert_type(participant.told, RoomRevision)
    assert_type(lane.epoch, Epoch)
    assert_type(lane.next_epoch(), Epoch)


def mixed(room: Room, lane: Lane, operation: Operation, exchange: Exchange) -> None:
    """None of them goes where another belongs, and no plain number goes anywhere."""
    Lane(1)  # type: ignore[arg-type]
    Lane(room.revision)  # type: ignore[arg-type]
    lane.epoch = operation.id  # type: ignore[assignment]
    lane.epoch = lane.epoch + 1  # type: ignore[assignment]
    room.revision = lane.epoch  # type: ignore[assignment]
    room.operations[lane.epoch]  # type: ignore[index]
    Calling(exchange)  # type: ignore[arg-type]
    AwaitingOffer(operation.id, 1.0)  # type: ignore[arg-type]
    Operation(room.revision, Look("s"), "p", lane.epoch)  # type: ignore[arg-type]
    Operation(operation.id, Look("s"), "p", operation.id)  # type: ignore[arg-type]
    Returned(lane.epoch, Failed("unknown"))  # type: ignore[arg-type]
    RoomAnswer(lane.epoch, exchange, "v=0")  # type: ignore[arg-type]
    Mids(exchange, {})  # type: ignore[arg-type]
    Delta(room.revision, lane.epoch)  # type: ignore[arg-type]
    SessionReplaced("hall", "p", operation.id, "gone")  # type: ignore[arg-type]


def documents(event: RoomEvent) -> None:
    """Events come out as they went in."""
    assert_type(dump_event(event), bytes)
    assert_type(load_event(b""), RoomEvent)
    assert_type(load_event(""), RoomEvent)
    dump_event("room_opened")  # type: ignore[arg-type]
