"""The steps of the check, in an order in which the first that fails is the one to mend."""

from __future__ import annotations

import socket
import time
from collections.abc import Generator, Iterator, Mapping
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from cfrealtime._checking import words
from cfrealtime._checking.findings import Finding, Status
from cfrealtime._checking.network import Address, Network, is_this_machine
from cfrealtime._core import settings
from cfrealtime._environment import proxy_for
from cfrealtime.errors import ConfigurationError, RealtimeError

if TYPE_CHECKING:
    from cfrealtime.blocking.client import Realtime

STUN_HOST: Final = "stun.cloudflare.com"
STUN_PORT: Final = 3478
_STUN_PATIENCE: Final = 3.0
_TTL: Final = 60
_CORRECT: Final = "Correct it: a value is one line, without quotes around it."

Step = Generator[Finding, None, bool]
"""Says what it has found, and gives whether the next step makes sense."""


class Check:
    """One run of all steps, with what one step finds out for the next."""

    def __init__(
        self, environment: Mapping[str, str], seconds: float, network: Network | None = None
    ) -> None:
        self._environment = environment
        self._seconds = seconds
        self._network = network or Network()
        self._base_url = ""
        self._addresses: list[Address] = []
        self._client: Realtime | None = None

    @property
    def service(self) -> str:
        """Whom the check asks: a host, never a whole URL."""
        try:
            url = settings.base_url_of(None, self._environment)
        except ConfigurationError:
            return "nobody"
        return urlsplit(url).netloc

    def run(self) -> Iterator[Finding]:
        """Every finding, as soon as it is there."""
        configured = yield from self._settings()
        if not self._base_url:
            return
        try:
            reached = yield from self._reach()
            lost = None if reached else "the service cannot be reached"
            yield from self._calls(lost if configured else "the settings are to be mended first")
            yield from self._turn(lost)
            yield from self._udp()
        finally:
            if self._client is not None:
                self._client.close()

    # Settings.

    def _settings(self) -> Step:
        try:
            self._base_url = settings.base_url_of(None, self._environment)
        except ConfigurationError as error:
            yield Finding("settings", Status.FAILED, str(error), f"Correct {settings.BASE_URL}, or unset it.")
            return False
        missing = self._missing(words.APP)
        if missing:
            yield words.unset(words.APP, missing).at("settings")
            return False
        from cfrealtime.blocking.client import Realtime

        try:
            self._client = Realtime(
                *self._pair(words.APP), base_url=self._base_url, timeout=self._seconds, max_retries=0
            )
        except ConfigurationError as error:
            yield Finding("settings", Status.FAILED, str(error), _CORRECT)
            return False
        where = (
            f"{settings.BASE_URL} too"
            if self._environment.get(settings.BASE_URL)
            else "the service is Cloudflare's"
        )
        yield Finding("settings", Status.OK, f"{settings.APP_ID} and {settings.APP_SECRET} are set; {where}.")
        return True

    def _missing(self, pair: words.Pair) -> list[str]:
        return [name for name in (pair.id_variable, pair.secret_variable) if not self._environment.get(name)]

    def _pair(self, pair: words.Pair) -> tuple[str, str]:
        return self._environment[pair.id_variable], self._environment[pair.secret_variable]

    # The way there.

    def _reach(self) -> Step:
        url, proxy = urlsplit(self._base_url), proxy_for(self._base_url)
        target = urlsplit(proxy) if proxy else url
        host = target.hostname or ""
        try:
            port = target.port or (443 if target.scheme == "https" else 80)
        except ValueError:
            yield words.malformed_proxy().at("name")
            return False
        try:
            addresses = self._network.resolve(host, port, self._seconds)
        except OSError as error:
            yield words.unresolved(host, error).at("name")
            return False
        self._addresses = [] if proxy else addresses
        yield Finding("name", Status.OK, f"{host}{', a proxy,' if proxy else ''} can be found.")
        try:
            connection = self._network.connect(addresses, self._seconds)
        except OSError as error:
            yield words.unconnected(host, port, error).at("connection")
            return False
        yield Finding("connection", Status.OK, f"Port {port} of {host} takes connections.")
        with connection:
            if proxy:
                yield Finding("encryption", Status.NOT_TRIED, "Not tried by itself: a proxy is in between.")
                return True
            return (yield from self._encrypt(connection, host, secure=url.scheme == "https"))

    def _encrypt(self, connection: socket.socket, host: str, *, secure: bool) -> Step:
        if not secure:
            if is_this_machine(self._addresses):
                yield Finding(
                    "encryption", Status.NOT_TRIED, "None on the way to this machine itself (http://)."
                )
            else:
                yield words.unencrypted(host).at("encryption", Status.NOTED)
            return True
        try:
            version = self._network.encrypt(connection, host, self._seconds)
        except ConfigurationError as error:
            yield Finding("encryption", Status.FAILED, str(error), _CORRECT)
            return False
        except OSError as error:
            yield words.untrusted(host, error).at("encryption")
            return False
        yield Finding("encryption", Status.OK, f"{version}, and the certificate is trusted.")
        return True

    # Calls.

    def _calls(self, why_not: str | None) -> Step:
        """The app's credentials, then a session's state, then the clock, as answers tell the time."""
        if self._client is None or why_not is not None:
            yield Finding("app", Status.NOT_TRIED, f"Not tried: {why_not}.")
            yield Finding("session", Status.NOT_TRIED, "Not tried: no session was made.")
            return False
        try:
            made = self._client.with_raw_response.new_session()
        except RealtimeError as error:
            yield words.refused(error, words.APP).at("app")
            yield Finding("session", Status.NOT_TRIED, "Not tried: no session was made.")
            return False
        skew = _skew(made.headers.get("date"), time.time())
        yield Finding("app", Status.OK, "The service takes App ID and App Secret, and made a session.")
        try:
            made.value.get_state()
        except RealtimeError as error:
            yield words.refused(error, words.APP).at("session")
        else:
            yield Finding("session", Status.OK, "Its state can be read. Unused, it expires by itself.")
        trouble = words.skewed(skew)
        if trouble is not None:
            yield trouble.at("clock", Status.NOTED)
        return True

    def _turn(self, why_not: str | None) -> Step:
        missing = self._missing(words.TURN)
        if len(missing) == 2:
            variables = f"{settings.TURN_KEY_ID} and {settings.TURN_API_TOKEN}"
            yield Finding("turn", Status.NOT_TRIED, f"Not tried: {variables} are not set.")
            return False
        if missing:
            yield words.unset(words.TURN, missing).at("turn")
            return False
        if why_not is not None:
            yield Finding("turn", Status.NOT_TRIED, f"Not tried: {why_not}.")
            return False
        from cfrealtime.blocking.turn import Turn

        try:
            turn = Turn(
                *self._pair(words.TURN), base_url=self._base_url, timeout=self._seconds, max_retries=0
            )
        except ConfigurationError as error:
            yield Finding("turn", Status.FAILED, str(error), _CORRECT)
            return False
        with turn:
            try:
                servers = turn.generate_ice_servers(_TTL).servers
                names = {server.username for server in servers if server.username is not None}
                for name in names:
                    turn.revoke(name)
            except RealtimeError as error:
                yield words.refused(error, words.TURN).at("turn")
                return False
        yield Finding("turn", Status.OK, "Credentials for a relay were made, and revoked again.")
        return True

    def _udp(self) -> Step:
        if is_this_machine(self._addresses):
            yield Finding("udp", Status.NOT_TRIED, "Not tried: the service is on this machine.")
            return False
        try:
            seconds = self._network.ask_stun(STUN_HOST, STUN_PORT, min(self._seconds, _STUN_PATIENCE))
        except OSError as error:
            yield words.silent(STUN_HOST, STUN_PORT, error).at("udp", Status.NOTED)
            return False
        shown = f"{STUN_HOST} answers over UDP, port {STUN_PORT}, within {seconds * 1000:.0f} ms."
        yield Finding("udp", Status.OK, shown)
        return True


def _skew(date: str | None, now: float) -> float:
    """How many seconds our clock is ahead of the service's; 0 where it does not tell the time."""
    try:
        return now - parsedate_to_datetime(date or "").timestamp()
    except ValueError:
        return 0.0
