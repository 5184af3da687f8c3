"""What each failure of the check means in words, and how a report looks on paper of every kind."""

from __future__ import annotations

import io
import json
import socket
import ssl

import pytest

from cfrealtime._checking import report, stun, words
from cfrealtime._checking.findings import Finding, Status, Trouble, passed
from cfrealtime.errors import (
    AuthenticationError,
    BadRequestError,
    NotFoundError,
    NotSentError,
    OutcomeUnknownError,
    RateLimitError,
    ServerError,
    UnexpectedAnswerError,
)

CALL = {"operation": "new_session"}


def untrusted(verify_code):
    error = ssl.SSLCertVerificationError("prose")
    error.verify_code = verify_code
    return words.untrusted("host", error)


def not_tls(reason):
    error = ssl.SSLError("prose")
    error.reason = reason
    return words.untrusted("host", error)


@pytest.mark.parametrize(
    ("trouble", "text", "advice"),
    [
        (words.unset(words.APP, ["A"]), "A is not set", "the emulator prints its own"),
        (words.unset(words.TURN, ["A", "B"]), "A and B are not set", "TURN key ID"),
        (words.unresolved("host", socket.gaierror(socket.EAI_NONAME, "x")), "no address for host", "online"),
        (words.unresolved("host", socket.gaierror(socket.EAI_AGAIN, "x")), "No name server", "name servers"),
        (words.unresolved("host", TimeoutError()), "No name server", "name servers"),
        (words.unconnected("host", 81, ConnectionRefusedError()), "nothing listens on its port 81", "Start"),
        (words.unconnected("host", 81, TimeoutError()), "does not answer on port 81", "firewall"),
        (words.unconnected("host", 81, OSError(101, "unreachable")), "no way to host", "VPN"),
        (untrusted(10), "out of date", "Set the clock"),
        (untrusted(62), "not one for host", "BASE_URL"),
        (untrusted(18), "signed by nobody", "SSL_CERT_FILE"),
        (not_tls("WRONG_VERSION_NUMBER"), "does not speak TLS", "http://"),
        (not_tls("UNEXPECTED_EOF"), "broke off (unexpected eof)", "firewall"),
        (words.untrusted("host", ConnectionResetError(104, "Reset")), "broke off (reset)", "firewall"),
        (words.silent("host", 3478, TimeoutError()), "No answer came over UDP", "TURN"),
        (words.silent("host", 3478, OSError(1, "no")), "cannot be sent", "TURN"),
        (words.silent("host", 3478, socket.gaierror()), "no address for host", "online"),
        (words.skewed(61.0), "61 s ahead of", "Set it"),
        (words.skewed(-11.0), "11 s behind", "Set it"),
        (words.unencrypted("host"), "in the clear", "https://"),
    ],
)
def test_what_a_failure_on_the_way_means(trouble, text, advice):
    assert text in trouble.text
    assert advice in trouble.advice


def test_a_clock_that_differs_a_little_is_not_worth_a_word():
    assert words.skewed(3.0) is None


@pytest.mark.parametrize(
    ("error", "text", "advice"),
    [
        (
            AuthenticationError(status=401, code="unauthorized", cf_ray="8f-AMS", **CALL),
            "401 unauthorized",
            "again",
        ),
        (AuthenticationError(status=403, **CALL), "The App Secret is not the one", "APP_SECRET"),
        (NotFoundError(status=404, code="not_found", **CALL), "no app with this App ID", "APP_ID"),
        (NotFoundError(status=404, **CALL), "not the API", "BASE_URL"),
        (BadRequestError(status=400, code="invalid_params", **CALL), "refused the call (400", "report it"),
        (RateLimitError(status=429, code="x", **CALL), "fewer calls", "a minute"),
        (ServerError(status=503, code="backend_error", **CALL), "on its side (503 backend_error", "status"),
        (OutcomeUnknownError("no code", status=520, **CALL), "on its side (520", "status"),
        (OutcomeUnknownError("html", status=200, **CALL), "not the API", "sign-in page"),
        (UnexpectedAnswerError("html", status=200, **CALL), "not the API", "sign-in page"),
        (OutcomeUnknownError("late", **CALL), "no complete answer", "--timeout"),
        (NotSentError("no", **CALL), "No connection", "proxy"),
    ],
)
def test_what_a_refused_call_means(error, text, advice):
    trouble = words.refused(error, words.APP)
    assert text in trouble.text
    assert advice in trouble.advice


def test_cloudflares_id_of_the_request_is_told_for_its_support():
    error = AuthenticationError(status=401, code="unauthorized", cf_ray="8f-AMS", **CALL)
    assert "cf-ray 8f-AMS" in words.refused(error, words.TURN).text


def test_prose_in_the_place_of_a_code_is_not_repeated():
    error = BadRequestError(status=400, code="canary with prose", **CALL)
    assert "canary" not in str(words.refused(error, words.APP))


def test_only_its_own_answer_answers_a_stun_request():
    mine, other = b"a" * 12, b"b" * 12
    answer = b"\x01\x01" + stun.request(mine)[2:]
    assert stun.answers(answer, mine)
    assert not stun.answers(answer, other)
    assert not stun.answers(stun.request(mine), mine)
    assert not stun.answers(b"short", mine)


FINDINGS = [
    Finding("settings", Status.OK, "They are set."),
    Trouble("The App Secret is wrong. " * 6, "Copy it again. " * 6).at("app"),
    Finding("turn", Status.NOT_TRIED, "Not tried."),
    Finding("udp", Status.NOTED, "Slow."),
]


class Paper(io.StringIO):
    def __init__(self, encoding, *, terminal):
        super().__init__()
        self._encoding, self._terminal = encoding, terminal

    encoding = property(lambda self: self._encoding)

    def isatty(self):
        return self._terminal


def printed(encoding="utf-8", *, terminal=False):
    paper = Paper(encoding, terminal=terminal)
    assert report.write(iter(FINDINGS), "host", paper) is False
    return paper.getvalue()


def test_a_pipe_gets_marks_and_no_colour():
    lines = printed().splitlines()
    assert lines[2] == "✓ settings    They are set."
    assert lines[-1] == "To mend: app."
    assert "\x1b" not in printed()
    assert max(map(len, lines)) <= 100
    assert [line[14:16] for line in lines[4:8]].count("→ ") == 1


def test_a_stream_in_ascii_gets_letters():
    assert printed("ascii").isascii()
    assert "NO app" in printed("ascii")


def test_a_terminal_gets_colour_unless_asked_not_to(monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert "\x1b[32m✓\x1b[0m settings" in printed(terminal=True)
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b" not in printed(terminal=True)


def test_json_holds_the_same():
    paper = io.StringIO()
    assert report.write_json(iter(FINDINGS), "host", paper) is False
    document = json.loads(paper.getvalue())
    assert (document["ok"], document["service"]) == (False, "host")
    assert [step["status"] for step in document["steps"]] == ["ok", "failed", "not tried", "noted"]


def test_what_is_noted_or_was_not_tried_fails_nothing():
    harmless = [finding for finding in FINDINGS if finding.step != "app"]
    assert passed(harmless)
    assert report.summary(harmless) == "Everything that was tried works."
