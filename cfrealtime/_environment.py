"""What the environment says of the network: proxies and certificates, as httpx reads them."""

from __future__ import annotations

import os
import ssl
import sys
from functools import cache
from ipaddress import ip_address
from typing import Final
from urllib.parse import SplitResult, urlsplit

from cfrealtime.errors import ConfigurationError

_PROXIES: Final = {"http_proxy", "https_proxy", "all_proxy"}


def proxied() -> bool:
    """Whether there is a proxy. Which hosts it is for is then left to httpx."""
    if sys.platform in {"darwin", "win32"}:
        # Proxies are found in the system's settings, too.
        from urllib.request import getproxies

        return bool({"http", "https", "all"} & getproxies().keys())
    return any(value and name.lower() in _PROXIES for name, value in os.environ.items())


def proxy_for(url: str) -> str | None:
    """The proxy that httpx would use for an address."""
    if not proxied():
        return None
    from urllib.request import getproxies

    found, parts = getproxies(), urlsplit(url)
    if any(_covers(entry.strip(), parts) for entry in found.get("no", "").split(",")):
        return None
    proxy = found.get(parts.scheme) or found.get("all")
    return f"http://{proxy}" if proxy and "://" not in proxy else proxy


def _covers(entry: str, parts: SplitResult) -> bool:
    """Whether an entry of NO_PROXY is for an address: a host and what is below it, or just what is below."""
    if entry in {"", "*"}:
        return entry == "*"
    scheme, _, place = entry.rpartition("://")
    try:
        pattern = urlsplit(f"//{place if scheme else _pattern(place)}")
        port = pattern.port
    except ValueError:
        return False
    host, mine = pattern.hostname or "*", parts.hostname or ""
    if scheme not in {"", "all", parts.scheme} or port not in {None, parts.port}:
        return False
    if host.startswith("*."):
        return mine.endswith(host[1:])
    return host == "*" or mine == host.removeprefix("*") or (host[0] == "*" and mine.endswith(f".{host[1:]}"))


def _pattern(place: str) -> str:
    try:
        # The mask of a network is not looked at.
        address = ip_address(place.split("/")[0])
    except ValueError:
        return place if place.lower() == "localhost" else f"*{place}"
    return str(address) if address.version == 4 else f"[{address}]"


def trusted() -> ssl.SSLContext:
    """A context for clients, as the environment has it now."""
    return _context(os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR"))


@cache
def _context(file: str | None, folder: str | None) -> ssl.SSLContext:
    # Reading the certificates takes some 25 ms: once in a process is enough.
    if file:
        try:
            return ssl.create_default_context(cafile=file)
        except OSError:
            raise ConfigurationError(
                "SSL_CERT_FILE must name a file of certificates in PEM, and this one cannot be read."
            ) from None
    if folder:
        return ssl.create_default_context(capath=folder)
    import certifi

    return ssl.create_default_context(cafile=certifi.where())
