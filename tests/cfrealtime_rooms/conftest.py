"""Shared by the tests of rooms."""

from __future__ import annotations

import pytest

pytest.register_assert_rewrite("tests.cfrealtime_rooms.scenarios.scene")
