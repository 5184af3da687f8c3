"""What the environment says of the network: proxies and certificates, as httpx reads them."""

from __future__ import annotations

import os
import ssl
import sys
from functools import cache
from typing import Final

_PROXIES: Final = {"http_proxy", "https_proxy", "all_proxy"}


def proxied() -> bool:
    """Whether there is a proxy. Which hosts it is for is then left to httpx."""
    if sys.platform in {"darwin", "win32"}:
        # Proxies are found in the system's settings, too.
        from urllib.request import getproxies

        return bool({"http", "https", "all"} & getproxies().keys())
    return any(value and name.lower() in _PROXIES for name, value in os.environ.items())


def trusted() -> ssl.SSLContext:
    """A context for clients, as the environment has it now."""
    return _context(os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR"))


@cache
def _context(file: str | None, folder: str | None) -> ssl.SSLContext:
    # Reading the certificates takes some 25 ms: once in a process is enough.
    if file:
        return ssl.create_default_context(cafile=file)
    if folder:
        return ssl.create_default_context(capath=folder)
    import certifi

    return ssl.create_default_context(cafile=certifi.where())
