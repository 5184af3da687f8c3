"""A street per test."""

from __future__ import annotations

import logging

import pytest

from tests.cfrealtime.emulator.fuzz.street import living_street


@pytest.fixture
async def street(caplog):
    caplog.set_level(logging.DEBUG)
    async with living_street(lambda: caplog.text) as street:
        yield street
