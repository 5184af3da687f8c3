"""Both colours offer the same, say the same, and one is made from the other."""

from __future__ import annotations

import inspect
import re
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

from cfrealtime import (
    Adapters,
    AsyncAdapters,
    AsyncNegotiation,
    AsyncRealtime,
    AsyncSession,
    AsyncTurn,
    Negotiation,
    Realtime,
    Session,
    Turn,
)
from cfrealtime.aio import raw as async_raw
from cfrealtime.blocking import raw

SCRIPT = Path(__file__).parents[2] / "scripts" / "colours.py"
PAIRS = [
    (Realtime, AsyncRealtime),
    (Session, AsyncSession),
    (Negotiation, AsyncNegotiation),
    (Adapters, AsyncAdapters),
    (Turn, AsyncTurn),
    (raw.RawRealtime, async_raw.RawAsyncRealtime),
    (raw.RawSession, async_raw.RawAsyncSession),
    (raw.RawAdapters, async_raw.RawAsyncAdapters),
    (raw.RawTurn, async_raw.RawAsyncTurn),
]
RAW = [
    (Realtime, raw.RawRealtime, {"session", "turn", "with_options", "close"}),
    (AsyncRealtime, async_raw.RawAsyncRealtime, {"session", "turn", "with_options", "aclose"}),
    (Session, raw.RawSession, {"negotiate"}),
    (AsyncSession, async_raw.RawAsyncSession, {"negotiate"}),
    (Adapters, raw.RawAdapters, set()),
    (AsyncAdapters, async_raw.RawAsyncAdapters, set()),
    (Turn, raw.RawTurn, {"with_options", "close"}),
    (AsyncTurn, async_raw.RawAsyncTurn, {"with_options", "aclose"}),
]
# Another HTTP engine pays where many calls are in flight, which is on asyncio.
ASYNC_ONLY = {"engine"}
paired = pytest.mark.parametrize(("blocking", "on_asyncio"), PAIRS, ids=lambda cls: cls.__name__)


def colourless(text):
    """A name, a type or a sentence without what depends on the colour."""
    text = re.sub(r"Awaitable\[(.*?)\](?=[\],]|$)", r"\1", str(text))
    text = re.sub(r"Async(?=[A-Z])|Sync(?=[A-Z])|\basync ", "", text)
    text = re.sub(r"__a(enter|exit)__", r"__\1__", text)
    text = re.sub(r"\baclose\b", "close", text)
    text = re.sub(r"for asyncio|for code that blocks", "for …", text)
    text = re.sub(r"no running loop is needed to make it|threads may share it", "…", text)
    return text.replace("the connections of the running event loop", "the connections")


def paragraphs(documented):
    """What is said of something."""
    return {colourless(" ".join(each.split())) for each in (documented.__doc__ or "").split("\n\n")}


def members(cls):
    """What a class itself offers, by name."""
    return {
        colourless(name): getattr(member, "fget", member)
        for name, member in vars(cls).items()
        if (callable(member) or isinstance(member, property))
        and (not name.startswith("_") or re.fullmatch(r"__a?(init|repr|enter|exit)__", name))
    }


def shape(function):
    """The parameters of a function, and what it gives."""
    signature = inspect.signature(function)
    parameters = [each for name, each in signature.parameters.items() if name not in ASYNC_ONLY]
    return [
        *[(each.name, each.kind, each.default, colourless(each.annotation)) for each in parameters],
        colourless(signature.return_annotation),
    ]


@paired
def test_both_colours_have_the_same_members_with_the_same_signatures_and_words(blocking, on_asyncio):
    ours, theirs = members(blocking), members(on_asyncio)
    assert ours.keys() == theirs.keys()
    assert paragraphs(blocking) <= paragraphs(on_asyncio)
    for name, member in ours.items():
        assert shape(member) == shape(theirs[name]), name
        assert paragraphs(member) == paragraphs(theirs[name]), name
        assert member.__doc__ or name.startswith("__"), name


@pytest.mark.parametrize("cls", [cls for pair in PAIRS[:5] for cls in pair], ids=lambda cls: cls.__name__)
def test_only_the_async_colour_is_awaited(cls):
    calls = {name for name, member in members(cls).items() if inspect.iscoroutinefunction(member)}
    assert bool(calls) is cls.__name__.startswith("Async")


@pytest.mark.parametrize(("cls", "twin", "without"), RAW, ids=lambda part: getattr(part, "__name__", ""))
def test_every_call_has_a_raw_twin(cls, twin, without):
    calls = {name for name, member in vars(cls).items() if inspect.isfunction(member) and name[0] != "_"}
    twins = vars(twin(lambda tape: None))
    assert twins.keys() == calls - without
    for name, recorded in twins.items():
        _, *parameters = inspect.signature(getattr(cls, name)).parameters.values()
        assert [*inspect.signature(recorded).parameters.values()] == parameters
        assert recorded.__doc__ == getattr(cls, name).__doc__


def test_the_blocking_colour_is_what_the_script_makes_of_the_async_one():
    subprocess.run([sys.executable, SCRIPT, "--check"], check=True)


def test_a_change_of_one_colour_alone_is_noticed():
    script = runpy.run_path(str(SCRIPT))
    source = (script["SOURCE"] / "negotiation.py").read_text(encoding="utf-8")
    target = (script["TARGET"] / "negotiation.py").read_text(encoding="utf-8")
    assert script["formatted"](script["blocking"](source)) == target
    assert (
        script["formatted"](script["blocking"](source.replace("raise left_open", "return left_open")))
        != target
    )
