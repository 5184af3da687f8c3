"""Text in, values out; and every way in which a text is none."""

from __future__ import annotations

import contextlib
import json
from typing import Any, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cfrealtime_rooms.core import commands, notices
from cfrealtime_rooms.core.commands import Command
from cfrealtime_rooms.core.notices import ClientLimits
from cfrealtime_rooms.signaling import ProtocolError, decode, encode

from .examples import COMMANDS, NOTICES

LIMITS = ClientLimits()
SECRET = "s3cr3t"


def refusal(text: Any, limits: ClientLimits = LIMITS) -> ProtocolError:
    with pytest.raises(ProtocolError) as caught:
        decode(text, limits)
    return caught.value


def test_every_command_has_its_example():
    assert {type(command) for _, command in COMMANDS} == set(get_args(Command))
    assert set(commands.COMMAND_NAMES.values()) == {text["type"] for text, _ in COMMANDS}


@pytest.mark.parametrize(("text", "command"), COMMANDS, ids=lambda value: type(value).__name__)
def test_a_message_becomes_its_command(text, command):
    assert decode(json.dumps(text), LIMITS) == command


def test_fields_nobody_knows_are_ignored():
    assert decode('{"type": "leave", "why": [1]}', LIMITS) == commands.Leave()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "The message is not JSON."),
        ("x" * 10_000, "The message is not JSON."),
        ('{"type": "leave"', "The message is not JSON."),
        ('{"type": "leave"} {}', "The message is not JSON."),
        ("\ufeff{}", "The message is not JSON."),
        ("[" * 100_000, "The message is not JSON."),
        ('{"type": "message", "data": NaN}', "The message is not JSON."),
        ('{"type": "message", "data": -Infinity}', "The message is not JSON."),
        ('{"type": "message", "data": 1e999}', "The message is not JSON."),
        ('{"type": "applied", "exchange": ' + "9" * 5000 + "}", "The message is not JSON."),
        ('{"type": "message", "text": "\ud800"}', "The message is not JSON."),
        ('{"type": "message", "text": "\\ud800"}', "The message is not JSON."),
        ('{"\ud800": 1, "type": "leave", "\ud800": 2}', "The message is not JSON."),
        (b'{"type": "leave"}', "A message is a text, not bytes."),
        (None, "A message is a text, not bytes."),
        ("[]", "A message is a JSON object with a type."),
        ("7", "A message is a JSON object with a type."),
        ("null", "A message is a JSON object with a type."),
        ("{}", "The message has no type that this protocol knows."),
        ('{"type": null}', "The message has no type that this protocol knows."),
        ('{"type": ["leave"]}', "The message has no type that this protocol knows."),
        ('{"type": "welcome"}', "The message has no type that this protocol knows."),
        ('{"type": "Leave"}', "The message has no type that this protocol knows."),
    ],
    ids=range(23),
)
def test_what_is_no_message_is_answered_without_a_type(text, says):
    error = refusal(text)
    assert (error.code, error.message, error.in_reply_to) == ("bad_message", says, None)


@pytest.mark.parametrize("pair", ["\\ud83d\\ude00", "😀", "\\u00e9"])
def test_whole_characters_are_welcome_in_every_spelling(pair):
    decode(f'{{"type": "message", "text": "{pair}"}}', LIMITS)


TRACK = {"mid": "0", "source": "camera", "kind": "video"}


@pytest.mark.parametrize(
    ("message", "says"),
    [
        ({"type": "resume"}, "token is missing"),
        ({"type": "resume", "token": None}, "token must be a string"),
        ({"type": "resume", "token": "t", "epoch": "1"}, "epoch must be a whole number"),
        ({"type": "applied", "exchange": 1.0}, "exchange must be a whole number"),
        ({"type": "applied", "exchange": True}, "exchange must be a whole number"),
        ({"type": "join", "name": 5}, "name must be a string"),
        ({"type": "join", "name": {}}, "name must be a string"),
        ({"type": "join", "attributes": [SECRET]}, "attributes must be an object"),
        ({"type": "join", "attributes": {SECRET: 5}}, "every value of attributes must be a string"),
        ({"type": "join", "tracks": TRACK}, "tracks must be a list"),
        ({"type": "join", "tracks": None}, "tracks must be a list"),
        ({"type": "join", "tracks": [SECRET]}, "tracks[0] must be an object"),
        ({"type": "join", "tracks": [TRACK, {**TRACK, "mid": 1}]}, "tracks[1].mid must be a string"),
        ({"type": "join", "tracks": [{"mid": "0"}]}, "tracks[0].source is missing"),
        ({"type": "join", "tracks": [{**TRACK, "kind": SECRET}]}, "tracks[0].kind must be audio or video"),
        ({"type": "join", "tracks": [{**TRACK, "kind": []}]}, "tracks[0].kind must be audio or video"),
        ({"type": "join", "tracks": [{**TRACK, "muted": 1}]}, "tracks[0].muted must be true or false"),
        ({"type": "media", "epoch": 1, "state": SECRET}, "state must be connected or failed"),
        ({"type": "media", "epoch": 1, "sending": ["a", 1]}, "sending[1] must be a string"),
        ({"type": "media", "epoch": 1, "sending": SECRET}, "sending must be a list"),
        ({"type": "mute", "source": SECRET, "muted": "no"}, "muted must be true or false"),
        ({"type": "message", "text": [SECRET]}, "text must be a string"),
        ({"type": "message", "to": SECRET}, "to must be a list"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_wrong_field_is_named_and_its_content_never_quoted(message, says):
    error = refusal(json.dumps(message))
    assert (error.code, error.in_reply_to) == ("bad_message", message["type"])
    assert error.message == f"In {message['type']}: {says}."
    assert SECRET not in error.message
    assert error.__cause__ is None


@pytest.mark.parametrize("source", ["", "two words", "x" * 65, "é", "a\n", "<b>"])
def test_names_between_machines_are_short_and_plain(source):
    error = refusal(json.dumps({"type": "unpublish", "source": source}))
    assert error.message == "In unpublish: source must be 1 to 64 letters, digits or _.:+/-."


def nested(levels: int) -> Any:
    value: Any = "deep"
    for _ in range(levels):
        value = [value]
    return value


def test_data_may_be_32_levels_deep_and_no_deeper():
    decode(json.dumps({"type": "message", "data": nested(32)}), LIMITS)
    error = refusal(json.dumps({"type": "message", "data": nested(33)}))
    assert error.message == "In message: data has more than 32 levels."
    assert refusal('{"type":"message","data":' + "[{" * 300 + "}]" * 300 + "}").code == "bad_message"


def test_sdp_and_the_rest_have_bounds_of_their_own():
    sdp = "a=x\r\n" * (LIMITS.sdp_bytes // 5)
    beside = {"type": "join", "attributes": {"note": "n" * (LIMITS.message_bytes - 200)}}
    decode(json.dumps({**beside, "offer": sdp}), LIMITS)

    error = refusal(json.dumps({"type": "answer", "exchange": 1, "sdp": sdp + "a=one more\r\n"}))
    assert (error.code, error.in_reply_to) == ("too_large", "answer")
    assert error.message == "An SDP has at most 262144 bytes."
    error = refusal(json.dumps({**beside, "offer": sdp, "more": "m" * 200}))
    assert (error.code, error.in_reply_to) == ("too_large", "join")
    assert error.message == "A message has at most 65536 bytes beside its SDP."
    assert refusal(json.dumps({"type": "message", "text": "n" * 66_000})).code == "too_large"


def test_bytes_are_counted_and_not_characters():
    within = {"type": "message", "data": "é" * 32_000}
    decode(json.dumps(within, ensure_ascii=False), LIMITS)
    assert refusal(json.dumps({**within, "more": "é" * 1000}, ensure_ascii=False)).code == "too_large"


def test_what_is_far_too_large_is_not_even_parsed():
    error = refusal("{" * (LIMITS.message_bytes + 2 * LIMITS.sdp_bytes + 1))
    assert (error.code, error.in_reply_to) == ("too_large", None)


def settled(text: str) -> None:
    """Any text ends in a command or a protocol error."""
    with contextlib.suppress(ProtocolError):
        assert isinstance(decode(text, LIMITS), Command)


KEYS = st.sampled_from(sorted({key for text, _ in COMMANDS for key in text} | {"mid", "kind"}))
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.just("camera"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS | st.text(), inner, max_size=4),
    max_leaves=8,
)


@settings(max_examples=100, deadline=None)
@given(st.sampled_from(COMMANDS), st.dictionaries(KEYS, JSON, max_size=4), st.booleans())
def test_any_json_in_any_field_ends_in_a_command_or_a_protocol_error(example, changes, ascii_only):
    text, _ = example
    settled(json.dumps({**text, **changes, "type": text["type"]}, ensure_ascii=ascii_only))


@settings(max_examples=100, deadline=None)
@given(st.text() | st.text(alphabet='{}[]":,\\ud8etypjoin0-.eE'))
def test_any_text_ends_in_a_command_or_a_protocol_error(text):
    settled(text)
    settled('{"type": "message", "text": "' + text)


def test_every_notice_has_its_example():
    assert {type(notice) for notice in NOTICES} == set(get_args(notices.Notice))


@pytest.mark.parametrize("notice", NOTICES, ids=lambda notice: type(notice).__name__)
def test_a_notice_is_one_line_of_ascii_with_its_type_first(notice):
    text = encode(notice)
    assert text.isascii()
    assert "\n" not in text
    assert next(iter(json.loads(text).items())) == ("type", notices.NOTICE_NAMES[type(notice)])


def test_what_is_not_there_is_left_out_unless_it_says_something():
    assert json.loads(encode(notices.Error("stale", "Late."))) == {
        "type": "error",
        "code": "stale",
        "message": "Late.",
    }
    assert json.loads(encode(notices.Replace(2, None, None))) == {
        "type": "replace",
        "epoch": 2,
        "grant": None,
        "deadline": None,
    }
