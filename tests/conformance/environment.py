"""What the environment says of whom to ask, and with what."""

from __future__ import annotations

import os

from attrs import field, frozen

WANTED = "CFREALTIME_CONFORMANCE"
APP_ID, APP_SECRET = "CLOUDFLARE_REALTIME_APP_ID", "CLOUDFLARE_REALTIME_APP_SECRET"
BASE_URL = "CLOUDFLARE_REALTIME_BASE_URL"
TURN_KEY, TURN_TOKEN = "CLOUDFLARE_TURN_KEY_ID", "CLOUDFLARE_TURN_API_TOKEN"
WEBSOCKET, PORT = "CFREALTIME_CONFORMANCE_WEBSOCKET", "CFREALTIME_CONFORMANCE_PORT"
SERVICE = "https://rtc.live.cloudflare.com/v1"

NEEDED = {
    "test_turn": ((TURN_KEY, TURN_TOKEN), "a key of TURN and its token"),
    "test_adapters_at_work": ((WEBSOCKET,), "a wss:// URL at which the service finds a port of this machine"),
}
"""What some modules need of the service beyond an app, and what that is."""


class UnusableError(Exception):
    """The service was asked for and cannot be asked; its words say why."""


@frozen
class App:
    """An app of the service."""

    base_url: str
    app_id: str
    secret: str = field(repr=False)


def is_live() -> bool:
    """Whether the service shall be asked, too. Raises UnusableError."""
    wanted = _value(WANTED)
    if wanted not in ("", "live"):
        raise UnusableError(f"{WANTED} is {wanted!r}: `live` asks the service, too, and nothing does not.")
    if wanted and (missing := _lacking(APP_ID, APP_SECRET)):
        raise UnusableError(f"{WANTED} is `live`, but {missing}.")
    return bool(wanted)


def targets(module: str = "") -> list[str]:
    """Whom to ask what a module asks: the service only where somebody wants it and it can be."""
    return ["emulator", "service"] if is_live() and left_out(module) is None else ["emulator"]


def left_out(module: str) -> str | None:
    """Why the service is not asked what a module asks, although it is asked other things."""
    names, what = NEEDED.get(module, ((), ""))
    missing = _lacking(*names)
    return f"{missing}: {what}" if missing and is_live() else None


def _lacking(*names: str) -> str:
    missing = [name for name in names if not _value(name)]
    return f"{' and '.join(missing)} {'is' if len(missing) == 1 else 'are'} not set" if missing else ""


def app() -> App:
    """The app to ask with."""
    return App((_value(BASE_URL) or SERVICE).rstrip("/"), _value(APP_ID), _value(APP_SECRET))


def turn() -> tuple[str, str] | None:
    """TURN key and token, if there are any."""
    key, token = _value(TURN_KEY), _value(TURN_TOKEN)
    return (key, token) if key and token else None


def websocket() -> str | None:
    """The URL that leads to `port`, if there is one."""
    return _value(WEBSOCKET).rstrip("/") or None


def port() -> int:
    """Where the WebSocket server of a test listens for the service. Raises UnusableError."""
    text = _value(PORT) or "8765"
    if not text.isdecimal() or not 0 < int(text) < 65_536:
        raise UnusableError(f"{PORT} is {text!r}, which is no port.")
    return int(text)


def _value(name: str) -> str:
    return os.environ.get(name, "").strip()  # what is read from a file ends with a line's end
