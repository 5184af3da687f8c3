"""Where the service is, who is calling and how: arguments first, then the environment."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from attrs import field, frozen

from cfrealtime._core.conduct import Options
from cfrealtime._core.ids import is_identifier
from cfrealtime.errors import ConfigurationError

if TYPE_CHECKING:
    from cfrealtime.hooks import Hooks

DEFAULT_BASE_URL: Final = "https://rtc.live.cloudflare.com/v1"
BASE_URL: Final = "CLOUDFLARE_REALTIME_BASE_URL"
APP_ID: Final = "CLOUDFLARE_REALTIME_APP_ID"
APP_SECRET: Final = "CLOUDFLARE_REALTIME_APP_SECRET"  # noqa: S105 - the name of a variable, not a secret
TURN_KEY_ID: Final = "CLOUDFLARE_TURN_KEY_ID"
TURN_API_TOKEN: Final = "CLOUDFLARE_TURN_API_TOKEN"  # noqa: S105 - the name of a variable, not a secret

# What may stand in an Authorization header after "Bearer".
_TOKEN: Final = re.compile(r"[\x21-\x7e]+")


@frozen
class Credentials:
    """An id and the secret that goes with it, which is shown in no repr."""

    id: str
    secret: str = field(repr=False)


@frozen
class _Pair:
    """How a pair of credentials is called, as an argument and in the environment."""

    what: str
    id_name: str
    id_argument: str
    id_variable: str
    secret_name: str
    secret_argument: str
    secret_variable: str


_APP: Final = _Pair("Cloudflare Realtime", "App ID", "app_id", APP_ID, "App Secret", "app_secret", APP_SECRET)
_TURN: Final = _Pair(
    "Cloudflare TURN", "TURN key ID", "key_id", TURN_KEY_ID, "API token", "api_token", TURN_API_TOKEN
)


def app(app_id: str | None, app_secret: str | None, environment: Mapping[str, str]) -> Credentials:
    """The credentials of an app, or an error that names what is missing."""
    return _credentials(_APP, app_id, app_secret, environment)


def turn_key(key_id: str | None, api_token: str | None, environment: Mapping[str, str]) -> Credentials:
    """The credentials of a TURN key, or an error that names what is missing."""
    return _credentials(_TURN, key_id, api_token, environment)


def base_url_of(base_url: str | None, environment: Mapping[str, str]) -> str:
    """Where the service is, checked, without a slash at its end."""
    url = base_url or environment.get(BASE_URL) or DEFAULT_BASE_URL
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


def options_of(timeout: float, max_retries: int, hooks: Hooks | None) -> Options:
    """Checked options."""
    if not 0 < timeout < math.inf:
        raise ConfigurationError(
            "timeout= is the seconds that one call may take, more than 0 and not for ever: "
            f"{timeout!r} will not do."
        )
    if type(max_retries) is not int or max_retries < 0:
        raise ConfigurationError(
            f"max_retries= is how often a call may be sent again, 0 or more: {max_retries!r} will not do."
        )
    return Options(timeout, max_retries, hooks)


def changed_options(
    options: Options, timeout: float | None, max_retries: int | None, hooks: Hooks | None
) -> Options:
    """The options with those replaced that are given."""
    return options_of(
        options.timeout if timeout is None else timeout,
        options.max_retries if max_retries is None else max_retries,
        options.hooks if hooks is None else hooks,
    )


def _credentials(
    pair: _Pair, identity: str | None, secret: str | None, environment: Mapping[str, str]
) -> Credentials:
    identity = identity or environment.get(pair.id_variable) or ""
    secret = secret or environment.get(pair.secret_variable) or ""
    missing = [
        name for name, value in ((pair.id_variable, identity), (pair.secret_variable, secret)) if not value
    ]
    if missing:
        raise ConfigurationError(
            f"{pair.what} needs {pair.id_name} and {pair.secret_name}: set {' and '.join(missing)}, or "
            f"pass {pair.id_argument}= and {pair.secret_argument}=. The emulator takes the pair that it was "
            "started with."
        )
    if not is_identifier(identity):
        raise ConfigurationError(
            f"The {pair.id_name} ({pair.id_argument}=, {pair.id_variable}) holds characters that none has."
        )
    if not _TOKEN.fullmatch(secret):
        raise ConfigurationError(
            f"The {pair.secret_name} ({pair.secret_argument}=, {pair.secret_variable}) holds a space, a line "
            "end or another character that none has: copy it again."
        )
    return Credentials(identity, secret)
