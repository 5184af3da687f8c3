"""Keeping TURN user names out of the log of httpx, which writes the URL of every request."""

from __future__ import annotations

import logging
import re
from typing import Final

HIDDEN: Final = "[hidden]"

# `generate-ice-servers` stands in the same place, and is no secret.
_AFTER_CREDENTIALS: Final = re.compile(r"(/credentials/)(?!generate-ice-servers\b)[^/?#\s\"']+")


def redacted(value: object) -> object:
    """A log record's argument without the user name in it; one that holds none is given back as it is."""
    text = str(value)
    shown = _AFTER_CREDENTIALS.sub(rf"\1{HIDDEN}", text)
    return value if shown == text else shown


class CredentialsFilter(logging.Filter):
    """Lets every record pass, and hides what follows /credentials/ in it.

    Loggers hand their filters records of their own only, not those of their children.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        """Redact the record's message and arguments."""
        record.msg = redacted(record.msg)
        match record.args:
            case tuple() as args:
                record.args = tuple(redacted(arg) for arg in args)
            case dict() as named:
                record.args = {name: redacted(arg) for name, arg in named.items()}
            case _:
                pass
        return True


_FILTER: Final = CredentialsFilter()


def redact(logger: str = "httpx") -> None:
    """Have a logger hide user names from now on. Doing it twice changes nothing."""
    logging.getLogger(logger).addFilter(_FILTER)
