"""What a failure means and what to do about it, in words. Values in, words out; nothing secret among them."""

from __future__ import annotations

import socket
import ssl
from typing import Final

from attrs import frozen

from cfrealtime._checking.findings import Trouble
from cfrealtime._core.codes import printable_code
from cfrealtime._core.settings import (
    APP_ID,
    APP_SECRET,
    BASE_URL,
    DEFAULT_BASE_URL,
    TURN_API_TOKEN,
    TURN_KEY_ID,
)
from cfrealtime.errors import (
    AuthenticationError,
    NotFoundError,
    NotSentError,
    RateLimitError,
    RealtimeError,
)


@frozen
class Pair:
    """Two variables that belong together, and what they are called."""

    owner: str
    id_name: str
    id_variable: str
    secret_name: str
    secret_variable: str
    found: str


APP: Final = Pair("app", "App ID", APP_ID, "App Secret", APP_SECRET, "; the emulator prints its own")
TURN: Final = Pair("TURN key", "TURN key ID", TURN_KEY_ID, "API token", TURN_API_TOKEN, "")

_CHECK_URL: Final = f"See that {BASE_URL} is right, if it is set: the service is at {DEFAULT_BASE_URL}."
_ONLINE: Final = "See whether this machine is online and may look up names on the internet."
_STATUS_PAGE: Final = "Try again in a minute; www.cloudflarestatus.com tells of outages."
# OpenSSL's X509_V_ERR_ numbers.
_NOT_YET, _EXPIRED, _WRONG_HOST, _WRONG_IP = 9, 10, 62, 64
_BAD_GATEWAY_AND_WORSE: Final = 500
_NOTEWORTHY_SKEW: Final = 10.0


def unset(pair: Pair, missing: list[str]) -> Trouble:
    """Variables that are missing."""
    return Trouble(
        f"{_listed(missing)} {_is(missing)} not set.",
        f"Set {pair.id_variable} and {pair.secret_variable}: the Realtime page of the Cloudflare dashboard "
        f"has the {pair.id_name} and the {pair.secret_name}{pair.found}.",
    )


def unresolved(host: str, error: OSError) -> Trouble:
    """A name without an address."""
    if isinstance(error, TimeoutError) or getattr(error, "errno", None) == socket.EAI_AGAIN:
        return Trouble(
            f"No name server told the address of {host}.",
            "See whether this machine is online, and whether its name servers answer (/etc/resolv.conf).",
        )
    return Trouble(
        f"There is no address for {host}.",
        f"{_ONLINE} {_CHECK_URL}",
    )


def malformed_proxy() -> Trouble:
    """A proxy that the environment names in no way that can be understood."""
    return Trouble(
        "The proxy that the environment names cannot be understood.",
        "HTTPS_PROXY, HTTP_PROXY or ALL_PROXY must look like http://host:port.",
    )


def unconnected(host: str, port: int, error: OSError) -> Trouble:
    """No TCP connection."""
    if isinstance(error, ConnectionRefusedError):
        return Trouble(
            f"{host} is there, but nothing listens on its port {port}.",
            "Start what should listen there, the emulator perhaps. " + _CHECK_URL,
        )
    if isinstance(error, TimeoutError):
        return Trouble(
            f"{host} does not answer on port {port}.",
            f"A firewall drops the packets, most likely: allow TCP to port {port}, or set HTTPS_PROXY.",
        )
    return Trouble(
        f"There is no way to {host}, port {port} ({error.strerror or 'connection failed'}).",
        "See whether this machine is online, and whether a firewall or VPN stands in between.",
    )


def untrusted(host: str, error: OSError) -> Trouble:
    """A TLS handshake that failed."""
    if isinstance(error, ssl.SSLCertVerificationError):
        if error.verify_code in {_NOT_YET, _EXPIRED}:
            return Trouble(
                f"The certificate of {host} is out of date, or this machine's clock is.",
                "Set the clock. If it is right, the server's certificate is to be renewed.",
            )
        if error.verify_code in {_WRONG_HOST, _WRONG_IP}:
            return Trouble(f"The certificate is not one for {host}.", _CHECK_URL)
        return Trouble(
            f"The certificate of {host} is signed by nobody this machine trusts.",
            "If a proxy of yours opens TLS connections, put its root certificate into a file and name that "
            "in SSL_CERT_FILE.",
        )
    if isinstance(error, ssl.SSLError) and error.reason in {"WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE"}:
        return Trouble(f"{host} does not speak TLS there.", "Is it http:// and not https://? " + _CHECK_URL)
    return Trouble(
        f"The TLS handshake with {host} broke off ({_reason(error)}).",
        "Something in between cuts encrypted connections, most likely: a firewall, a proxy, a VPN.",
    )


def unencrypted(host: str) -> Trouble:
    """A service elsewhere that is called without TLS."""
    return Trouble(
        f"The App Secret travels to {host} in the clear (http://).",
        f"Use https:// in {BASE_URL}, unless the network in between is yours alone.",
    )


def refused(error: RealtimeError, pair: Pair) -> Trouble:
    """A call that failed with credentials of a pair."""
    said = _said(error)
    if isinstance(error, NotSentError):
        return Trouble(
            "No connection for the call came up, although one did a moment ago.",
            "Try again. With a proxy in the environment: see whether it lets connections to the host pass.",
        )
    if error.status is None:
        return Trouble(
            "The connection was made, but no complete answer came.",
            "Try again with a longer --timeout. If it stays so, a proxy, firewall or VPN cuts connections.",
        )
    if error.status >= _BAD_GATEWAY_AND_WORSE:
        return Trouble(f"The service failed on its side ({said}).", _STATUS_PAGE)
    if isinstance(error, AuthenticationError):
        return Trouble(
            f"The {pair.secret_name} is not the one of this {pair.owner} ({said}).",
            f"Copy it again into {pair.secret_variable}, or make a new one in the Cloudflare dashboard.",
        )
    if isinstance(error, RateLimitError):
        return Trouble(f"The service wants fewer calls ({said}).", "Try again in a minute.")
    if error.code is None:
        return Trouble(
            f"What answered is not the API of Cloudflare Realtime ({said}).",
            f"{_CHECK_URL} A proxy or the sign-in page of a network can answer in its place, too.",
        )
    if isinstance(error, NotFoundError):
        return Trouble(
            f"There is no {pair.owner} with this {pair.id_name} ({said}).",
            f"Copy the {pair.id_name} again into {pair.id_variable}. If {BASE_URL} is set: its path is "
            "most likely /v1.",
        )
    return Trouble(
        f"The service refused the call ({said}).",
        "That should not happen with a call this simple: please report it, with this line.",
    )


def silent(host: str, port: int, error: OSError) -> Trouble:
    """No answer over UDP."""
    if isinstance(error, socket.gaierror):
        return Trouble(f"There is no address for {host}, so UDP cannot be tried.", _ONLINE)
    what = (
        f"No answer came over UDP from {host}, port {port}"
        if isinstance(error, TimeoutError)
        else f"UDP to {host}, port {port}, cannot be sent"
    )
    return Trouble(
        f"{what}. Browsers in this network would not get their media through directly.",
        "If there are any, allow UDP, or give them TURN, which passes over TLS. A backend needs no UDP.",
    )


def skewed(seconds: float) -> Trouble | None:
    """A clock that differs from the service's so much that somebody should know."""
    if abs(seconds) < _NOTEWORTHY_SKEW:
        return None
    direction = "ahead of" if seconds > 0 else "behind"
    return Trouble(
        f"This machine's clock is {abs(seconds):.0f} s {direction} the service's.",
        "Set it: logs will not match Cloudflare's, and certificates can look out of date.",
    )


def _said(error: RealtimeError) -> str:
    """Status, code and Cloudflare's id of the request: what its support asks for."""
    parts = [
        str(error.status or "no status"),
        "no error code" if error.code is None else printable_code(error.code),
    ]
    return ", ".join([" ".join(parts), *([] if error.cf_ray is None else [f"cf-ray {error.cf_ray}"])])


def _reason(error: OSError) -> str:
    if isinstance(error, TimeoutError):
        return "no answer in time"
    reason = error.reason if isinstance(error, ssl.SSLError) else error.strerror
    return str(reason or type(error).__name__).lower().replace("_", " ")


def _listed(names: list[str]) -> str:
    return " and ".join(names)


def _is(names: list[str]) -> str:
    return "is" if len(names) == 1 else "are"
