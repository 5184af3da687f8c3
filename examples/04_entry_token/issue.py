"""Invite somebody: print the link that lets one person into one room.

`python examples/04_entry_token/issue.py standup Ana`
"""

from __future__ import annotations

import argparse
import os
import secrets
import sys
import time
from collections.abc import Sequence
from urllib.parse import quote

from entry import Invitation, issued, key_from

from cfrealtime_rooms import Permissions


def invitation(options: argparse.Namespace, now: float) -> Invitation:
    """What was asked for."""
    sources: list[str] | None = [] if options.watch else options.publish
    publish = None if sources is None else frozenset(sources)
    return Invitation(
        room=options.room,
        # Whoever already knows their users gives their ids: the same identity twice is the same person.
        identity=options.identity or secrets.token_hex(8),
        name=options.name,
        expires=int(now + options.hours * 3600),
        permissions=Permissions(publish=publish, message=not options.no_chat),
    )


def main(arguments: Sequence[str] | None = None) -> None:
    """Print a link."""
    parser = argparse.ArgumentParser(description="Print a link that lets one person into one room.")
    parser.add_argument("room")
    parser.add_argument("name", help="what the others see")
    parser.add_argument("--identity", help="your id of this person (default: a new one)")
    parser.add_argument("--hours", type=float, default=24.0, help="for coming in (default: %(default)s)")
    may = parser.add_mutually_exclusive_group()
    may.add_argument("--watch", action="store_true", help="may see and hear, and be neither seen nor heard")
    may.add_argument("--publish", nargs="+", metavar="SOURCE", help="may publish only these: microphone …")
    parser.add_argument("--no-chat", action="store_true", help="may read, not write")
    parser.add_argument(
        "--url", default="http://127.0.0.1:8004", help="of the meeting (default: %(default)s)"
    )
    options = parser.parse_args(arguments)
    try:
        key = key_from(os.environ)
    except ValueError as error:
        sys.exit(str(error))
    token = issued(invitation(options, time.time()), key)
    # Behind the #, so that browsers send it to no server and servers write it into no log.
    print(f"{options.url}/?room={quote(options.room)}#token={token}")


if __name__ == "__main__":
    main()
