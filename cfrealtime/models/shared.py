"""What the values of every part of the API have in common: names on the wire, descriptions, item errors."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal, Self

from attrs import Attribute, field, frozen

from cfrealtime._core.codes import printable_code
from cfrealtime.errors import ItemsFailedError

RETRYABLE_CODES: Final = frozenset(
    {"retryable_transient_error", "not_found_track_error", "empty_track_error"}
)
ALREADY_CLOSED_CODES: Final = frozenset({"close_track_error", "adapter_not_found"})


def wire_name(attribute: Attribute[Any]) -> str:
    """The JSON name of a model's attribute."""
    given = attribute.metadata.get("wire")
    if given is not None:
        return str(given)
    head, *rest = attribute.name.split("_")
    return head + "".join(word.capitalize() for word in rest)


def extra_field() -> Mapping[str, Any]:
    """What an answer held beyond the fields this version knows."""
    return field(factory=dict[str, Any], repr=False, eq=False, kw_only=True)


@frozen
class SessionDescription:
    """One side's half of an offer/answer exchange. The SDP is shown in no repr."""

    type: Literal["offer", "answer"]
    sdp: str = field(repr=False)

    @classmethod
    def offer(cls, sdp: str) -> SessionDescription:
        """An offer."""
        return cls("offer", sdp)

    @classmethod
    def answer(cls, sdp: str) -> SessionDescription:
        """An answer."""
        return cls("answer", sdp)


@frozen
class ItemError:
    """Why one item of a batch failed. The service's own wording is kept, but shown in no repr."""

    code: str = field(repr=printable_code, metadata={"wire": "errorCode"})
    description: str | None = field(default=None, repr=False, metadata={"wire": "errorDescription"})

    @property
    def retryable(self) -> bool:
        """Whether asking for this item alone again, after a pause, is the right thing to do."""
        return self.code in RETRYABLE_CODES

    @property
    def satisfies_close(self) -> bool:
        """Whether, as the answer to a close, it says that there was nothing left to close."""
        return self.code in ALREADY_CLOSED_CODES


class ResultOfItems(ABC):
    """A result in which every item has succeeded or failed on its own."""

    __slots__ = ()

    @property
    @abstractmethod
    def failed(self) -> Sequence[Any]:
        """The items that failed, each with its error."""

    def raise_for_items(self) -> Self:
        """This result, if nothing in it failed; else ItemsFailedError, which holds it whole."""
        if self.failed:
            raise ItemsFailedError(self)
        return self
