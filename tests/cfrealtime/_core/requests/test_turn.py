"""TURN requests have the published form, user names stay unseen, and answers fit RTCPeerConnection."""

from __future__ import annotations

import json

import pytest

from cfrealtime._core.exchange import Safety, UnreadableError
from cfrealtime._core.requests import turn
from cfrealtime.errors import InvalidRequestError
from cfrealtime.models import IceServer, IceServers

STUN = {"urls": ["stun:stun.example:3478", "stun:stun.example:53"]}
TURN = {
    "urls": ["turn:turn.example:3478?transport=udp", "turn:turn.example:53?transport=udp"],
    "username": "half",
    "credential": "other-half",
}


def generate(ttl=60, custom_identifier=None, *, browser=True):
    return turn.generate_ice_servers("key", ttl, custom_identifier, browser=browser)


def test_a_credential_is_asked_for_by_its_life_and_a_label_only_if_given():
    plain, labelled = generate(86_400), generate(1, "visit 7")
    assert (plain.method, plain.path) == ("POST", "/turn/keys/key/credentials/generate-ice-servers")
    assert json.loads(plain.body) == {"ttl": 86_400}
    assert json.loads(labelled.body) == {"ttl": 1, "customIdentifier": "visit 7"}


def test_a_revocation_has_no_body_and_an_answer_without_content():
    request = turn.revoke("key", "half")
    assert (request.method, request.path) == ("POST", "/turn/keys/key/credentials/half/revoke")
    assert (request.body, request.read({})) == (None, None)


def test_a_lost_credential_expires_and_a_revoked_one_stays_revoked():
    made, revoked = generate(), turn.revoke("key", "half")
    assert (made.operation, made.safety) == ("generate_ice_servers", Safety.WASTEFUL)
    assert (revoked.operation, revoked.safety) == ("revoke_turn_credential", Safety.IDEMPOTENT)


@pytest.mark.parametrize("ttl", [1, 172_800])
def test_a_credential_lives_from_a_second_to_two_days(ttl):
    assert json.loads(generate(ttl).body) == {"ttl": ttl}


@pytest.mark.parametrize("ttl", [0, -1, 172_801, 60.0, True, "60", None])
def test_any_other_life_is_refused(ttl):
    with pytest.raises(InvalidRequestError, match=r"^turn\.generate_ice_servers was not sent: ttl"):
        generate(ttl)


@pytest.mark.parametrize("label", ["", 7])
def test_a_label_is_a_string_that_is_not_empty(label):
    with pytest.raises(InvalidRequestError, match="custom_identifier"):
        generate(60, label)


@pytest.mark.parametrize(
    ("username", "segment"),
    [
        ("bc91b63e2b5d759f8eb9f3b58062439e", "bc91b63e2b5d759f8eb9f3b58062439e"),
        ("1767225600:user@example.com", "1767225600%3Auser%40example.com"),
        ("a+b=c,d", "a%2Bb%3Dc%2Cd"),
        ("a..b", "a..b"),
        ("u" * 508, "u" * 508),
    ],
)
def test_a_username_is_escaped_in_the_path(username, segment):
    assert turn.revoke("key", username).path == f"/turn/keys/key/credentials/{segment}/revoke"


PATHS = [
    "",
    ".",
    "..",
    "...",
    "half/..",
    "half/",
    "half\\",
    "half%2f",
    "half%2F..",
    "half?",
    "half#",
    "half;x",
]
UNPRINTABLE = ["half ", "half\n", "half\r\n", "half\x00", "half\x7f", "hälf", "half\u2215"]


@pytest.mark.parametrize("username", [*PATHS, *UNPRINTABLE, "half" * 128, 7, None])
def test_what_could_turn_a_path_is_refused_and_never_shown(username):
    with pytest.raises(InvalidRequestError, match=r"^turn\.revoke was not sent: username") as caught:
        turn.revoke("key", username)
    assert "half" not in str(caught.value)


def test_nothing_shows_a_username_or_a_credential():
    request = turn.revoke("key", "half")
    result = generate().read({"iceServers": [TURN]})
    assert "half" not in repr(request) + repr(result) + repr(result.servers)


def test_urls_that_browsers_block_are_left_out_for_them_alone():
    document = {"iceServers": [STUN, TURN]}
    assert generate(browser=True).read(document).as_dicts() == [
        {"urls": STUN["urls"][:1]},
        {**TURN, "urls": TURN["urls"][:1]},
    ]
    assert generate(browser=False).read(document).as_dicts() == [STUN, TURN]


def test_one_server_without_a_list_is_a_list_of_one():
    assert generate().read({"iceServers": STUN}) == generate().read({"iceServers": [STUN]})


def test_what_this_version_does_not_know_is_kept_but_not_handed_to_pages():
    result = generate().read({"iceServers": [{**STUN, "region": "x"}], "expires": 5})
    assert (result.extra, result.servers[0].extra) == ({"expires": 5}, {"region": "x"})
    assert result.as_dicts() == [{"urls": STUN["urls"][:1]}]


@pytest.mark.parametrize(
    "servers",
    [None, "stun:x", 7, [7], [{}], [{"urls": "stun:x"}], [{"urls": [7]}], [{**TURN, "username": 7}]],
)
def test_an_answer_that_lists_no_servers_is_unreadable(servers):
    with pytest.raises(UnreadableError):
        generate().read({"iceServers": servers})


@pytest.mark.parametrize(
    "url",
    ["stun:a.example:53", "turn:a.example:53?transport=udp", "turns:10.0.0.1:053", "TURN:[2001:db8::1]:53"],
)
def test_a_server_with_blocked_urls_alone_is_left_out(url):
    assert IceServers((IceServer((url,)),)).for_browsers().servers == ()


@pytest.mark.parametrize(
    "url",
    [
        "stun:a.example",
        "turn:a.example:5349?x=:53",
        "turn:a.example:530",
        "turn:[2001:db8::53]",
        "stun:53",
        "?",
        "",
    ],
)
def test_every_other_url_is_kept(url):
    servers = IceServers((IceServer((url,)),))
    assert servers.for_browsers() == servers
