"""Settings come from arguments, then from the environment; what is wrong is named, never shown."""

from __future__ import annotations

import pytest

from cfrealtime import ConfigurationError
from cfrealtime._core.settings import APP_ID, APP_SECRET, BASE_URL, DEFAULT_BASE_URL, resolve

PAIR = {APP_ID: "env-app", APP_SECRET: "env-secret"}


def test_arguments_win_over_the_environment():
    settings = resolve("app", "secret", "http://localhost:8787/v1/", 5.0, PAIR | {BASE_URL: "http://other"})
    assert (settings.app_id, settings.app_secret, settings.base_url) == (
        "app",
        "secret",
        "http://localhost:8787/v1",
    )


def test_the_environment_fills_what_is_not_given():
    settings = resolve(None, None, None, 5.0, PAIR)
    assert (settings.app_id, settings.app_secret, settings.base_url) == (
        "env-app",
        "env-secret",
        DEFAULT_BASE_URL,
    )


@pytest.mark.parametrize(
    ("environment", "named", "silent_about"),
    [
        ({}, [APP_ID, APP_SECRET], []),
        ({APP_ID: "app"}, [APP_SECRET], [APP_ID]),
        ({APP_SECRET: "hunter2", APP_ID: ""}, [APP_ID], [APP_SECRET, "hunter2"]),
    ],
)
def test_missing_variables_are_named_and_only_those(environment, named, silent_about):
    with pytest.raises(ConfigurationError) as caught:
        resolve(None, None, None, 5.0, environment)
    assert all(name in str(caught.value) for name in named)
    assert not any(name in str(caught.value) for name in silent_about)


@pytest.mark.parametrize("secret", ["hunter2\n", "hun ter2", "hünter2", "hunter2\x00"])
def test_a_secret_that_fits_no_header_is_refused_unseen(secret):
    with pytest.raises(ConfigurationError) as caught:
        resolve("app", secret, None, 5.0, {})
    assert secret.strip() not in str(caught.value)


@pytest.mark.parametrize("app_id", ["a/b", "..", "a b", "a%2Fb", "ä"])
def test_an_app_id_that_could_leave_its_place_in_the_path_is_refused(app_id):
    with pytest.raises(ConfigurationError, match="App ID"):
        resolve(app_id, "secret", None, 5.0, {})


@pytest.mark.parametrize(
    "url",
    [
        "rtc.live.cloudflare.com/v1",
        "ftp://host/v1",
        "http://",
        "http://host/v1?x=1",
        "http://u:p@host",
        "http://[",
        "http://host:0",
        "http://a b/",
    ],
)
def test_a_base_url_that_is_none_is_refused(url):
    with pytest.raises(ConfigurationError, match="base URL"):
        resolve("app", "secret", url, 5.0, {})


@pytest.mark.parametrize("timeout", [0, -1.0, float("nan"), float("inf")])
def test_a_timeout_leaves_time_and_ends(timeout):
    with pytest.raises(ConfigurationError, match="timeout"):
        resolve("app", "secret", None, timeout, {})


def test_settings_do_not_show_the_secret():
    assert "hunter2" not in repr(resolve("app", "hunter2", None, 5.0, {}))
