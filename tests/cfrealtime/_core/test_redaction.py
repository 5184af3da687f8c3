"""A TURN user name in a URL reaches no log line; everything else does."""

from __future__ import annotations

import logging

import httpx
import pytest

from cfrealtime._core.redaction import CredentialsFilter, redact, redacted

REVOKE = "https://host/v1/turn/keys/key/credentials/canary%2Bname/revoke"


@pytest.mark.parametrize("value", [REVOKE, httpx.URL(REVOKE), f"asked {REVOKE}", f"'{REVOKE}'"])
def test_what_follows_credentials_is_hidden(value):
    shown = str(redacted(value))
    assert "canary" not in shown
    assert shown.strip("'").endswith("/credentials/[hidden]/revoke")


@pytest.mark.parametrize(
    "value", [200, None, httpx.URL("https://host/v1/turn/keys/key/credentials/generate-ice-servers")]
)
def test_what_holds_no_user_name_is_left_alone(value):
    assert redacted(value) is value


@pytest.mark.parametrize("args", [("POST", httpx.URL(REVOKE)), ({"method": "POST", "url": REVOKE},)])
def test_a_record_passes_without_the_name(args):
    message = "%s %s" if len(args) == 2 else "%(method)s %(url)s"
    record = logging.LogRecord("httpx", logging.INFO, __file__, 1, message, args, None)
    assert CredentialsFilter().filter(record)
    assert record.getMessage() == "POST https://host/v1/turn/keys/key/credentials/[hidden]/revoke"


def test_a_message_that_was_put_together_before_is_redacted_too():
    record = logging.LogRecord("httpx", logging.INFO, __file__, 1, f"asked {REVOKE}", None, None)
    CredentialsFilter().filter(record)
    assert "canary" not in record.getMessage()


def test_attaching_twice_attaches_once():
    logger = logging.getLogger("cfrealtime.test.redaction")
    redact(logger.name)
    redact(logger.name)
    assert len(logger.filters) == 1
    logger.filters.clear()
