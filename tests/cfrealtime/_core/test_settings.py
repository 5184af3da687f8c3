"""Settings come from arguments, then from the environment; what is wrong is named, never shown."""

from __future__ import annotations

import pytest

from cfrealtime import ConfigurationError
from cfrealtime._core.settings import (
    APP_ID,
    APP_SECRET,
    BASE_URL,
    DEFAULT_BASE_URL,
    TURN_API_TOKEN,
    TURN_KEY_ID,
    Credentials,
    app,
    base_url_of,
    options_of,
    turn_key,
)

PAIR = {APP_ID: "env-app", APP_SECRET: "env-secret"}


def test_arguments_win_over_the_environment():
    assert app("app", "secret", PAIR) == Credentials("app", "secret")
    assert base_url_of("http://localhost:8787/v1/", {BASE_URL: "http://other"}) == "http://localhost:8787/v1"


def test_the_environment_fills_what_is_not_given():
    assert app(None, None, PAIR) == Credentials("env-app", "env-secret")
    assert turn_key(None, "t", {TURN_KEY_ID: "k"}) == Credentials("k", "t")
    assert base_url_of(None, {BASE_URL: "http://other"}) == "http://other"
    assert base_url_of(None, {}) == DEFAULT_BASE_URL


def test_a_turn_key_is_asked_for_by_its_own_names():
    with pytest.raises(
        ConfigurationError, match=f"{TURN_KEY_ID} and {TURN_API_TOKEN}.*key_id= and api_token"
    ):
        turn_key(None, None, PAIR)


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
        app(None, None, environment)
    assert all(name in str(caught.value) for name in named)
    assert not any(name in str(caught.value) for name in silent_about)


@pytest.mark.parametrize("secret", ["hunter2\n", "hun ter2", "hünter2", "hunter2\x00"])
def test_a_secret_that_fits_no_header_is_refused_unseen(secret):
    with pytest.raises(ConfigurationError) as caught:
        app("app", secret, {})
    assert secret.strip() not in str(caught.value)


@pytest.mark.parametrize("app_id", ["a/b", "..", "a b", "a%2Fb", "ä"])
def test_an_app_id_that_could_leave_its_place_in_the_path_is_refused(app_id):
    with pytest.raises(ConfigurationError, match="App ID"):
        app(app_id, "secret", {})


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
        base_url_of(url, {})


@pytest.mark.parametrize("timeout", [0, -1.0, float("nan"), float("inf")])
def test_a_timeout_leaves_time_and_ends(timeout):
    with pytest.raises(ConfigurationError, match="timeout"):
        options_of(timeout, 2, None)


@pytest.mark.parametrize("retries", [-1, True, 1.5, "2", None])
def test_retries_are_counted_in_whole_numbers(retries):
    with pytest.raises(ConfigurationError, match="max_retries"):
        options_of(10.0, retries, None)


def test_settings_do_not_show_the_secret():
    assert "hunter2" not in repr(app("app", "hunter2", {}))
