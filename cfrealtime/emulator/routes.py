"""Method and path of every operation of the API, by the contract's ids."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

_APP: Final = "/v1/apps/{app_id}"
_SESSION: Final = f"{_APP}/sessions/{{session_id}}"
_TURN: Final = "/v1/turn/keys/{key_id}/credentials"
ROUTES: Final[Mapping[str, tuple[str, str]]] = {
    "new_session": ("POST", f"{_APP}/sessions/new"),
    "get_session": ("GET", _SESSION),
    "new_tracks": ("POST", f"{_SESSION}/tracks/new"),
    "renegotiate": ("PUT", f"{_SESSION}/renegotiate"),
    "close_tracks": ("PUT", f"{_SESSION}/tracks/close"),
    "update_tracks": ("PUT", f"{_SESSION}/tracks/update"),
    "establish_datachannels": ("POST", f"{_SESSION}/datachannels/establish"),
    "new_datachannels": ("POST", f"{_SESSION}/datachannels/new"),
    "update_datachannels": ("PUT", f"{_SESSION}/datachannels/update"),
    "close_datachannels": ("PUT", f"{_SESSION}/datachannels/close"),
    "new_websocket_adapters": ("POST", f"{_APP}/adapters/websocket/new"),
    "close_websocket_adapters": ("POST", f"{_APP}/adapters/websocket/close"),
    "generate_ice_servers": ("POST", f"{_TURN}/generate-ice-servers"),
    "revoke_turn_credential": ("POST", f"{_TURN}/{{username}}/revoke"),
}
