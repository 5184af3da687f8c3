"""What is said to programs that shall use the emulator."""

from __future__ import annotations

from collections.abc import Mapping


def environment_of(apps: Mapping[str, str], turn_keys: Mapping[str, str], base_url: str) -> dict[str, str]:
    """Their environment variables: the address, and the first app and TURN key with their secrets."""
    environment = dict[str, str]()
    for app_id, secret in list(apps.items())[:1]:
        environment |= {"CLOUDFLARE_REALTIME_APP_ID": app_id, "CLOUDFLARE_REALTIME_APP_SECRET": secret}
    environment["CLOUDFLARE_REALTIME_BASE_URL"] = base_url
    for key_id, token in list(turn_keys.items())[:1]:
        environment |= {"CLOUDFLARE_TURN_KEY_ID": key_id, "CLOUDFLARE_TURN_API_TOKEN": token}
    return environment
