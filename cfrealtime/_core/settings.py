"""Where the service is and who is calling: arguments first, then the environment."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

from attrs import field, frozen

from cfrealtime._core.ids import is_identifier
from cfrealtime.errors import ConfigurationError

DEFAULT_BASE_URL: Final = "https://rtc.live.cloudflare.com/v1"
APP_ID: Final = "CLOUDFLARE_REALTIME_APP_ID"
APP_SECRET: Final = "CLOUDFLARE_REALTIME_APP_SECRET"  # noqa: S105 - the name of a variable, not a secret
BASE_URL: Final = "CLOUDFLARE_REALTIME_BASE_URL"

# What may stand in an Authorization header after "Bearer".
_TOKEN: Final = re.compile(r"[\x21-\x7e]+")


@frozen
class Settings:
    """Checked settings. The secret is shown in no repr."""

    app_id: str
    app_secret: str = field(repr=False)
    base_url: str
    timeout: float


def resolve(
    app_id: str | None,
    app_secret: str | None,
    base_url: str | None,
    timeout: float,
    environment: Mapping[str, str],
) -> Settings:
    """Settings from what was given and what the environment adds, or an error that names what is missing."""
    given = {APP_ID: app_id or environment.get(APP_ID), APP_SECRET: app_secret or environment.get(APP_SECRET)}
    missing = [name for name, value in given.items() if not value]
    if missing:
        raise ConfigurationError(
            f"Cloudflare Realtime needs an App ID and an App Secret: set {' and '.join(missing)}, "
            "or pass app_id= and app_secret=. The emulator takes the pair that it was started with."
        )
    identity, secret = given[APP_ID] or "", given[APP_SECRET] or ""
    if not is_identifier(identity):
        raise ConfigurationError(f"The App ID (app_id=, {APP_ID}) holds characters that no App ID has.")
    if not _TOKEN.fullmatch(secret):
        raise ConfigurationError(
            f"The App Secret (app_secret=, {APP_SECRET}) holds a space, a line end or another character that "
            "no secret has: copy it again."
        )
    if not 0 < timeout < math.inf:
        raise ConfigurationError(
            "timeout= is the seconds that one request may take, more than 0 and not for ever: "
            f"{timeout!r} will not do."
        )
    return Settings(
        identity, secret, _checked_url(base_url or environment.get(BASE_URL) or DEFAULT_BASE_URL), timeout
    )


def _checked_url(url: str) -> str:
    try:
        parts = urlsplit(url)
        usable = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable, parts = False, urlsplit("")
    if not usable or parts.query or parts.fragment or parts.username or not url.isascii() or " " in url:
        raise ConfigurationError(
            f"The base URL (base_url=, {BASE_URL}) must look like {DEFAULT_BASE_URL}: "
            "http or https, a host, perhaps a path, nothing else."
        )
    return url.rstrip("/")
